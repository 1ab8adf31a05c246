// What a server may be told. docs/limits.md has a row for each limit.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "saker/grpc/compression.h"
#include "saker/h2/options.h"
#include "saker/net/loop.h"
#include "saker/net/tls_options.h"
#include "saker/rpc/call_log.h"
#include "saker/rpc/connection_age.h"
#include "saker/rpc/keepalive.h"
#include "saker/tls/context.h"

namespace saker::rpc {

class ProcessMemory;

// Of a connection's part in one turn of its loop (turn_input.h).
struct TurnLimits {
  uint32_t work = 512;                // limit: units of h2::Connection::handle_input()
  size_t message_bytes = 256 * 1024;  // limit: of requests; of packed ones see Unpacking
  size_t least_message_bytes = 1024;  // as what each message of a streaming call counts at least
};

struct ServerOptions {
  h2::ConnectionOptions connection;
  net::EpollLoopOptions loop;
  net::ListenOptions listen;
  KeepaliveOptions keepalive = {.time = std::chrono::hours(2)};
  PingPolicyOptions pings;
  TurnLimits turn;
  ConnectionAgeOptions age;
  CallLogOptions call_log;
  size_t threads = 0;                             // 0: the CPUs that this process may use
  uint32_t max_receive_message_bytes = 4 << 20;   // limit: one request message
  uint32_t max_send_message_bytes = INT32_MAX;    // limit: one reply message
  size_t max_connection_memory_bytes = 16 << 20;  // limit: messages in assembly on one connection
  // Of replies, to clients that accept it; a handler may choose otherwise for its call.
  grpc::Compression compression = grpc::Compression::kIdentity;
  // VSOCK peers with another CID are turned away; empty: none are.
  std::vector<uint32_t> allowed_vsock_cids;
  size_t max_connections = 100'000;                   // limit: open connections of the whole server
  uint64_t max_memory_bytes = 0;                      // limit: memory of the process; 0: none
  Duration drain_timeout = std::chrono::seconds(10);  // limit: from drain to closing what is left
  tls::ServerContext
      tls;  // of connections from now on; none: plain text. See Server::replace_tls()
  net::TlsStreamOptions tls_stream;
  // Told of peers that cannot be served: no TLS where it must be, or a bad certificate, say. On any
  // loop's thread, a few times a second at most.
  std::function<void(const net::Peer& peer, const std::string& why)> report_peer;
  // Told what max_memory_bytes comes to forbid and allows again. On a thread of its own.
  std::function<void(const std::string& what)> report_memory;
  // Of tests, outlives the server; null: this process's.
  ProcessMemory* process_memory = nullptr;
  Duration write_stall_timeout = std::chrono::seconds(60);  // limit: the peer takes no byte of ours
};

}  // namespace saker::rpc

// What a channel may be told. docs/limits.md has a row for each limit.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "saker/h2/options.h"
#include "saker/net/loop.h"
#include "saker/net/tls_options.h"
#include "saker/rpc/connection_observer.h"
#include "saker/rpc/keepalive.h"
#include "saker/rpc/service_config.h"
#include "saker/tls/context.h"

namespace saker::rpc {

inline h2::ConnectionOptions client_connection_defaults() {
  h2::ConnectionOptions options;
  options.max_concurrent_streams = 0;  // of the server's making: none
  // Flow control may hold a call's request for as long as its deadline allows; that is no reason to
  // end the other calls of the connection.
  options.no_progress_timeout = Duration::max();
  return options;
}

struct ChannelOptions {
  h2::ConnectionOptions connection = client_connection_defaults();
  net::ConnectOptions connect;
  KeepaliveOptions keepalive;  // off …
  KeepaliveOptions vsock_keepalive = {
      .time = std::chrono::seconds(10),  // … but on VSOCK, whose kernel has none
      .timeout = std::chrono::seconds(5)};
  // Which backend takes a call. Beats what the service config says.
  Balancing balancing = Balancing::kDefault;
  std::shared_ptr<const ServiceConfig> service_config;  // null: none
  // No backend's health is watched, whatever the service config says (gRFC A17).
  bool inhibit_health_checking = false;
  size_t connections = 1;        // limit: connections to each backend
  bool connect_eagerly = false;  // open all of them at once, not as load asks for them
  uint32_t max_receive_message_bytes = 4 << 20;   // limit: one reply message
  uint32_t max_send_message_bytes = INT32_MAX;    // limit: one request message
  size_t max_connection_memory_bytes = 16 << 20;  // limit: messages in assembly on one connection
  std::string authority;                          // empty: from the target
  tls::ClientContext tls;                         // none: plain text
  // Whom the server's certificate must be for: a DNS name or an IP address; empty: the target's host,
  // and "localhost" where the target has none.
  std::string tls_server_name;
  net::TlsStreamOptions tls_stream;
  std::string user_agent = "saker/" SAKER_VERSION;
  // Requests of one streaming call, kept for another attempt.
  uint32_t retry_buffer_bytes = 256 << 10;  // limit: past it the call is tried no more
  // Without any call for so long, connections close until the next call (gRFC A9's counterpart).
  // Not where connect_eagerly asks for them. max: never.
  Duration idle_timeout = std::chrono::minutes(30);  // limit: connections that nobody uses
  // A connection is replaced once it has taken so many calls (0: never), or is so old, give or take a
  // tenth: it takes no more of them, those that are under way end on it, and another one is opened as
  // load, or connect_eagerly, asks for it.
  uint64_t connection_calls = 0;
  Duration connection_age = Duration::max();
  ConnectionObserver* observer = nullptr;  // outlives the channel; null: nobody
  // Between a name's answer and the next question.
  Duration min_resolution_interval = std::chrono::seconds(30);
  // Reconnecting: grpc/doc/connection-backoff.md.
  Duration initial_backoff = std::chrono::seconds(1);
  Duration max_backoff = std::chrono::seconds(120);
  double backoff_multiplier = 1.6;
  double backoff_jitter = 0.2;
  Duration vsock_early_retry = std::chrono::milliseconds(50);  // while a virtual machine boots …
  Duration vsock_early_retry_for = std::chrono::minutes(1);    // … this long
};

}  // namespace saker::rpc

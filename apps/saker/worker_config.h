// What a driver may ask of `saker worker` (grpc.testing.ServerConfig, ClientConfig), and what it is
// asked then: checked, in our terms. What cannot be done is refused with the field's name. Hints for
// how gRPC's own core should work are passed over: client_type and server_type (all kinds are one
// here), threads_per_cq, use_coalesce_api, and the channel_args of kIgnoredChannelArgs.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "grpc/testing/control.pb.h"
#include "saker/bench/log_histogram.h"
#include "saker/grpc/status.h"
#include "saker/net/target.h"

namespace saker::app {

// What this worker has.
struct WorkerMeans {
  uint32_t cores = 1;
  bool has_certificate = false;  // for servers
  bool has_ca = false;           // for clients
};

struct ServerPlan {
  uint16_t port = 0;  // 0: a free one
  uint32_t threads = 1;
  uint32_t cores = 1;  // as reported
  bool tls = false;
  std::optional<size_t> bytebuf_reply_bytes;  // none: protobuf
};

struct WorkerTlsPlan {
  bool use_ca = false;  // the worker's; else those that this machine trusts
  std::string server_name;
};

struct ClientPlan {
  std::vector<net::Target> targets;  // channel i goes to i modulo their number
  uint32_t channels = 1;
  uint32_t calls_per_channel = 1;
  uint32_t threads = 1;  // no more than channels
  ::grpc::testing::RpcType rpc_type = ::grpc::testing::UNARY;
  double rate = 0;  // calls a second, of all threads; 0: closed loop
  bool bytebuf = false;
  int32_t request_bytes = 0;
  int32_t reply_bytes = 0;
  uint64_t messages_per_stream = 0;  // 0: no limit
  bench::LogHistogramShape histogram;
  std::optional<WorkerTlsPlan> tls;
};

inline constexpr int64_t kMaxWorkerThreads = 1024;     // limit: of a worker's server or client
inline constexpr int64_t kMaxWorkerCalls = 1'000'000;  // limit: in flight, of a worker's client

std::expected<ServerPlan, grpc::Status> check_server_config(
    const ::grpc::testing::ServerConfig& config, const WorkerMeans& means);
std::expected<ClientPlan, grpc::Status> check_client_config(
    const ::grpc::testing::ClientConfig& config, const WorkerMeans& means);

}  // namespace saker::app

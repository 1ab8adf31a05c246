#include "worker_server.h"

#include <utility>

#include "saker/services/benchmark/benchmark_service.h"

namespace saker::app {
namespace {

// Of messages in assembly, and streams: a client may have a thousand large ones at once.
constexpr size_t kConnectionMemoryBytes = 512 << 20;
constexpr uint32_t kConnectionStreams = kMaxWorkerCalls;
// The run is over when the driver ends it; streams without end are no reason to stay.
constexpr Duration kDrainTime = std::chrono::milliseconds(500);

rpc::ServerOptions server_options(const ServerPlan& plan, const tls::ServerContext& tls) {
  rpc::ServerOptions options;
  options.threads = plan.threads;
  options.connection.max_concurrent_streams = kConnectionStreams;
  options.max_receive_message_bytes = benchmark::kMaxPayloadBytes + benchmark::kMessageExtraBytes;
  options.max_connection_memory_bytes = kConnectionMemoryBytes;
  options.drain_timeout = kDrainTime;
  if (plan.tls) options.tls = tls;
  return options;
}

}  // namespace

Result<std::unique_ptr<WorkerServer>> WorkerServer::make(const ServerPlan& plan,
                                                         const std::string& host,
                                                         const tls::ServerContext& tls) {
  std::unique_ptr<WorkerServer> server(new WorkerServer(plan, server_options(plan, tls)));
  if (auto started = server->start(host); !started) return std::unexpected(started.error());
  return server;
}

Result<void> WorkerServer::start(const std::string& host) {
  if (plan_.bytebuf_reply_bytes) {
    benchmark::register_bytebuf_service(server_.dispatcher(), *plan_.bytebuf_reply_bytes);
  } else {
    benchmark::register_protobuf_service(server_.dispatcher());
  }
  if (auto prepared = server_.prepare(); !prepared) return prepared;
  const auto bound = server_.listen({.host = host, .port = plan_.port});
  if (!bound) return std::unexpected(bound.error());
  port_ = bound->port;
  server_.start();
  return {};
}

WorkerServer::~WorkerServer() {
  if (waiter_.joinable()) waiter_.join();
}

void WorkerServer::fill(::grpc::testing::ServerStatus& status, bool reset) {
  const Usage usage = timer_.look(reset);
  status.set_port(static_cast<int32_t>(port_));
  status.set_cores(static_cast<int32_t>(plan_.cores));
  auto& stats = *status.mutable_stats();
  stats.set_time_elapsed(usage.elapsed_seconds);
  stats.set_time_user(usage.user_seconds);
  stats.set_time_system(usage.system_seconds);
  stats.set_total_cpu_time(usage.machine.total);
  stats.set_idle_cpu_time(usage.machine.idle);
}

void WorkerServer::stop() {
  if (waiter_.joinable()) return;
  server_.shut_down();
  waiter_ = std::thread([this] {
    server_.wait();
    ended_ = true;
  });
}

}  // namespace saker::app

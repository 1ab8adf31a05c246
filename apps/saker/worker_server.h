// WorkerServer: the server that a driver has asked a worker for: grpc.testing.BenchmarkService on
// loops and a port of its own, and what it uses. Never waits but in its destructor. Belongs to one
// thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "grpc/testing/control.pb.h"
#include "saker/base/result.h"
#include "saker/rpc/server.h"
#include "saker/tls/context.h"
#include "usage_timer.h"
#include "worker_config.h"

namespace saker::app {

class WorkerServer {
 public:
  // Listens and serves. `host` empty: all interfaces; `tls`: for a plan with TLS.
  static Result<std::unique_ptr<WorkerServer>> make(const ServerPlan& plan, const std::string& host,
                                                    const tls::ServerContext& tls);
  ~WorkerServer();

  // What it has used so far; `reset`: it counts from now on.
  void fill(::grpc::testing::ServerStatus& status, bool reset);
  void stop();
  bool has_ended() const { return ended_; }

 private:
  WorkerServer(const ServerPlan& plan, const rpc::ServerOptions& options)
      : plan_(plan), server_(options) {}
  Result<void> start(const std::string& host);

  const ServerPlan plan_;
  rpc::Server server_;
  uint32_t port_ = 0;
  UsageTimer timer_;
  std::thread waiter_;  // for the server's end
  std::atomic<bool> ended_{false};
};

}  // namespace saker::app

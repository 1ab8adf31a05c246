// WorkerClient: the client that a driver has asked a worker for: its threads, their channels, and
// what they measure together. Never waits but in its destructor: who uses it looks again later.
// Belongs to one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "grpc/testing/stats.pb.h"
#include "saker/base/result.h"
#include "saker/tls/context.h"
#include "usage_timer.h"
#include "worker_config.h"
#include "worker_load.h"

namespace saker::app {

class WorkerClient {
 public:
  // `tls`: for a plan with TLS.
  static Result<std::unique_ptr<WorkerClient>> make(const ClientPlan& plan,
                                                    const tls::ClientContext& tls,
                                                    Duration connect_timeout);

  // All channels are connected, or one thread has failed().
  bool is_ready() const;
  // Why, or null.
  const std::string* failure() const;
  void begin_mark(bool reset);
  bool is_marked() const;
  // What the mark has found.
  void fill(::grpc::testing::ClientStats& stats) const;
  void stop();
  bool has_ended() const;

 private:
  explicit WorkerClient(const ClientPlan& plan) : plan_(plan) {}
  rpc::ChannelOptions channel_options(const tls::ClientContext& tls,
                                      Duration connect_timeout) const;
  Result<void> start(const rpc::ChannelOptions& options, Duration connect_timeout);

  const ClientPlan plan_;
  std::vector<std::unique_ptr<LoadThread>> threads_;
  UsageTimer timer_;
  Usage usage_;
};

}  // namespace saker::app

// EchoRun: the calls of one `saker echo`, one after the other on one connection, or as messages of
// one stream. The connection is made first, so that no call's time contains it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "echo_result.h"
#include "saker/base/result.h"
#include "saker/rpc/blocking_client.h"

namespace saker::app {

class EchoRun {
 public:
  // `on_result` is called after each echo.
  static Result<std::unique_ptr<EchoRun>> make(const EchoOptions& options,
                                               std::function<void(const EchoResult&)> on_result);

  // All calls; returns when they have ended or interrupt() was called.
  void run();
  // Any thread, once: cancels what is under way.
  void interrupt();

  bool interrupted() const { return interrupted_.load(); }
  const std::vector<EchoResult>& results() const { return results_; }
  // After run().
  std::vector<rpc::BackendCalls> backends() const { return client_->channel().backend_calls(); }

 private:
  struct CancelTask final : net::PostedTask {
    explicit CancelTask(EchoRun& owner) : run_of(owner) {}
    void run() override;
    EchoRun& run_of;
  };

  EchoRun(const EchoOptions& options, std::unique_ptr<rpc::BlockingClient> client,
          std::function<void(const EchoResult&)> on_result);
  void connect();
  void run_call(uint64_t sequence);
  void run_stream();
  void pause();
  void drive(rpc::ClientCall& call, rpc::BlockingClient::Waiter& waiter,
             const rpc::ClientMethod& method);
  void add(EchoResult result);

  const EchoOptions& options_;
  const std::function<void(const EchoResult&)> on_result_;
  std::unique_ptr<rpc::BlockingClient> client_;
  rpc::ClientCall* current_ = nullptr;  // the loop's
  Time deadline_ = kNever;              // of the next call
  std::vector<EchoResult> results_;
  CancelTask cancel_task_;
  std::atomic<bool> interrupted_{false};
};

}  // namespace saker::app

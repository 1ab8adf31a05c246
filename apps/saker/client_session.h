// ClientSession: a loop and a channel that a command drives turn by turn on its own thread, for
// commands that make several calls at once, of any kind. Only interrupt() is for other threads.
#pragma once

#include <atomic>
#include <memory>

#include "saker/base/result.h"
#include "saker/grpc/metadata.h"
#include "saker/net/loop.h"
#include "saker/rpc/channel.h"

namespace saker::app {

struct ClientOptions {
  net::Address target;
  grpc::Metadata metadata;
  Duration deadline{0};  // of each call; 0: none
  bool wait_for_ready = false;
  uint64_t max_receive_bytes = 4 << 20;  // limit: one reply message
};

class ClientSession {
 public:
  // `options` must outlive the session.
  static Result<std::unique_ptr<ClientSession>> make(const ClientOptions& options);

  const ClientOptions& options() const { return options_; }
  net::Loop& loop() { return *loop_; }
  rpc::Channel& channel() { return *channel_; }
  // For a call that starts now.
  rpc::CallOptions call_options() const;

  // Any thread, once: run_until() returns.
  void interrupt();
  bool interrupted() const { return interrupted_.load(); }

  // Runs turns until done(), `until`, or the interrupt; true: done.
  template <typename Done>
  bool run_until(const Done& done, Time until = kNever) {
    while (!done()) {
      if (interrupted() || loop_->read_clock() >= until) return false;
      loop_->run_once(until);
    }
    return true;
  }

 private:
  struct Wake final : net::PostedTask {
    void run() override {}
  };

  ClientSession(const ClientOptions& options, std::unique_ptr<net::Loop> loop);

  const ClientOptions& options_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<rpc::Channel> channel_;
  Wake wake_;
  std::atomic<bool> interrupted_{false};
};

}  // namespace saker::app

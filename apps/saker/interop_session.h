// InteropSession: the channel on which the cases of `saker interop-client` make their calls, one
// case after the other, and what a case is told about its run. Belongs to the thread that made it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "saker/base/result.h"
#include "saker/net/target.h"
#include "saker/rpc/channel.h"

namespace saker::app {

struct SoakOptions {
  uint64_t iterations = 10;
  uint64_t max_failures = 0;
  Duration max_latency = std::chrono::seconds(1);  // of an iteration that does not count as failed
  Duration timeout = std::chrono::seconds(0);      // of all iterations; 0: iterations x max_latency
};

struct InteropOptions {
  net::Target target;
  rpc::ChannelOptions channel;
  Duration deadline = std::chrono::seconds(30);  // of each call that has none by its case
  SoakOptions soak;
};

class InteropSession {
 public:
  static Result<std::unique_ptr<InteropSession>> make(const InteropOptions& options);

  const InteropOptions& options() const { return options_; }
  net::Loop& loop() { return *loop_; }
  rpc::Channel& channel() { return *channel_; }
  // A channel with connections of its own, in place of the one before.
  void replace_channel();

  // What calls of a case start with: the deadline.
  rpc::CallOptions call_options() const;
  void run_until(const std::function<bool()>& done);
  // Starts the call and waits for its end. `Call` has a public member `done`.
  template <typename Call>
  void run(Call& call, const rpc::ClientMethod& method, const rpc::CallOptions& options) {
    call.start(*channel_, method, options);
    run_until([&] { return call.done; });
  }
  template <typename Call>
  void run(Call& call, const rpc::ClientMethod& method) {
    run(call, method, call_options());
  }

 private:
  InteropSession(const InteropOptions& options, std::unique_ptr<net::Loop> loop);

  const InteropOptions options_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<rpc::Channel> channel_;
};

}  // namespace saker::app

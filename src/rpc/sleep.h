// sleep_for(context, duration): a coroutine's pause on the loop's timers.
// Ends early when the call is cancelled.
#pragma once

#include <coroutine>

#include "saker/rpc/server_context.h"

namespace saker::rpc {

class Sleep final : private net::Timer, private CancelWaiter {
 public:
  Sleep(ServerContext& context, Duration duration) : context_(context), duration_(duration) {}
  ~Sleep() { context_.loop().cancel(*this); }

  bool await_ready() const { return context_.cancelled() || duration_ <= Duration{0}; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    context_.set_cancel_waiter(this);
    context_.loop().arm(*this, time_after(context_.loop().read_clock(), duration_));
  }
  // True: slept to the end; false: the call was cancelled.
  bool await_resume() {
    context_.set_cancel_waiter(nullptr);
    return !context_.cancelled();
  }

 private:
  void on_timer(Time) override { waiter_.resume(); }
  // Inside an event of the connection: wakes by way of the timer.
  void on_cancelled() override { context_.loop().arm(*this, context_.loop().now()); }

  ServerContext& context_;
  Duration duration_;
  std::coroutine_handle<> waiter_;
};

// co_await sleep_for(context, 5ms)
inline Sleep sleep_for(ServerContext& context, Duration duration) {
  return Sleep(context, duration);
}

}  // namespace saker::rpc

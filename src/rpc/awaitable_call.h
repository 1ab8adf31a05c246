// co_await call(channel, method, request, options): a unary call from a coroutine on the channel's
// loop, a server's handler or any other Task. The coroutine goes on at the end of the turn in which
// the call ended, never inside an event and never on the stack of another call. Destroying the
// suspended coroutine abandons the call.
//
//   auto result = co_await rpc::call(context, channel, EchoStub::echo_method(), request);
//
// With a ServerContext the call belongs to the one that the handler serves: it inherits its
// deadline, and ends with CANCELLED when that is cancelled.
#pragma once

#include <algorithm>
#include <coroutine>
#include <utility>

#include "saker/rpc/channel.h"
#include "saker/rpc/server_context.h"
#include "saker/rpc/typed_method.h"
#include "saker/rpc/unary_client_call.h"

namespace saker::rpc {

template <typename Reply>
struct CallResult {
  grpc::Status status;
  Reply reply;  // means nothing unless status.ok()
};

template <typename Request, typename Reply>
class AwaitableCall final : private UnaryClientCall<Request, Reply>,
                            private net::TurnTask,
                            private CancelWaiter {
 public:
  // `context`: null outside of handlers.
  AwaitableCall(ServerContext* context, Channel& channel, const ClientMethod& method,
                Request request, const CallOptions& options)
      : context_(context), channel_(channel), method_(method), options_(options) {
    this->request() = std::move(request);
    SAKER_DCHECK(context == nullptr || &context->loop() == &channel.loop());
  }

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    if (context_ != nullptr) {
      context_->set_cancel_waiter(this);
      options_.deadline = std::min(options_.deadline, context_->deadline());
    }
    this->start(channel_, method_, options_);
    if (context_ != nullptr && context_->cancelled()) this->cancel();
  }
  CallResult<Reply> await_resume() {
    if (context_ != nullptr) context_->set_cancel_waiter(nullptr);
    return {this->status(), std::move(this->reply())};
  }

 private:
  void on_done() override { channel_.loop().at_turn_end(*this); }
  void run_at_turn_end() override { waiter_.resume(); }
  // An event of the connection that we serve; the call that ends is another connection's.
  void on_cancelled() override { this->cancel(); }

  ServerContext* context_;
  Channel& channel_;
  const ClientMethod& method_;
  CallOptions options_;
  std::coroutine_handle<> waiter_;
};

template <typename Request, typename Reply>
AwaitableCall<Request, Reply> call(Channel& channel,
                                   const TypedMethod<Request, Reply, MethodKind::kUnary>& method,
                                   std::type_identity_t<Request> request,
                                   const CallOptions& options = {}) {
  return {nullptr, channel, method, std::move(request), options};
}

template <typename Request, typename Reply>
AwaitableCall<Request, Reply> call(ServerContext& context, Channel& channel,
                                   const TypedMethod<Request, Reply, MethodKind::kUnary>& method,
                                   std::type_identity_t<Request> request,
                                   const CallOptions& options = {}) {
  return {&context, channel, method, std::move(request), options};
}

}  // namespace saker::rpc

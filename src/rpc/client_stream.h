// ClientStream<Request, Reply>: a streaming call of any kind from a coroutine on the channel's loop.
// The call starts with the object and is abandoned with it. The coroutine goes on at the end of the
// turn, never inside an event. What has not been read stays within the stream's window.
//
//   ClientStream stream(channel, RouteGuideStub::route_chat_method());
//   co_await stream.write(note);            false: the call is over
//   co_await stream.writes_done();
//   while (co_await stream.read(note)) …    false: no more replies
//   grpc::Status status = co_await stream.finish();
//
// One coroutine uses it, hence one co_await at a time. Belongs to its channel's loop.
#pragma once

#include <coroutine>
#include <deque>
#include <utility>

#include "saker/rpc/channel.h"
#include "saker/rpc/streaming_client_call.h"
#include "saker/rpc/typed_method.h"

namespace saker::rpc {

template <typename Request, typename Reply>
class ClientStream final : private StreamingClientCall<Request, Reply>, private net::TurnTask {
  using Call = StreamingClientCall<Request, Reply>;

 public:
  template <MethodKind kKind>
  ClientStream(Channel& channel, const TypedMethod<Request, Reply, kKind>& method,
               const CallOptions& options = {})
      : channel_(channel) {
    static_assert(kKind != MethodKind::kUnary, "rpc::call() makes unary calls");
    this->pause(true);
    this->start(channel, method, options);
  }

  // co_await stream.write(request): sent, or queued where the server takes little and the queue is
  // short; waits while it is long. False: the call is over. `last`: as with writes_done().
  auto write(const Request& request, bool last = false) { return Write{{*this}, request, last}; }
  // co_await stream.writes_done(): we have nothing more to send.
  auto writes_done() { return WritesDone{{*this}}; }
  // co_await stream.read(reply): true, or false when no more will come; finish() tells why.
  auto read(Reply& reply) { return Read{{*this}, reply}; }
  // co_await stream.finish(): the status. Replies that were not read are dropped.
  auto finish() { return Finish{{*this}}; }

  // The call ends with CANCELLED.
  using ClientCall::cancel;
  // Valid when the call is over.
  using ClientCall::initial_metadata;
  using ClientCall::peer_name;
  using ClientCall::trailing_metadata;

 private:
  enum class Wait : uint8_t { kNothing, kToWrite, kToRead, kForEnd };

  struct Awaiter {
    ClientStream& stream;
    void wait(Wait what, std::coroutine_handle<> waiter) {
      stream.wait_ = what;
      stream.waiter_ = waiter;
    }
  };
  struct Write : Awaiter {
    const Request& request;
    bool last;
    bool await_ready() { return this->stream.may_go_on() && this->stream.is_writable(); }
    void await_suspend(std::coroutine_handle<> waiter) { this->wait(Wait::kToWrite, waiter); }
    bool await_resume() { return !this->stream.done_ && this->stream.send(request, last); }
  };
  struct WritesDone : Awaiter {
    bool await_ready() { return this->stream.may_go_on(); }
    void await_suspend(std::coroutine_handle<> waiter) { this->wait(Wait::kToWrite, waiter); }
    void await_resume() { this->stream.Call::writes_done(); }
  };
  struct Read : Awaiter {
    Reply& reply;
    bool await_ready() { return this->stream.has_reply() || this->stream.done_; }
    void await_suspend(std::coroutine_handle<> waiter) {
      this->wait(Wait::kToRead, waiter);
      this->stream.pause(false);
    }
    bool await_resume() { return this->stream.take_reply(reply); }
  };
  struct Finish : Awaiter {
    bool await_ready() { return this->stream.done_; }
    void await_suspend(std::coroutine_handle<> waiter) {
      this->wait(Wait::kForEnd, waiter);
      this->stream.drop_replies();
    }
    const grpc::Status& await_resume() { return this->stream.status(); }
  };

  // The stream is open, or will never be, or has been told all.
  bool may_go_on() const {
    return done_ || this->wrote_all() || (opened_ && !this->awaits_stream());
  }
  bool is_writable() { return done_ || !this->may_write() || this->writable(); }
  bool send(const Request& request, bool last) { return Call::write(request, last); }
  bool has_reply() const { return !replies_.empty(); }
  bool take_reply(Reply& reply) {
    if (replies_.empty()) return false;
    reply = std::move(replies_.front());
    replies_.pop_front();
    return true;
  }
  void drop_replies() {
    drops_ = true;
    replies_.clear();
    this->pause(false);
  }

  // One reply is taken out of the window for each read(); the rest comes when the call has ended.
  void on_reply(Reply& reply) override {
    if (drops_) return;
    replies_.push_back(std::move(reply));
    this->pause(true);
    wake(Wait::kToRead);
  }
  void on_writable() override {
    opened_ = true;
    wake(Wait::kToWrite);
  }
  void on_done() override {
    done_ = true;
    wake(wait_);
  }
  void wake(Wait what) {
    if (wait_ == what && what != Wait::kNothing) channel_.loop().at_turn_end(*this);
  }
  void run_at_turn_end() override {
    if (wait_ == Wait::kToWrite && !may_go_on()) return;  // its stream was refused meanwhile
    wait_ = Wait::kNothing;
    std::exchange(waiter_, nullptr).resume();
  }

  Channel& channel_;
  std::deque<Reply> replies_;
  std::coroutine_handle<> waiter_;
  Wait wait_ = Wait::kNothing;
  bool opened_ = false;
  bool done_ = false;
  bool drops_ = false;
};

}  // namespace saker::rpc

#include "worker_calls.h"

#include <string>
#include <utility>

#include "grpc/testing/messages.pb.h"
#include "saker/rpc/streaming_client_call.h"
#include "saker/rpc/unary_client_call.h"

namespace saker::app {
namespace {

using grpc::StatusCode;
using rpc::ClientMethod;
using rpc::MethodKind;

// The same paths for all payloads, as gRPC's own workers do.
const ClientMethod& unary_method() {
  static const ClientMethod method("/grpc.testing.BenchmarkService/UnaryCall");
  return method;
}
const ClientMethod& ping_pong_method() {
  static const ClientMethod method("/grpc.testing.BenchmarkService/StreamingCall",
                                   MethodKind::kBidiStreaming);
  return method;
}
const ClientMethod& from_client_method() {
  static const ClientMethod method("/grpc.testing.BenchmarkService/StreamingFromClient",
                                   MethodKind::kClientStreaming);
  return method;
}
const ClientMethod& from_server_method() {
  static const ClientMethod method("/grpc.testing.BenchmarkService/StreamingFromServer",
                                   MethodKind::kServerStreaming);
  return method;
}

// Replies of another size than was asked for are as bad as none.
struct ProtobufPayload {
  using Request = ::grpc::testing::SimpleRequest;
  using Reply = ::grpc::testing::SimpleResponse;

  static void fill(const ClientPlan& plan, Request& request) {
    request.set_response_size(plan.reply_bytes);
    request.mutable_payload()->mutable_body()->resize(static_cast<size_t>(plan.request_bytes));
  }
  static StatusCode check(const ClientPlan& plan, const Reply& reply) {
    const auto bytes = static_cast<int32_t>(reply.payload().body().size());
    return bytes == plan.reply_bytes ? StatusCode::kOk : StatusCode::kInternal;
  }
};

// How long replies are, servers were told by the driver.
struct BytebufPayload {
  using Request = rpc::RawMessage;
  using Reply = rpc::RawMessage;

  static void fill(const ClientPlan& plan, Request& request) {
    request.bytes.resize(static_cast<size_t>(plan.request_bytes));
  }
  static StatusCode check(const ClientPlan&, const Reply&) { return StatusCode::kOk; }
};

bool rests(const grpc::Status& status, const rpc::Channel& channel) {
  return !status.ok() && channel.ready_connections() == 0;
}

template <typename Payload>
class UnaryLoad final
    : public LoadCall,
      private rpc::UnaryClientCall<typename Payload::Request, typename Payload::Reply> {
 public:
  UnaryLoad(LoadThread& thread, rpc::Channel& channel) : thread_(thread), channel_(channel) {
    Payload::fill(thread.plan(), this->request());
  }

 private:
  void issue(Time due) override {
    due_ = due;
    this->start(channel_, unary_method());
  }
  void cancel_all() override { this->cancel(); }
  bool is_open() const override { return this->active(); }
  void on_done() override {
    const grpc::Status& status = this->status();
    thread_.record(due_, status.ok() ? Payload::check(thread_.plan(), this->reply()) : status.code);
    thread_.release(*this, rests(status, channel_));
  }

  LoadThread& thread_;
  rpc::Channel& channel_;
  Time due_{};
};

// What the streams have in common.
template <typename Payload>
class StreamLoad
    : public LoadCall,
      protected rpc::StreamingClientCall<typename Payload::Request, typename Payload::Reply> {
 public:
  StreamLoad(LoadThread& thread, rpc::Channel& channel) : thread_(thread), channel_(channel) {
    Payload::fill(thread.plan(), request_);
  }

 protected:
  void open_stream(const ClientMethod& method) {
    messages_ = 0;
    this->start(channel_, method);
  }
  // Counts one; true: it is the stream's last.
  bool is_last_message() { return ++messages_ == thread_.plan().messages_per_stream; }
  // A stream may only end as it should, or it counts as a failure.
  void end_stream(bool as_it_should) {
    const grpc::Status& status = this->status();
    if (!as_it_should) thread_.record(due_, status.ok() ? StatusCode::kInternal : status.code);
    thread_.release(*this, rests(status, channel_));
  }
  StatusCode check(const typename Payload::Reply& reply) const {
    return Payload::check(thread_.plan(), reply);
  }

  LoadThread& thread_;
  Time due_{};
  typename Payload::Request request_;

 private:
  void cancel_all() override { this->cancel(); }
  bool is_open() const override { return this->active(); }

  rpc::Channel& channel_;
  uint64_t messages_ = 0;
};

// Free between a reply and the next request; its stream stays.
//
//   free ──issue()──▶ kUnsent ──write()──▶ kSent ──reply──▶ free, or, behind the last: kEnding
template <typename Payload>
class PingPongLoad final : public StreamLoad<Payload> {
 public:
  using StreamLoad<Payload>::StreamLoad;

 private:
  enum class State : uint8_t { kFree, kUnsent, kSent, kEnding };

  void issue(Time due) override {
    this->due_ = due;
    state_ = State::kUnsent;
    if (!this->active()) return this->open_stream(ping_pong_method());
    send();
  }
  // Where the stream is about to end, on_done() tells.
  void send() {
    if (!this->may_write()) return;
    last_ = this->is_last_message();
    state_ = State::kSent;
    this->write(this->request_, last_);
  }
  void on_writable() override {
    if (state_ == State::kUnsent) send();
  }
  void on_reply(typename Payload::Reply& reply) override {
    if (state_ != State::kSent) return;
    this->thread_.record(this->due_, this->check(reply));
    state_ = last_ ? State::kEnding : State::kFree;
    if (!last_) this->thread_.release(*this, false);
  }
  // A free one waits in the thread's list, and is put there again.
  void on_done() override {
    const bool owes_reply = state_ == State::kUnsent || state_ == State::kSent;
    state_ = State::kFree;
    this->LoadCall::unlink();
    this->end_stream(!owes_reply && this->status().ok());
  }

  State state_ = State::kFree;
  bool last_ = false;
};

template <typename Payload>
class FromClientLoad final : public StreamLoad<Payload> {
 public:
  using StreamLoad<Payload>::StreamLoad;

 private:
  void issue(Time due) override {
    this->due_ = due;
    sent_all_ = false;
    this->open_stream(from_client_method());
  }
  void on_writable() override {
    while (this->writable()) {
      sent_all_ = this->is_last_message();
      if (!this->write(this->request_, sent_all_)) return;
      this->thread_.record(this->due_, StatusCode::kOk);
      this->due_ = this->thread_.now();
    }
  }
  void on_reply(typename Payload::Reply&) override {}
  void on_done() override { this->end_stream(sent_all_ && this->status().ok()); }

  bool sent_all_ = false;
};

template <typename Payload>
class FromServerLoad final : public StreamLoad<Payload> {
 public:
  using StreamLoad<Payload>::StreamLoad;

 private:
  void issue(Time due) override {
    this->due_ = due;
    this->open_stream(from_server_method());
  }
  void on_writable() override {
    if (this->may_write()) this->write(this->request_, true);
  }
  void on_reply(typename Payload::Reply& reply) override {
    this->thread_.record(this->due_, this->check(reply));
    this->due_ = this->thread_.now();
  }
  void on_done() override { this->end_stream(false); }
};

template <typename Payload>
std::unique_ptr<LoadCall> make_call(LoadThread& thread, rpc::Channel& channel) {
  switch (thread.plan().rpc_type) {
    case ::grpc::testing::STREAMING:
      return std::make_unique<PingPongLoad<Payload>>(thread, channel);
    case ::grpc::testing::STREAMING_FROM_CLIENT:
      return std::make_unique<FromClientLoad<Payload>>(thread, channel);
    case ::grpc::testing::STREAMING_FROM_SERVER:
      return std::make_unique<FromServerLoad<Payload>>(thread, channel);
    default:
      return std::make_unique<UnaryLoad<Payload>>(thread, channel);
  }
}

}  // namespace

std::unique_ptr<LoadCall> make_load_call(LoadThread& thread, rpc::Channel& channel) {
  return thread.plan().bytebuf ? make_call<BytebufPayload>(thread, channel)
                               : make_call<ProtobufPayload>(thread, channel);
}

}  // namespace saker::app

// What takes the place of a unary call where the load's method streams: StreamCall<Workload>, one of
// three by Workload::kKind, each with the face that BenchThread wants of a call.
//
//   client streaming   a call is a stream: N messages, then the reply
//   server streaming   a call is a stream: the request, then replies to the end, or N of them
//   bidi               a call is a message and its reply: ping-pong on a stream that stays open for N
//                      messages; the last one's call lasts until the stream has ended
//
// A streaming workload has, beyond what bench_workload.h says, kKind, messages() (N; 0: no end),
// and a Checker with check(request, reply, index): of server streaming the reply's number, of client
// streaming how many messages were sent. Server streaming also asks check_end(request, replies) and
// stops_after(). All of one thread.
#pragma once

#include <algorithm>

#include "bench_messages.h"
#include "saker/rpc/channel.h"
#include "saker/rpc/streaming_client_call.h"

namespace saker::app {

// The stream under a StreamCall, which hears of its events.
template <typename Owner, typename Request, typename Reply>
class BenchStream final : public rpc::StreamingClientCall<Request, Reply> {
 public:
  explicit BenchStream(Owner& owner) : owner_(owner) {}

 private:
  void on_reply(Reply& reply) override { owner_.recv_reply(reply); }
  void on_writable() override { owner_.send_more(); }
  void on_done() override { owner_.stream_ended(this->status()); }
  Owner& owner_;
};

// What the three have in common.
template <typename Workload>
class StreamCallBase {
 public:
  using Request = typename Workload::Request;
  using Reply = typename Workload::Reply;
  using Checker = typename Workload::Checker;

  StreamCallBase(const Workload& workload, Checker& checker, BenchMessages& messages)
      : workload_(workload), checker_(checker), messages_(messages) {}
  StreamCallBase(const StreamCallBase&) = delete;
  StreamCallBase& operator=(const StreamCallBase&) = delete;
  virtual ~StreamCallBase() = default;

  Request& request() { return request_; }
  // Valid when the call has ended.
  const grpc::Status& status() const { return status_; }
  const char* wrong() const { return wrong_; }

 protected:
  virtual void on_done() = 0;

  const Workload& workload_;
  Checker& checker_;
  BenchMessages& messages_;
  Request request_;
  grpc::Status status_;
  const char* wrong_ = nullptr;
};

template <typename Workload>
class ClientStreamCall : public StreamCallBase<Workload> {
 public:
  using Base = StreamCallBase<Workload>;
  using Base::Base;

  void prepare(uint64_t sequence, int64_t) {
    first_message_ = sequence * this->workload_.messages();
  }
  void start(rpc::Channel& channel, const rpc::ClientMethod& method,
             const rpc::CallOptions& options) {
    loop_ = &channel.loop();
    sent_ = 0;
    closes_ = false;
    this->wrong_ = nullptr;
    stream_.start(channel, method, options);
  }
  bool active() const { return stream_.active(); }
  bool is_open() const { return stream_.active(); }
  void cancel() { stream_.cancel(); }
  void cut() { stream_.cancel(); }
  // No more messages: the reply is about those that were sent.
  void close() {
    if (!stream_.active() || closes_) return;
    closes_ = true;
    if (sent_ > 0 && sent_ < this->workload_.messages()) stream_.writes_done();
  }

 private:
  using Stream = BenchStream<ClientStreamCall, typename Base::Request, typename Base::Reply>;
  friend Stream;

  void send_more() {
    const uint64_t all = this->workload_.messages();
    while (sent_ < all && !closes_ && stream_.writable()) {
      this->workload_.prepare(this->request_, first_message_ + sent_, loop_->wall_ns(loop_->now()));
      if (!stream_.write(this->request_, sent_ + 1 == all)) return;
      ++sent_;
      this->messages_.add();
    }
    if (closes_ && sent_ < all) stream_.writes_done();
  }
  void recv_reply(typename Base::Reply& reply) {
    this->wrong_ = this->checker_.check(this->request_, reply, sent_);
  }
  void stream_ended(const grpc::Status& status) {
    this->status_ = status;
    this->on_done();
  }

  net::Loop* loop_ = nullptr;
  uint64_t first_message_ = 0;  // its number among all
  uint64_t sent_ = 0;
  bool closes_ = false;
  Stream stream_{*this};
};

template <typename Workload>
class ServerStreamCall : public StreamCallBase<Workload> {
 public:
  using Base = StreamCallBase<Workload>;
  using Base::Base;

  void prepare(uint64_t sequence, int64_t wall_ns) {
    this->workload_.prepare(this->request_, sequence, wall_ns);
  }
  void start(rpc::Channel& channel, const rpc::ClientMethod& method,
             const rpc::CallOptions& options) {
    loop_ = &channel.loop();
    last_ = loop_->now();
    replies_ = 0;
    sent_ = has_all_ = false;
    this->wrong_ = nullptr;
    stream_.start(channel, method, options);
  }
  bool active() const { return stream_.active(); }
  bool is_open() const { return stream_.active(); }
  void cancel() { stream_.cancel(); }
  void cut() { stream_.cancel(); }
  void close() {}

 private:
  using Stream = BenchStream<ServerStreamCall, typename Base::Request, typename Base::Reply>;
  friend Stream;

  void send_more() {
    if (!sent_) sent_ = stream_.write(this->request_, true);
  }
  void recv_reply(typename Base::Reply& reply) {
    if (has_all_) return;
    const Time now = loop_->now();
    this->messages_.add(now - last_);
    last_ = now;
    if (this->wrong_ == nullptr) {
      this->wrong_ = this->checker_.check(this->request_, reply, replies_);
    }
    ++replies_;
    has_all_ = replies_ == this->workload_.stops_after();
    if (has_all_) stream_.cancel();
  }
  void stream_ended(const grpc::Status& status) {
    this->status_ = has_all_ ? grpc::Status() : status;
    if (this->status_.ok() && this->wrong_ == nullptr) {
      this->wrong_ = this->checker_.check_end(this->request_, replies_);
    }
    this->on_done();
  }

  net::Loop* loop_ = nullptr;
  Time last_{};  // when the request went or the last reply came
  uint64_t replies_ = 0;
  bool sent_ = false;
  bool has_all_ = false;  // that are wanted
  Stream stream_{*this};
};

template <typename Workload>
class PingPongCall : public StreamCallBase<Workload> {
 public:
  using Base = StreamCallBase<Workload>;
  using Base::Base;

  void prepare(uint64_t sequence, int64_t wall_ns) {
    this->workload_.prepare(this->request_, sequence, wall_ns);
  }
  void start(rpc::Channel& channel, const rpc::ClientMethod& method,
             const rpc::CallOptions& options) {
    waits_ = true;
    sent_ = replied_ = false;
    this->wrong_ = nullptr;
    this->status_ = grpc::Status();
    channel_ = &channel;
    method_ = &method;
    options_ = options;
    if (stream_.active() && !closes_) return send_more();
    open();
  }
  // A message is under way.
  bool active() const { return waits_; }
  bool is_open() const { return stream_.active(); }
  void cancel() {
    if (waits_) stream_.cancel();
  }
  void cut() { stream_.cancel(); }
  // Between messages: there will be no more on this stream.
  void close() {
    if (waits_ || closes_ || !stream_.active()) return;
    closes_ = true;
    stream_.writes_done();
  }

 private:
  using Stream = BenchStream<PingPongCall, typename Base::Request, typename Base::Reply>;
  friend Stream;

  void open() {
    number_ = 0;
    closes_ = false;
    stream_.start(*channel_, *method_, options_);
  }
  bool is_last() const { return number_ == this->workload_.messages(); }
  void send_more() {
    if (!waits_ || sent_) return;
    sent_ = stream_.write(this->request_, number_ + 1 == this->workload_.messages());
    if (sent_) ++number_;
  }
  void recv_reply(typename Base::Reply& reply) {
    if (!waits_ || replied_) {
      strays_ = true;
      return;
    }
    replied_ = true;
    this->messages_.add();
    this->wrong_ = this->checker_.check(this->request_, reply, 0);
    if (!is_last()) complete();
  }
  void complete() {
    if (strays_ && this->wrong_ == nullptr) this->wrong_ = "another one behind it";
    strays_ = false;
    waits_ = false;
    this->on_done();
  }
  void stream_ended(const grpc::Status& status) {
    if (!waits_) {
      if (!closes_ && !status.ok()) this->messages_.add_broken(status);
      return;
    }
    if (status.ok() && !sent_) return open();  // the server had ended it before
    this->status_ = status;
    if (status.ok() && !replied_) {
      this->status_ = {grpc::StatusCode::kInternal, "the stream ended before the reply", {}};
    }
    complete();
  }

  rpc::Channel* channel_ = nullptr;
  const rpc::ClientMethod* method_ = nullptr;
  rpc::CallOptions options_;
  uint64_t number_ = 0;  // of messages that were sent on this stream
  bool waits_ = false;
  bool sent_ = false;
  bool replied_ = false;
  bool closes_ = false;
  bool strays_ = false;  // more replies than messages
  Stream stream_{*this};
};

// Waits for streams that were told to close; cuts off those that take longer, and says how many.
template <typename Calls>
uint64_t end_streams(const Calls& calls, net::Loop& loop, Duration grace_time) {
  const auto any_open = [&] {
    return std::ranges::any_of(calls, [](const auto& call) { return call->is_open(); });
  };
  const Time deadline = time_after(loop.read_clock(), grace_time);
  while (any_open() && loop.read_clock() < deadline) loop.run_once(deadline);
  uint64_t cut = 0;
  for (const auto& call : calls) {
    if (!call->is_open()) continue;
    ++cut;
    call->cut();
  }
  while (any_open()) loop.run_once(loop.read_clock() + std::chrono::milliseconds(1));
  return cut;
}

template <typename Workload, rpc::MethodKind kKind>
struct StreamCallOf;
template <typename Workload>
struct StreamCallOf<Workload, rpc::MethodKind::kClientStreaming> {
  using Type = ClientStreamCall<Workload>;
};
template <typename Workload>
struct StreamCallOf<Workload, rpc::MethodKind::kServerStreaming> {
  using Type = ServerStreamCall<Workload>;
};
template <typename Workload>
struct StreamCallOf<Workload, rpc::MethodKind::kBidiStreaming> {
  using Type = PingPongCall<Workload>;
};

}  // namespace saker::app

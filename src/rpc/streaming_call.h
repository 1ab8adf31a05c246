// Streaming calls: the handler is a coroutine that reads requests and writes replies at its own
// pace. What it has not read stays within the stream's window, so a slow handler slows its client;
// what the client does not take suspends write().
//   Task<grpc::Status> (ServerContext&, Reader<Request>&, Reply&)            client streaming
//   Task<grpc::Status> (ServerContext&, Request&, Writer<Reply>&)            server streaming
//   Task<grpc::Status> (ServerContext&, Reader<Request>&, Writer<Reply>&)    bidirectional
#pragma once

#include <coroutine>
#include <utility>

#include "saker/base/object_pool.h"
#include "saker/rpc/codec.h"
#include "saker/rpc/method.h"
#include "saker/rpc/parsed_bytes.h"
#include "saker/rpc/server_call.h"
#include "saker/rpc/task.h"

namespace saker::rpc {

// What streaming calls of all types share: the inbox of bytes not yet read, and who waits for what.
class StreamingCallBase : public ServerCall {
 public:
  // ---- for Reader and Writer
  // A message is there or never will be; otherwise read_waiter() is resumed when that changes.
  bool read_ready();
  void wait_to_read(std::coroutine_handle<> waiter);
  bool last_was_large() const { return last_was_large_; }
  // There may be a message, but it is the other connections' turn.
  bool waits_for_turn() const;
  // Takes the message that read_ready() found; false: the client has finished, or the call is over.
  template <typename Request>
  bool take_message(Request& request) {
    if (!message_ready_) return false;
    message_ready_ = false;
    last_was_large_ = message_.size > kFreeMessageBytes;
    const size_t most = memory_for_messages();
    if (last_was_large_ && parsed_bytes_of<Request>(message_, most) > most) [[unlikely]] {
      return fail_parsed();
    }
    const bool parsed = Codec<Request>::parse(message_, request);
    if (!parsed) fail_read(grpc::StatusCode::kInternal, "a request message does not parse");
    release_message();
    return parsed;
  }
  // Encodes one reply; false: the call is over, or must end because of this reply.
  template <typename Reply>
  bool write_message(const Reply& reply) {
    if (!stream_open()) return false;
    const size_t size = Codec<Reply>::size(reply);
    if (!reply_fits(size)) [[unlikely]]
      return fail_write(size);
    if (packs()) [[unlikely]] {
      send_packed(as_bytes(encode_message(reply, size)));
      return true;
    }
    if (uint8_t* out = begin_message(size)) {
      Codec<Reply>::write(reply, out);
      return true;
    }
    ChunkQueue message(context_.loop().chunks());
    grpc::write_message_prefix(message.prepare(grpc::kMessagePrefixBytes), false,
                               static_cast<uint32_t>(size));
    message.commit(grpc::kMessagePrefixBytes);
    Codec<Reply>::write_chunks(reply, message);
    send_chunks(std::move(message));
    return true;
  }
  bool write_blocked() const { return stream_open() && congested(); }
  void wait_to_write(std::coroutine_handle<> waiter) {
    write_waiter_ = waiter;
    await_output();
  }
  bool open() const { return stream_open(); }

 protected:
  StreamingCallBase() = default;

  virtual void start_handler() = 0;

  void on_head(bool end) final;
  void on_data(Bytes data, bool end) final;
  void on_unpacked(const grpc::Status& status, const grpc::ReceivedMessage& message) final;
  void run() final;
  void on_drained() final;
  void on_cancel() final;
  void end_handler(Task<grpc::Status>& task, bool reply_due);
  void recycle_base();

  // What went wrong with the call's messages, if anything.
  const grpc::Status& broken_status() const { return broken_status_; }
  virtual void send_single_reply() {}
  static grpc::Status wrong_request_count(bool more);

 private:
  static constexpr size_t kCreditStepBytes = 8192;  // give window back in steps no smaller

  size_t memory_for_messages() const;
  bool fail_parsed();
  void fail_read(grpc::StatusCode code, std::string message);
  bool fail_write(size_t size);
  void release_message();
  bool next_message();
  bool accept_message();
  void flush_credit();

  std::unique_ptr<ChunkQueue> inbox_;  // DATA not yet taken
  grpc::ReceivedMessage message_;
  bool message_ready_ = false;
  bool last_was_large_ = false;   // the message that was taken last
  bool awaits_unpacked_ = false;  // the handler, in another turn
  bool started_ = false;
  bool ended_ = false;       // END_STREAM or the stream is gone
  size_t taken_bytes_ = 0;   // of the first chunk, by message_
  size_t credit_bytes_ = 0;  // read, not yet given back
  grpc::Status broken_status_;
  std::coroutine_handle<> read_waiter_;
  std::coroutine_handle<> write_waiter_;
};

// The client's messages, in order. One read at a time.
template <typename Request>
class Reader {
 public:
  explicit Reader(StreamingCallBase& call) : call_(call) {}

  struct Read {
    StreamingCallBase& call;
    Request& request;
    bool await_ready() { return !call.waits_for_turn() && call.read_ready(); }
    // A thousand calls that wait would keep a thousand times the limit of one message.
    void await_suspend(std::coroutine_handle<> waiter) {
      if (call.last_was_large()) {
        Request empty;
        std::swap(request, empty);  // an assignment leaves a string its room
      }
      call.wait_to_read(waiter);
    }
    bool await_resume() { return call.read_ready() && call.take_message(request); }
  };
  // co_await reader.read(message): true, or false when the client has finished or the call is over. What
  // was in `message` before is gone, even then.
  Read read(Request& request) { return Read{call_, request}; }

 private:
  StreamingCallBase& call_;
};

// Replies, in order. One write at a time; at most about the output cap of them wait unsent.
template <typename Reply>
class Writer {
 public:
  explicit Writer(StreamingCallBase& call) : call_(call) {}

  struct Write {
    StreamingCallBase& call;
    bool sent;
    bool await_ready() { return !call.write_blocked(); }
    void await_suspend(std::coroutine_handle<> waiter) { call.wait_to_write(waiter); }
    bool await_resume() { return sent && call.open(); }
  };
  // co_await writer.write(message): true, or false when the call is over.
  Write write(const Reply& reply) { return Write{call_, call_.write_message(reply)}; }

 private:
  StreamingCallBase& call_;
};

template <typename Request, typename Reply, typename Handler, MethodKind kKind>
class StreamingCall final : public StreamingCallBase {
 public:
  using Pool = ObjectPool<StreamingCall>;
  StreamingCall(Handler& handler, Pool& pool)
      : handler_(handler), pool_(pool), reader_side_(*this), writer_side_(*this) {}

 private:
  void start_handler() override {
    try {
      task_ = body();
    } catch (...) {
      finish(handler_threw());
      return handler_done();
    }
    handler_suspends();
    task_.start([](void* self) { static_cast<StreamingCall*>(self)->task_done(); }, this);
  }

  Task<grpc::Status> body() {
    if constexpr (kKind == MethodKind::kBidiStreaming) {
      return handler_(context_, reader_side_, writer_side_);
    } else if constexpr (kKind == MethodKind::kClientStreaming) {
      return handler_(context_, reader_side_, reply_);
    } else {
      return read_then_handle();
    }
  }

  // Server streaming: exactly one request and the end of the client's side, then the handler.
  Task<grpc::Status> read_then_handle() {
    const bool read = co_await reader_side_.read(request_);
    bool more = false;
    if (read) {
      Request surplus;
      more = co_await reader_side_.read(surplus);
    }
    if (!broken_status().ok()) co_return broken_status();
    if (!read || more) co_return wrong_request_count(more);
    auto status = co_await handler_(context_, request_, writer_side_);
    if (!status) co_return handler_threw();
    co_return *std::move(status);
  }

  void task_done() { end_handler(task_, kKind == MethodKind::kClientStreaming); }
  void send_single_reply() override {
    if constexpr (kKind == MethodKind::kClientStreaming) write_message(reply_);
  }

  void recycle() override {
    task_ = {};
    request_ = Request();
    reply_ = Reply();
    recycle_base();
    pool_.put(this);
  }

  Handler& handler_;
  Pool& pool_;
  Reader<Request> reader_side_;
  Writer<Reply> writer_side_;
  Request request_;
  Reply reply_;
  Task<grpc::Status> task_;
};

}  // namespace saker::rpc

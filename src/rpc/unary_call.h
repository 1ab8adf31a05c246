// Unary calls: exactly one request message, then the handler, then one reply
// or a status. Two kinds of handler:
//   grpc::Status       (ServerContext&, Request&, Reply&)    runs inline on the loop:
//                                                            for work of microseconds
//   Task<grpc::Status> (ServerContext&, Request&, Reply&)    a coroutine: may await timers, pools,
//                                                            other calls
// Both may move from the request and into the reply.
#pragma once

#include <concepts>

#include "saker/base/object_pool.h"
#include "saker/rpc/codec.h"
#include "saker/rpc/parsed_bytes.h"
#include "saker/rpc/server_call.h"
#include "saker/rpc/task.h"

namespace saker::rpc {

// What all unary calls share: counting and assembling the request.
class UnaryCallBase : public ServerCall {
 protected:
  virtual bool parse_request(const grpc::ReceivedMessage& message) = 0;
  // Estimated, up to `most`, which it may pass.
  virtual size_t parsed_bytes(const grpc::ReceivedMessage& message, size_t most) = 0;

  void on_head(bool end) final;
  void on_data(Bytes data, bool end) final;
  void on_unpacked(const grpc::Status& status, const grpc::ReceivedMessage& message) final;
  void recycle_base() {
    messages_ = 0;
    request_bytes_ = 0;
  }

 private:
  // Inline: out of line they cost an echo 1.5 % of its instructions.
  [[gnu::always_inline]] inline bool take_message(const grpc::ReceivedMessage& message);
  [[gnu::always_inline]] inline void end_data(bool end);
  bool find_room(const grpc::ReceivedMessage& message);

  uint32_t messages_ = 0;
  bool ended_ = false;  // with the message that is being unpacked
};

template <typename Request, typename Reply, typename Handler>
class UnaryCall final : public UnaryCallBase {
 public:
  using Pool = ObjectPool<UnaryCall>;
  static constexpr bool kInline =
      std::same_as<std::invoke_result_t<Handler&, ServerContext&, Request&, Reply&>, grpc::Status>;

  UnaryCall(Handler& handler, Pool& pool) : handler_(handler), pool_(pool) {}

 private:
  bool parse_request(const grpc::ReceivedMessage& message) override {
    return Codec<Request>::parse(message, request_);
  }
  size_t parsed_bytes(const grpc::ReceivedMessage& message, size_t most) override {
    return parsed_bytes_of<Request>(message, most);
  }

  void run() override {
    if (refused()) return run_refusal();
    let_request_go();
    handler_started();
    if constexpr (kInline) {
      respond(call_inline());
      handler_done();
    } else {
      start_task();
    }
  }

  // Making the coroutine may throw too: it allocates, and a handler may be a function
  // that returns another's task.
  void start_task() {
    try {
      task_ = handler_(context_, request_, reply_);
    } catch (...) {
      respond(handler_threw());
      return handler_done();
    }
    handler_suspends();
    task_.start([](void* self) { static_cast<UnaryCall*>(self)->task_done(); }, this);
  }

  grpc::Status call_inline() {
    try {
      return handler_(context_, request_, reply_);
    } catch (...) {
      return handler_threw();
    }
  }

  void task_done() {
    if (task_.failed()) {
      respond(handler_threw());
    } else {
      respond(task_.result());
    }
    handler_done();
  }

  void respond(const grpc::Status& status) {
    if (!stream_open()) return;
    if (!status.ok()) return finish(status);
    reply_bytes_ = Codec<Reply>::size(reply_);
    if (!reply_fits(reply_bytes_)) [[unlikely]]
      return finish(reply_too_large(reply_bytes_));
    if (packs()) [[unlikely]] {
      send_packed(as_bytes(encode_message(reply_, reply_bytes_)));
    } else if (uint8_t* out = begin_message(reply_bytes_)) {
      Codec<Reply>::write(reply_, out);
    } else {
      respond_in_chunks();
    }
    finish_ok();
  }

  void respond_in_chunks() {
    ChunkQueue message(context_.loop().chunks());
    if (auto* lent = append_message(reply_, reply_bytes_, message)) lent->drop();
    send_chunks(std::move(message));
  }

  void recycle() override {
    if constexpr (!kInline) task_ = {};
    recycle_message(request_, request_bytes_);
    recycle_message(reply_, reply_bytes_);
    recycle_base();
    reply_bytes_ = 0;
    pool_.put(this);
  }

  Handler& handler_;
  Pool& pool_;
  Request request_;
  Reply reply_;
  size_t reply_bytes_ = 0;
  Task<grpc::Status> task_;
};

}  // namespace saker::rpc

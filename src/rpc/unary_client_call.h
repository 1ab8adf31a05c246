// UnaryClientCall<Request, Reply>: one request, one reply. Derive and implement on_done(), or use
// CallbackCall below.
#pragma once

#include <functional>

#include "saker/rpc/client_call.h"
#include "saker/rpc/codec.h"

namespace saker::rpc {

class UnaryClientCallBase : public ClientCall {
 protected:
  virtual bool parse_reply(const grpc::ReceivedMessage& message) = 0;
  void on_data(Bytes data, bool end) final;
  void on_complete() final;
  void begin() { messages_ = 0; }

  size_t reply_bytes_ = 0;

 private:
  uint32_t messages_ = 0;
};

template <typename Request, typename Reply>
class UnaryClientCall : public UnaryClientCallBase {
 public:
  // The caller's to fill before start() and to read from on_done() on. The reply of a failed call
  // means nothing.
  Request& request() { return request_; }
  Reply& reply() { return reply_; }

 private:
  void on_open() final {
    begin();
    const size_t size = Codec<Request>::size(request_);
    if (uint8_t* out = begin_message(size, true)) return Codec<Request>::write(request_, out);
    ChunkQueue message(chunks());
    grpc::write_message_prefix(message.prepare(grpc::kMessagePrefixBytes), false,
                               static_cast<uint32_t>(size));
    message.commit(grpc::kMessagePrefixBytes);
    Codec<Request>::write_chunks(request_, message);
    send_chunks(std::move(message), true);
  }
  bool parse_reply(const grpc::ReceivedMessage& message) final {
    return Codec<Reply>::parse(message, reply_);
  }

  Request request_;
  Reply reply_;
};

// A call whose end is a function.
template <typename Request, typename Reply>
class CallbackCall final : public UnaryClientCall<Request, Reply> {
 public:
  explicit CallbackCall(std::function<void(CallbackCall&)> done) : done_(std::move(done)) {}

 private:
  void on_done() override { done_(*this); }
  std::function<void(CallbackCall&)> done_;
};

}  // namespace saker::rpc

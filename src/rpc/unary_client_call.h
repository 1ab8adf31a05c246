// UnaryClientCall<Request, Reply>: one request, one reply. Derive and implement on_done(),
// or use CallbackCall below.
#pragma once

#include <functional>

#include "saker/rpc/client_call.h"
#include "saker/rpc/codec.h"

namespace saker::rpc {

class UnaryClientCallBase : public ClientCall {
 protected:
  virtual bool parse_reply(const grpc::ReceivedMessage& message) = 0;
  void on_data(Bytes data, bool end) final;
  // Before on_done(), and before another try: request() is the caller's again.
  virtual void take_request_back() = 0;
  void on_complete() final;
  void on_failed(bool by_us) final;
  void begin() { messages_ = 0; }

  size_t reply_bytes_ = 0;

 private:
  uint32_t messages_ = 0;
};

template <typename Request, typename Reply>
class UnaryClientCall : public UnaryClientCallBase {
 public:
  ~UnaryClientCall() override {
    if (lent_request_ != nullptr) lent_request_->drop();
  }
  // The caller's to fill before start() and to read from on_done() on.
  // The reply of a failed call means nothing.
  Request& request() { return request_; }
  Reply& reply() { return reply_; }

 private:
  void on_open() final {
    begin();
    take_request_back();  // of a first try
    const size_t size = Codec<Request>::size(request_);
    if (size > max_send_bytes()) [[unlikely]]
      return refuse_request(size);
    if (packs()) [[unlikely]]
      return send_packed(as_bytes(encode_message(request_, size)), true);
    if (uint8_t* out = begin_message(size, true)) return Codec<Request>::write(request_, out);
    ChunkQueue message(chunks());
    lent_request_ = append_message(request_, size, message);
    send_chunks(std::move(message), true);
  }
  bool encode_request(ChunkQueue& out) final {
    begin();
    const size_t size = Codec<Request>::size(request_);
    if (size > max_send_bytes()) {
      refuse_request(size);
    } else if (packs()) {
      pack(as_bytes(encode_message(request_, size)), out);
    } else {
      frame_message(request_, size, out);
    }
    return true;
  }
  // Where an early reply came while the request was still being written, the bytes stay there.
  void take_request_back() final {
    if (lent_request_ == nullptr) return;
    if (lent_request_->is_lent()) {
      request_ = lent_request_->value;
    } else {
      request_ = std::move(lent_request_->value);
    }
    std::exchange(lent_request_, nullptr)->drop();
  }
  bool parse_reply(const grpc::ReceivedMessage& message) final {
    return Codec<Reply>::parse(message, reply_);
  }

  Request request_;
  Reply reply_;
  LentMessage<Request>* lent_request_ = nullptr;  // the request while it is under way
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

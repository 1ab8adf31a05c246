// StreamingClientCall<Request, Reply>: any streaming kind from the client's side, by events on the
// loop. Derive and implement on_reply(), on_writable(), on_done(). What on_reply() has not been
// given yet stays within the stream's window: pause() slows the server down.
#pragma once

#include <memory>

#include "saker/rpc/client_call.h"
#include "saker/rpc/codec.h"

namespace saker::rpc {

class StreamingClientCallBase : public ClientCall {
 public:
  // No on_reply() while paused; when the stream has ended, what had arrived by then
  // is delivered all the same.
  void pause(bool paused);
  // We have nothing more to send. Holds also where the call is started over on another stream.
  void writes_done();
  // False: hold back; on_writable() tells when to go on.
  // Writing nevertheless is allowed and queues.
  bool writable();

 protected:
  virtual bool deliver(const grpc::ReceivedMessage& message) = 0;
  // May write again (also once when the call opens).
  virtual void on_writable() = 0;

  void on_open() final;
  void on_data(Bytes data, bool end) final;
  void on_drained() final;
  void on_complete() final;
  void on_failed(bool by_us) final;
  void run() final;
  bool replayable() const final { return !wrote_ || replay() != nullptr; }
  bool may_write() const { return (open() || between_attempts()) && !writes_done_; }
  bool wrote_all() const { return writes_done_; }
  // Sends it now, or with the next attempt; keeps it for others.
  void send_kept(ChunkQueue&& message, bool last);
  void written(bool last);

 private:
  bool deliver_next();
  void fail_read(const grpc::ReceivedMessage& message, grpc::ReadResult result);
  void release(size_t bytes);
  bool send_again();
  void begin_requests();
  void forget_requests();

  std::unique_ptr<ChunkQueue> inbox_;
  bool paused_ = false;
  bool owes_writable_ = false;  // on_writable() is due as soon as nothing is congested
  bool writes_done_ = false;
  bool wrote_ = false;
  uint64_t replies_ = 0;
};

template <typename Request, typename Reply>
class StreamingClientCall : public StreamingClientCallBase {
 public:
  // `last`: as with writes_done(), in the same frame. False: nothing was sent. The call is over or
  // ends with this; or its stream was refused unseen, and on_writable() comes with the next one.
  bool write(const Request& request, bool last = false) {
    if (!may_write()) return false;
    const size_t size = Codec<Request>::size(request);
    if (size > max_send_bytes()) [[unlikely]] {
      refuse_request(size);
      return false;
    }
    if (replay() != nullptr) [[unlikely]] {
      send_kept(framed(request, size), last);
    } else if (packs()) [[unlikely]] {
      send_packed(as_bytes(encode_message(request, size)), last);
    } else if (uint8_t* out = begin_message(size, last)) {
      Codec<Request>::write(request, out);
    } else {
      send_chunks(framed(request, size), last);
    }
    written(last);
    return true;
  }

 protected:
  // May start, cancel, pause and write; may not destroy the call.
  virtual void on_reply(Reply& reply) = 0;

 private:
  ChunkQueue framed(const Request& request, size_t size) {
    ChunkQueue message(chunks());
    if (packs()) {
      pack(as_bytes(encode_message(request, size)), message);
    } else {
      frame_message(request, size, message);
    }
    return message;
  }
  bool deliver(const grpc::ReceivedMessage& message) final {
    if (!Codec<Reply>::parse(message, reply_)) return false;
    on_reply(reply_);
    return true;
  }

  Reply reply_;
};

}  // namespace saker::rpc

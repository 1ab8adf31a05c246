// ServerContext: what a handler may know and say about its call beside request and reply. Lives in
// the call's slot; valid until the handler has ended. Belongs to the call's loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "saker/base/time.h"
#include "saker/grpc/compression.h"
#include "saker/grpc/metadata.h"
#include "saker/net/loop.h"
#include "saker/net/stream.h"

namespace saker::rpc {

// Told once when the call is cancelled while it is registered;
// may not resume coroutines or end the call from inside.
class CancelWaiter {
 public:
  virtual void on_cancelled() = 0;

 protected:
  ~CancelWaiter() = default;
};

// How a call's messages are packed.
struct CallCompression {
  grpc::Compression requests = grpc::Compression::kIdentity;  // those that are
  grpc::Compression replies = grpc::Compression::kIdentity;
  grpc::CompressionSet accepted{};  // by the client
  bool packs = false;               // the next reply
};

class ServerContext {
 public:
  // When the bytes that completed the request were received;
  // and the wall clock that belongs to a time.
  Time received_at() const { return received_at_; }
  int64_t wall_ns(Time time) const { return loop_->wall_ns(time); }
  Time read_clock() { return clock_read_at_ = loop_->read_clock(); }
  net::Loop& loop() const { return *loop_; }

  // kNever when the client set none.
  Time deadline() const { return deadline_; }
  // The client has gone, has reset the call, or its deadline has passed:
  // nobody waits for the reply.
  bool cancelled() const { return cancelled_; }

  // At most one; null: none.
  void set_cancel_waiter(CancelWaiter* waiter) { cancel_waiter_ = waiter; }

  const net::Peer& peer() const { return *peer_; }
  std::string_view method() const { return method_; }  // "/package.Service/Method"
  const grpc::Metadata& metadata() const { return metadata_; }

  // Sent with the response head: only before the first reply message has been written.
  grpc::Metadata& initial_metadata() { return extras().initial; }
  // Replies are compressed so where the client accepts it, and otherwise sent as they are. Only
  // before the first reply message has been written.
  void set_compression(grpc::Compression compression);
  // From the next reply on: as set_compression() says, or as they are.
  void compress_replies(bool on) {
    compression_.packs = on && compression_.replies != grpc::Compression::kIdentity;
  }
  // The request, or the message that was read last, came compressed.
  bool request_was_compressed() const { return request_was_compressed_; }

  // Sent with the status.
  grpc::Metadata& trailing_metadata() { return extras().trailing; }

 private:
  friend class ServerCall;
  friend class ServerConnection;

  struct Extras {
    grpc::Metadata initial;
    grpc::Metadata trailing;
  };
  Extras& extras() {
    if (extras_ == nullptr) extras_ = std::make_unique<Extras>();
    return *extras_;
  }
  void recycle() {
    if (!metadata_.empty()) metadata_.clear();
    if (extras_ != nullptr) extras_.reset();
    deadline_ = kNever;
    clock_read_at_ = Time{};
    cancelled_ = false;
    head_sent_ = request_was_compressed_ = false;
    cancel_waiter_ = nullptr;
  }

  net::Loop* loop_ = nullptr;
  const net::Peer* peer_ = nullptr;
  std::string_view method_;
  Time received_at_{};
  Time started_at_{};  // the head's arrival
  Time deadline_ = kNever;
  Time clock_read_at_{};  // by the handler, so that the call's duration need not read it again
  bool cancelled_ = false;
  bool head_sent_ = false;
  bool request_was_compressed_ = false;
  CallCompression compression_;
  CancelWaiter* cancel_waiter_ = nullptr;
  grpc::Metadata metadata_;
  std::unique_ptr<Extras> extras_;
};

inline void ServerContext::set_compression(grpc::Compression compression) {
  if (head_sent_) return;
  const bool accepted = compression_.accepted.contains(compression);
  compression_.replies = accepted ? compression : grpc::Compression::kIdentity;
  compress_replies(true);
}

}  // namespace saker::rpc

// ClientCall: one call of a client, from start() to on_done(). The object is the caller's and may
// be used again once on_done() has been called; the steady state allocates nothing.
// Belongs to its channel's loop.
//
//   idle ──start()──▶ pending ──connection, stream──▶ open
//        ──trailers, reset, deadline, cancel()──▶ done ──on_done()──▶ idle
//
// What a service config asks of it beyond that, retries above all, is call_policy.h's.
#pragma once

#include <memory>
#include <string>

#include "saker/base/intrusive_list.h"
#include "saker/grpc/compression.h"
#include "saker/grpc/message.h"
#include "saker/grpc/metadata.h"
#include "saker/grpc/status.h"
#include "saker/h2/connection.h"
#include "saker/net/loop.h"
#include "saker/rpc/attempt_hooks.h"
#include "saker/rpc/client_method.h"
#include "saker/rpc/service_config.h"

namespace saker::rpc {

class CallHedging;
class CallPolicy;
class CallRetry;
class Channel;
class ClientConnection;
struct CallListTag;

struct CallOptions {
  Time deadline = kNever;
  bool wait_for_ready = false;  // wait for a connection instead of failing with UNAVAILABLE
  // Must live until the call is open, or done where a service config has it tried again.
  const grpc::Metadata* metadata = nullptr;
  // Of requests. A server that does not know it ends the call with UNIMPLEMENTED.
  grpc::Compression compression = grpc::Compression::kIdentity;
};

class ClientCall : public ListHook<CallListTag> {
 public:
  ClientCall(const ClientCall&) = delete;
  ClientCall& operator=(const ClientCall&) = delete;
  virtual ~ClientCall();

  // Starts the call on the channel's loop thread. The call must be idle.
  void start(Channel& channel, const ClientMethod& method, const CallOptions& options = {});
  // Ends it with CANCELLED; on_done() follows. No-op when idle or done.
  void cancel();

  bool active() const { return phase_ != Phase::kIdle; }
  // Valid from on_done() on.
  const grpc::Status& status() const { return status_; }
  const grpc::Metadata& initial_metadata() const { return initial_metadata_; }
  const grpc::Metadata& trailing_metadata() const { return trailing_metadata_; }
  // "ipv4:127.0.0.1:50051", or empty when no connection was used.
  const std::string& peer_name() const { return peer_name_; }
  // From the next request message on: as CallOptions::compression says, or as they are.
  void compress_requests(bool on) { packs_ = on; }
  // The reply, or the message that was read last, came compressed.
  bool reply_was_compressed() const { return reply_was_compressed_; }

 protected:
  ClientCall();

  // ---- for the kinds of call
  // The stream is open and its head is sent: send what there is to send. Outside of events.
  virtual void on_open() = 0;
  // DATA arrived, inside an event: no commands.
  virtual void on_data(Bytes data, bool end) = 0;
  // From the connection's ready list, after input or drained output.
  virtual void run() {}
  virtual void on_drained() {}
  // May the call be started over on another stream, the first having been refused unseen?
  virtual bool replayable() const { return true; }
  // The whole request with its prefix, where there is only one and it is there before the call
  // begins. False: it is not.
  virtual bool encode_request(ChunkQueue& out) {
    (void)out;
    return false;
  }
  // The stream has ended with status().ok(): may still turn it into an error by fail().
  virtual void on_complete() {}
  // It has ended otherwise; `by_us`: by fail() or cancel(), so that what has arrived
  // is of no interest any more.
  virtual void on_failed(bool by_us) { (void)by_us; }
  // The end; the call is idle again and may be started again or destroyed.
  virtual void on_done() = 0;

  // Room for one message of `size` bytes as the stream's next DATA, or null: use send_chunks().
  uint8_t* begin_message(size_t size, bool last);
  void send_chunks(ChunkQueue&& prefixed_message, bool last);
  // Requests are to be compressed: they go through send_packed(), whole and without their prefix.
  bool packs() const { return packs_ && options_.compression != grpc::Compression::kIdentity; }
  void send_packed(Bytes message, bool last);
  void pack(Bytes message, ChunkQueue& out);
  // Larger requests end the call: refuse_request().
  size_t max_send_bytes() const { return max_send_bytes_; }
  void refuse_request(size_t bytes);
  // Requests are kept for another attempt; null: they need not be.
  ReplayBuffer* replay() const { return hooks_ == nullptr ? nullptr : hooks_->replay(); }
  // Something was added to it, or all of it sent again.
  void note_kept() { hooks_->on_kept(); }
  // This is not the call's first stream.
  bool started_over() const { return started_over_; }
  // There was an attempt, and there will be another one.
  bool between_attempts() const {
    return phase_ == Phase::kPending && started_over_ && replay() != nullptr;
  }
  // There will be another stream, and until then nothing can be written.
  bool awaits_stream() const {
    return phase_ == Phase::kPending && started_over_ && replay() == nullptr;
  }
  // Puts what is in a compressed message in its place, valid until the next one is unpacked. False:
  // the call has failed.
  bool unpack(grpc::ReceivedMessage& message);
  void note_compressed(bool compressed) { reply_was_compressed_ = compressed; }
  void drop_unpacked() {
    if (unpacked_ != nullptr) unpacked_.reset();
  }
  void make_ready();
  void consume(size_t bytes);
  // Puts a call that may write again onto the ready list once the connection's output has room.
  void await_output();
  // Ends the call from inside an event or outside with this status; the stream is reset. In
  // on_complete(): only changes the status.
  void fail(grpc::StatusCode code, std::string message);
  bool open() const { return phase_ == Phase::kOpen && stream_ != nullptr && !reset_due_; }
  bool congested() const;
  const ClientMethod& method() const { return *method_; }
  h2::Stream& stream() { return *stream_; }
  ChunkPool& chunks() const;

  grpc::MessageReader reader_;
  grpc::Status status_;

 private:
  friend class CallHedging;
  friend class CallPolicy;
  friend class CallRetry;
  friend class Channel;
  friend class ClientConnection;
  enum class Phase : uint8_t { kIdle, kPending, kOpen, kDone };

  struct DeadlineTimer final : net::Timer {
    explicit DeadlineTimer(ClientCall& owner) : call(owner) {}
    void on_timer(Time now) override;
    ClientCall& call;
  };

  void prepare(Channel& channel, const ClientMethod& method, const CallOptions& options);
  void start_with(const MethodConfig& config);
  // One of several attempts of `call`.
  void start_attempt(ClientCall& call, AttemptHooks& hooks, uint32_t previous_attempts);
  // Goes on with another attempt's stream.
  void adopt(ClientCall& attempt);
  // Ends, without a stream, as that attempt did.
  void end_as(const ClientCall& attempt);
  // While it waits for a connection: ends with this status, or is tried again.
  void fail_attempt(grpc::StatusCode code, const std::string& message);
  // Forgets what an attempt has brought.
  void rewind();
  // The channel is going away: no end is told any more.
  void drop();
  bool starts_over(h2::StreamId id, h2::CloseCause cause, h2::ErrorCode code);
  void set_closed_status(h2::CloseCause cause, h2::ErrorCode code);
  void recv_headers(const h2::HeadersEvent& event);
  void recv_status(const h2::HeadersEvent& event);
  void stream_closed(h2::CloseCause cause, h2::ErrorCode code);
  void set_status(grpc::StatusCode code, std::string message);
  void finish();  // calls on_done()

  Channel* channel_ = nullptr;
  ClientConnection* connection_ = nullptr;
  h2::Stream* stream_ = nullptr;
  const ClientMethod* method_ = nullptr;
  CallOptions options_;
  Phase phase_ = Phase::kIdle;
  bool status_set_ = false;
  bool reset_due_ = false;     // fail() inside an event: reset when the ready list runs
  bool retried_ = false;       // transparently, once
  bool started_over_ = false;  // this is not the first stream
  bool packs_ = true;
  bool reply_was_compressed_ = false;
  grpc::Compression encoding_ = grpc::Compression::kIdentity;  // of replies that are compressed
  std::unique_ptr<std::string> unpacked_;  // the compressed message that is being read
  int http_status_ = 0;
  uint32_t max_send_bytes_ = UINT32_MAX;
  uint32_t previous_attempts_ = 0;  // grpc-previous-rpc-attempts
  AttemptHooks* hooks_ = nullptr;
  std::unique_ptr<CallPolicy> policy_;  // null: no service config speaks of it
  grpc::Metadata initial_metadata_;
  grpc::Metadata trailing_metadata_;
  std::string peer_name_;
  DeadlineTimer deadline_timer_;
};

}  // namespace saker::rpc

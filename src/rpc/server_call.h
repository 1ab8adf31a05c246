// ServerCall: one call on the server, from the request's head to the end of both its stream and its
// handler. Pooled per loop and method together with its typed messages; the steady state allocates
// nothing. Events of the connection only change its state and put it on the connection's ready
// list; run() is called from there, outside of any event.
//
//   bound ──head, messages──▶ ready ──run()──▶ running ──finish()──▶ finished ──▶ recycled
//     └─── stream closed: not yet run: recycled;
//                         running: cancelled, recycled when the handler ends
#pragma once

#include "saker/base/intrusive_list.h"
#include "saker/grpc/message.h"
#include "saker/grpc/status.h"
#include "saker/h2/connection.h"
#include "saker/net/timer.h"
#include "saker/rpc/packer.h"
#include "saker/rpc/server_context.h"

namespace saker::rpc {

class Method;
class ServerConnection;
struct ReadyTag;
struct RunningTag;

class ServerCall : public ListHook<ReadyTag>, public ListHook<RunningTag> {
 public:
  virtual ~ServerCall() = default;

  ServerContext& context() { return context_; }
  const Method& method() const { return *method_; }

 protected:
  ServerCall() : deadline_timer_(*this) {}

  // ---- for the kinds of call
  // The request head is in; `end`: there will be no DATA. Inside an event: no commands.
  virtual void on_head(bool end) = 0;
  // DATA arrived; `end`: the client will send no more. Inside an event: no commands.
  virtual void on_data(Bytes data, bool end) = 0;
  // From the ready list.
  virtual void run() = 0;
  // All pending output has been handed over.
  virtual void on_drained() {}
  // The stream is gone while the handler runs; context().cancelled() is true.
  virtual void on_cancel() {}
  // Back to the pool; the stream is gone and the handler has ended.
  virtual void recycle() = 0;

  // Puts the call on the ready list, or at its front.
  void make_ready();
  void make_ready_first();
  // Ends the call before or instead of its handler. Inside an event:
  // takes effect when the ready list runs.
  void refuse(grpc::StatusCode code, std::string message);
  bool refused() const { return refusal_ != nullptr; }
  void run_refusal();
  // The handler cannot start before more has arrived: until then only the deadline runs.
  void await_request(bool awaits);
  // The message has arrived and the client's half-close has not: keeps it charged until then. False: refused.
  bool keep_request();
  void let_request_go() {
    if (charged_bytes_ != 0) [[unlikely]] {
      release_charge();
    }
  }

  // ---- replies, from run() only
  // Writes the response head if it is still due, then: room for `size` bytes of one message in the
  // output, or null: then make a ChunkQueue with room for the prefix and call send_chunks().
  uint8_t* begin_message(size_t size);
  void send_chunks(ChunkQueue&& prefixed_message);
  // Sends the status and closes our side. The stream may be gone afterwards.
  void finish_ok();
  void finish(const grpc::Status& status);
  bool stream_open() const { return stream_ != nullptr; }
  // Replies are to be compressed: they go through send_packed(), whole and without their prefix.
  bool packs() const { return context_.compression_.packs; }
  void send_packed(Bytes message);
  // False: the message is over the limit and may not be sent; the call ends with reply_too_large().
  bool reply_fits(size_t bytes) const { return bytes <= max_reply_bytes_; }
  grpc::Status reply_too_large(size_t bytes) const;

  void note_compressed(bool compressed) { context_.request_was_compressed_ = compressed; }
  // Unpacks a compressed message, whose bytes stay where they are in reader_ or are lent by this event.
  // on_unpacked() follows: in here, or, when it takes longer than this turn, in another one. Until then
  // there is no on_data(), and reader_ is left alone.
  void unpack(const grpc::ReceivedMessage& message);
  bool is_unpacking() const { return unpacking_ != nullptr; }
  // Inside an event or not: no commands. Not OK: the call cannot go on. `message` stays valid until
  // drop_unpacked().
  virtual void on_unpacked(const grpc::Status& status, const grpc::ReceivedMessage& message) = 0;
  void drop_unpacked() {
    if (unpacked_ != nullptr) unpacked_.reset();
  }
  h2::Stream* stream() const { return stream_; }
  ServerConnection& connection() const { return *connection_; }
  // More waits for the client than should.
  bool congested() const;
  // Congested: puts the call on the ready list, or calls on_drained(), when that has passed.
  void await_output();

  // The handler has started and will end with handler_done(); between them the call outlives its
  // stream. One that may suspend says so before its first suspension.
  void handler_started() { running_ = true; }
  void handler_suspends();
  void handler_done();
  static grpc::Status handler_threw() {
    return {grpc::StatusCode::kInternal, "the handler threw an exception", {}};
  }
  // Gives flow-control window back for `bytes` that the handler has read.
  void consume(size_t bytes);
  uint64_t request_wire_bytes_ = 0;  // messages with their prefixes
  size_t request_bytes_ = 0;         // of a unary call's message, unpacked; of a large one, parsed

  grpc::MessageReader reader_;
  ServerContext context_;

 private:
  friend class ServerConnection;
  friend class ServerLoop;
  friend class Method;

  struct DeadlineTimer final : net::Timer {
    explicit DeadlineTimer(ServerCall& owner) : call(owner) {}
    void on_timer(Time now) override;
    ServerCall& call;
  };

  // Its handler has yet to start.
  bool is_new() const { return !running_ && !awaits_request_ && !refused(); }
  void run_now(Time now);
  void release_charge();
  void count(grpc::StatusCode code);
  void go_on_unpacking();
  void stop_unpacking();
  size_t unpacking_bytes() const { return unpacking_->memory_bytes(); }
  void send_head();
  void arm_deadline();
  void close(h2::CloseCause cause);
  void release();
  void abandon_handler();

  const Method* method_ = nullptr;
  ServerConnection* connection_ = nullptr;
  h2::Stream* stream_ = nullptr;  // null: closed
  std::unique_ptr<grpc::Status> refusal_;
  std::unique_ptr<std::string> unpacked_;  // the compressed message that is being read
  std::unique_ptr<Unpacking> unpacking_;   // writes it
  int http_status_ = 200;                  // of a refusal that is HTTP's, not gRPC's
  uint64_t reply_wire_bytes_ = 0;
  size_t charged_bytes_ = 0;  // to the connection, while the request waits
  uint32_t max_reply_bytes_ = INT32_MAX;
  bool awaits_request_ = false;
  bool running_ = false;
  bool holds_slot_ = false;
  bool counted_ = false;   // its status is in the counters
  bool finished_ = false;  // the status has been sent
  DeadlineTimer deadline_timer_;
};

}  // namespace saker::rpc

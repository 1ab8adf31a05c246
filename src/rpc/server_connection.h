// ServerConnection: the driver that joins one net::Stream with one h2::Connection and the calls on
// it, the only place where the pure engine meets I/O on the server. Within a turn: input, then the
// ready calls, then one write.
//
//   on_data ─▶ handle_input ─▶ calls fill, become ready ─▶ run_ready
//           ─▶ replies into output ─▶ flush ─▶ submit
//
// It lives until its stream has ended and its last call has been released. One loop.
#pragma once

#include <memory>

#include "saker/base/intrusive_list.h"
#include "saker/base/memory_budget.h"
#include "saker/grpc/message.h"
#include "saker/h2/connection.h"
#include "saker/net/loop.h"
#include "saker/rpc/connection_age.h"
#include "saker/rpc/keepalive.h"
#include "saker/rpc/packer.h"
#include "saker/rpc/server_call.h"
#include "saker/rpc/server_options.h"
#include "saker/rpc/turn_input.h"

namespace saker::rpc {

class ServerLoop;
struct RequestHead;
struct ConnectionListTag;

class ServerConnection final : public ListHook<ConnectionListTag>,
                               private net::StreamEvents,
                               private net::TurnTask,
                               private net::Timer,
                               private h2::ConnectionEvents {
 public:
  ServerConnection(ServerLoop& loop, std::unique_ptr<net::Stream> stream);
  ~ServerConnection();

  void start();
  // Two-step drain: finishes what runs, then closes.
  void drain();
  // Closes now; calls are cancelled.
  void abort(h2::ErrorCode code, const char* why);

  h2::Connection& engine() { return engine_; }
  hpack::CachedBlock& head_cache() { return head_cache_; }
  hpack::CachedBlock& trailers_cache() { return trailers_cache_; }
  const net::Peer& peer() const { return stream_->peer(); }
  // What its peer makes it hold, more or less: buffers and messages exactly, calls by their number.
  size_t memory_bytes() const;

  // ---- for calls
  void add_ready(ServerCall& call);
  void add_ready_first(ServerCall& call);
  // Ready as soon as output has been taken, or the client's windows have let out enough.
  void add_blocked(ServerCall& call) {
    (engine_.output_full() ? blocked_ : held_back_).push_back(call);
  }
  void track_running(ServerCall& call);
  // Output has been or will be produced in this turn: make sure that it is flushed.
  void touch() {
    if (!in_turn_) schedule();
  }
  // HEADERS or DATA go out: the peer's pings are forgiven.
  void note_sent() { ping_policy_.on_sent(); }
  void count(const ServerCall& call, grpc::StatusCode code, Duration duration);
  void expire(ServerCall& call);
  void hold_slot(ServerCall& call);
  // A request that waits parsed, for its client's half-close or for room: charged to the connection.
  // False: its budget is spent, and the call is refused.
  bool charge_request(ServerCall& call);
  void release_charge(ServerCall& call);
  void call_released(bool held_slot);
  Packer& packer();
  // One call at a time, for whoever has begun has used up the turn, and takes the next one first.
  void begin_unpacking(ServerCall& call) { unpacking_ = &call; }
  void end_unpacking() { unpacking_ = nullptr; }
  Unpacked unpack_some(Unpacking& unpacking);
  // Of a request that is not packed.
  void note_message(size_t bytes) { input_.count_bytes(engine_, bytes); }
  // Of a streaming call.
  void note_streamed(size_t bytes) {
    note_message(std::max(bytes, input_.limits().least_message_bytes));
  }
  // True: calls wait for the next turn before they take more messages.
  bool turn_has_enough() const { return input_.has_enough(); }
  uint32_t max_message_bytes() const { return messages_.max_bytes; }
  const MemoryBudget& budget() const { return budget_; }

 private:
  friend class ServerLoop;

  // net
  void on_data(Bytes bytes) override;
  void on_sent() override;
  void on_end(const Error& error) override;
  void run_at_turn_end() override;
  void on_timer(Time now) override;

  // h2
  void on_headers(h2::Stream& stream, const h2::HeadersEvent& event) override;
  void on_data(h2::Stream& stream, Bytes data, bool end_stream) override;
  void on_stream_closed(h2::Stream& stream, h2::CloseCause cause, h2::ErrorCode code) override;
  void on_stream_drained(h2::Stream& stream) override;
  void on_peer_settings() override {}
  void on_goaway(h2::StreamId, h2::ErrorCode, std::string_view) override {}
  void on_ping(uint64_t opaque) override;
  void on_ping_ack(uint64_t opaque) override;

  void note_first_bytes(Bytes first);
  void log_call(const ServerCall& call, grpc::StatusCode code, Duration duration);
  void add_metadata(grpc::Metadata& metadata, std::span<const hpack::Field> fields) const;
  CallCompression compression_for(grpc::CompressionSet accepted) const;
  void note_compression(ServerCall& call, const RequestHead& head);
  ServerCall& bind_call(h2::Stream& stream, const Method* method);
  void refuse_for_memory(h2::Stream& stream);
  void refuse_head(ServerCall& call, const RequestHead& head, const h2::HeadersEvent& event);
  void run_ready();
  // Something that came before waits for its turn.
  bool is_behind() const { return unpacking_ != nullptr || input_.has_rest(); }
  void catch_up();
  void continue_in_next_turn();
  void hold_to_time(Time now);
  bool may_take_input() const;
  void hold_back(ServerCall& call);
  void release_held_back();
  void flush();
  bool write_output();
  void pause_reading(bool paused);
  void turn();
  void schedule();
  void arm_timer();
  void check_idle(Time now);
  void check_write(Time now);
  void check_age(Time now);
  void close_stream();
  void maybe_destroy();

  ServerLoop& loop_;
  std::unique_ptr<net::Stream> stream_;
  h2::Connection engine_;
  TurnInput input_;
  ServerCall* unpacking_ = nullptr;
  hpack::CachedBlock head_cache_;
  hpack::CachedBlock trailers_cache_;
  IntrusiveList<ServerCall, ReadyTag> ready_;
  IntrusiveList<ServerCall, ReadyTag> blocked_;  // writers that wait for room in the output
  IntrusiveList<ServerCall, ReadyTag>
      held_back_;  // until the client has taken what waits for its windows
  MemoryBudget budget_;
  grpc::MessageContext messages_;
  CallCompression compression_;  // of calls whose head says nothing else
  bool compression_known_ = false;
  const size_t transport_;  // counted_transport() of the peer
  Keepalive keepalive_;
  PingPolicy ping_policy_;
  ConnectionAge age_;
  Time active_at_;               // bytes last arrived
  Time close_by_ = kNever;       // a write that must get on by then, or the connection ends
  size_t unsent_then_ = 0;       // what was left of it when close_by_ was set
  Time idle_check_at_ = kNever;  // when to look whether the connection is idle
  size_t calls_ = 0;             // bound and not yet released
  uint64_t data_frames_at_ping_ = 0;
  bool too_many_pings_ = false;
  bool has_received_ = false;
  bool in_turn_ = false;
  bool reading_paused_ = false;
  bool ended_ = false;  // the stream has ended or been closed
};

}  // namespace saker::rpc

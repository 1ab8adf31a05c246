// Connection: one HTTP/2 connection, client or server, as a state machine without I/O (RFC 9113).
// Bytes go in through handle_input(), time through handle_timeout(); events come out through
// ConnectionEvents; bytes to send are collected and handed over by take_output(). Knows nothing of
// sockets, clocks, gRPC. One thread.
//
//   bytes ─▶ handle_input ─▶ frames ─▶ streams ─▶ events
//   commands ─▶ output ─▶ take_output ─▶ bytes
//
// Contract of commands: none may be called from inside an event. They never fail on a stream that
// is valid; what cannot be sent yet waits at the stream. A stream's last event, on_stream_closed(),
// may come from any input, command or take_output(); with it the stream's reference dies.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "saker/base/chunk.h"
#include "saker/base/object_pool.h"
#include "saker/base/time.h"
#include "saker/h2/bdp.h"
#include "saker/h2/error_code.h"
#include "saker/h2/frame.h"
#include "saker/h2/head_cache.h"
#include "saker/h2/options.h"
#include "saker/h2/settings.h"
#include "saker/h2/stream.h"
#include "saker/h2/stream_map.h"
#include "saker/h2/token_bucket.h"
#include "saker/hpack/decoder.h"
#include "saker/hpack/encoder.h"

namespace saker::h2 {

enum class HeadersKind : uint8_t {
  kRequest,        // server: a new stream
  kInformational,  // client: 1xx
  kResponse,       // client: the final response head
  kTrailers,
};

struct HeadersEvent {
  HeadersKind kind = HeadersKind::kRequest;
  std::span<const hpack::Field> fields;  // valid until the event returns
  int status = 0;                        // responses
  bool end_stream = false;
  // Larger than max_header_list_bytes or max_header_fields: the rest is missing.
  bool truncated = false;
  // Requests whose head came before: where the visitor may keep what it made of it. Null otherwise.
  HeadMemo* memo = nullptr;
};

enum class CloseCause : uint8_t {
  // END_STREAM both ways, or an early response whose RST_STREAM(NO_ERROR) cut the rest short.
  kCompleted,
  kResetByPeer,     // RST_STREAM received
  kResetByUs,       // reset() or a stream error of the peer's
  kRefused,         // GOAWAY: the peer has not processed it and never will
  kConnectionLost,  // the connection ended under it
};

class ConnectionEvents {
 public:
  virtual void on_headers(Stream& stream, const HeadersEvent& event) = 0;
  // `data` is lent; may be empty when end_stream.
  virtual void on_data(Stream& stream, Bytes data, bool end_stream) = 0;
  // The last event of a stream, exactly once. `code` belongs to resets.
  virtual void on_stream_closed(Stream& stream, CloseCause cause, ErrorCode code) = 0;
  // All that was pending on the stream has been handed to output.
  virtual void on_stream_drained(Stream& stream) = 0;
  // The peer's settings arrived or changed: more streams may be allowed now.
  virtual void on_peer_settings() = 0;
  virtual void on_goaway(StreamId last_id, ErrorCode code, std::string_view debug) = 0;
  virtual void on_ping(uint64_t opaque) = 0;      // answered already
  virtual void on_ping_ack(uint64_t opaque) = 0;  // of send_ping()

 protected:
  ~ConnectionEvents() = default;
};

// What the connections of one loop share.
struct ConnectionResources {
  ChunkPool& chunks;
  ObjectPool<Stream>& streams;
  hpack::DecoderScratch& scratch;
};

struct ConnectionCounters {
  uint64_t streams_opened = 0;
  uint64_t frames_received = 0;
  uint64_t data_bytes_received = 0;
  uint64_t glitches = 0;
  uint64_t invariants_broken = 0;  // our own bugs: every test fails that sees one
};

class Connection {
 public:
  Connection(Role role, const ConnectionOptions& options, const ConnectionResources& resources,
             ConnectionEvents& events, Time now);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // ---- input
  // Consumes all of `bytes`, but for what stop_input() leaves, or what is more than `work`: a unit is a
  // frame, 16 bytes of a header block, or 16 streams whose windows SETTINGS move; the last frame may
  // pass it. False: the connection is over; what take_output() still yields should be sent, then close.
  static constexpr uint32_t kAnyWork = UINT32_MAX, kWorkUnit = 16;
  bool handle_input(Bytes bytes, Time now, uint32_t work = kAnyWork);
  // Within an event: this frame shall be the last that handle_input() handles. What is behind it, the
  // last input_left() bytes, is given to the next handle_input() before anything else.
  void stop_input() { input_stopped_ = true; }
  size_t input_left() const { return input_left_; }
  // Of the `work` of the last handle_input(); 0: it has stopped for that.
  uint32_t work_left() const { return work_left_; }
  void handle_timeout(Time now);
  // When handle_timeout() is due; kNever: not at all.
  Time poll_timeout() const;
  // From the one to the other the transport is not read, or not all of what has been: whatever the peer
  // owes (SETTINGS, the rest of a frame, window) may be there, and has so much longer.
  void pause_input(Time now) { input_paused_at_ = now; }
  void resume_input(Time now);
  // The transport ended: every stream is closed with kConnectionLost.
  void handle_transport_end();

  // ---- commands
  // Client: opens a stream with a request head. `constant` repeats from call to call and is kept
  // encoded in `cache`; `varying` follows it. Null: not now (peer's limit, GOAWAY, ids used up):
  // see can_open_stream().
  Stream* open_stream(std::span<const hpack::OutField> constant, hpack::CachedBlock& cache,
                      std::span<const hpack::OutField> varying, bool end_stream, Time now);
  // A response head, or trailers when end_stream (they wait behind pending data). `cache` as above.
  void send_headers(Stream& stream, std::span<const hpack::OutField> constant,
                    hpack::CachedBlock& cache, std::span<const hpack::OutField> varying,
                    bool end_stream);
  // Room for a DATA frame with `size` payload bytes right in the output: the caller writes exactly
  // `size` bytes there before anything else happens. Null: it does not fit window, frame or output
  // now; use send_data().
  uint8_t* try_begin_data(Stream& stream, uint32_t size, bool end_stream);
  // Queues payload; sent as windows and the round robin allow.
  void send_data(Stream& stream, ChunkQueue&& payload, bool end_stream);
  void reset(Stream& stream, ErrorCode code);
  // Streaming: the application has taken `bytes` of DATA off the stream (streams with
  // credit_on_receipt false).
  void consume(Stream& stream, uint32_t bytes);
  // A call whose stream is gone still runs: it counts against
  // max_concurrent_streams until release_slot().
  void hold_slot() { ++held_slots_; }
  void release_slot() {
    if (holds(held_slots_ > 0, "a slot was released that nobody holds")) --held_slots_;
  }
  void send_ping(uint64_t opaque);
  // GOAWAY(2^31-1) and PING, then GOAWAY(last id) on its ACK
  // or after drain_ping_timeout, drain_ping_timeout_idle where no stream is open (RFC 9113
  // section 6.8).
  // `why`: debug data of both, static.
  void start_drain(Time now, const char* why = "draining");
  // GOAWAY(code) at once; every stream is closed.
  void shut_down(ErrorCode code, const char* why);

  // ---- output
  // Appends what is ready to `out`, at most about output_cap_bytes. To be called again when that has
  // been written.
  void take_output(ChunkQueue& out, Time now);
  bool wants_write() const { return !out_.empty() || send_ready() || awaits_written_; }
  // False: the peer owes us reads (or sends more to answer than it takes): stop reading from it.
  bool wants_read() const { return control_frames_ < options_.control_frames_pause; }
  // True: enough is waiting to be written; hold replies back.
  bool output_full() const { return out_.size() >= options_.output_cap_bytes; }
  // True: the peer's windows hold back as much as we are ready to keep: begin nothing that adds to
  // it, and go on reading, for what ends this comes from the peer.
  bool unsent_full() const { return unsent_bytes_ >= options_.max_unsent_bytes; }

  // ---- state
  Role role() const { return role_; }
  bool alive() const { return !dead_; }  // false: fatal error or shut_down
  // No new streams: a server has said its last GOAWAY, a client heard one or has begun to drain.
  bool draining() const { return draining_; }
  bool can_open_stream() const;
  bool peer_settings_received() const { return settings_received_; }
  size_t open_streams() const { return streams_.size(); }
  const ConnectionError& error() const { return error_; }
  const Settings& peer_settings() const { return peer_; }
  const ConnectionCounters& counters() const { return counters_; }
  uint64_t data_frames_sent() const { return data_frames_sent_; }
  const ReceiveWindow& receive_window() const { return recv_window_; }
  const SendWindow& send_window() const { return send_window_; }
  const hpack::Encoder& encoder() const { return encoder_; }
  const hpack::Decoder& decoder() const { return decoder_; }
  const HeadCache& head_cache() const { return heads_; }
  uint32_t stream_window_bytes() const { return stream_window_; }
  // Gives back what only a busy connection needs.
  void release_idle_memory();
  size_t memory_bytes() const;

 private:
  enum Deadline {
    kPrefaceDeadline,
    kSettingsAckDeadline,
    kHeaderBlockDeadline,
    kFrameDeadline,
    kProgressDeadline,
    kDrainDeadline,
    kDeadlines
  };

  // connection_input.cc: the byte stream into frames
  void spend(uint32_t work);
  Bytes take_preface(Bytes bytes);
  Bytes take_frame(Bytes bytes);
  Bytes take_data_payload(Bytes bytes);
  void begin_carry(Bytes bytes);
  Bytes complete_carry(Bytes bytes);
  void end_carry();
  Bytes begin_data_frame(const FrameHeader& header, Bytes bytes);
  void handle_frame(const FrameHeader& header, Bytes payload);
  bool check_frame_header(const FrameHeader& header);
  bool is_too_long(const FrameHeader& header) const;
  Stream* find_data_stream(const FrameHeader& header);
  void recv_data(Bytes data, bool last);
  void recv_stream_data(Stream& stream, Bytes data, bool last);
  void count_data_frame();

  // connection_frames.cc: one handler a frame type
  void recv_headers(const FrameHeader& header, Bytes payload);
  void recv_continuation(const FrameHeader& header, Bytes payload);
  void recv_header_block(StreamId id, bool end_stream, Bytes block);
  void recv_request_block(StreamId id, bool end_stream, Bytes bytes);
  void recv_request(StreamId id, HeadersEvent event, HeadFacts facts);
  void recv_response(Stream& stream, bool end_stream, const hpack::DecodedBlock& block);
  void recv_trailers(Stream& stream, bool end_stream, const hpack::DecodedBlock& block);
  void recv_priority(const FrameHeader& header, Bytes payload);
  void recv_rst_stream(const FrameHeader& header, Bytes payload);
  void recv_settings(const FrameHeader& header, Bytes payload);
  void recv_settings_ack();
  void recv_ping(const FrameHeader& header, Bytes payload);
  void recv_goaway(const FrameHeader& header, Bytes payload);
  void recv_window_update(const FrameHeader& header, Bytes payload);
  void recv_stream_window_update(StreamId id, uint32_t increment);
  bool apply_peer_window(uint32_t old_window);
  bool refuse_new_stream(StreamId id);
  bool count_reset(const Stream& stream);
  uint64_t max_header_block_bytes() const;
  uint64_t max_continuations() const;
  bool strip_padding(const FrameHeader& header, Bytes& payload, const char* what);

  // connection_output.cc
  void send_preface(Time now);
  uint8_t* begin_frame(size_t bytes);    // a small frame of our own
  uint8_t* begin_control(size_t bytes);  // an answer to something that the peer sent
  uint8_t* begin_ping();
  void send_goaway(StreamId last_id, ErrorCode code, const char* why);
  void send_rst(StreamId id, ErrorCode code);    // because we want to
  void answer_rst(StreamId id, ErrorCode code);  // because of what the peer sent
  void write_headers(StreamId id, std::span<const hpack::OutField> constant,
                     hpack::CachedBlock& cache, std::span<const hpack::OutField> varying,
                     bool end_stream);
  void write_long_headers(StreamId id, std::span<const hpack::OutField> constant,
                          std::span<const hpack::OutField> varying, bool end_stream);
  bool write_pending(Stream& stream);
  void write_deferred_trailers(Stream& stream);
  void note_written();
  void arm_progress_deadline();
  void end_stalls();
  void give_credit(uint32_t bytes);
  void note_read(Stream& stream, uint32_t bytes);
  void give_credit(Stream& stream, uint32_t bytes);
  void send_window_update(StreamId id, uint32_t increment);
  bool send_ready() const { return !ready_.empty() && send_window_.available() > 0; }
  void enqueue(Stream& stream);

  // connection.cc
  void fail(ErrorCode code, const char* why);
  // A state that cannot be is our own bug: it is counted, and ends the connection with
  // INTERNAL_ERROR when output is next taken.
  bool holds(bool invariant, const char* what) {
    if (invariant) [[likely]] {
      return true;
    }
    ++counters_.invariants_broken;
    broken_ = what;
    return false;
  }
  void fail_stream(Stream& stream, ErrorCode code, const char* why);
  void glitch(const char* why);
  void close_stream(Stream& stream, CloseCause cause, ErrorCode code);
  void end_sending(Stream& stream);
  void end_receiving(Stream& stream);
  void close_all(CloseCause cause, ErrorCode code, StreamId above);
  bool is_idle(StreamId id) const;
  bool is_peer_id(StreamId id) const { return (id & 1) == (role_ == Role::kServer ? 1u : 0u); }
  void remember_reset(StreamId id);
  bool is_disowned(StreamId id) const;
  void set_deadline(Deadline which, Time at) { deadlines_[which] = at; }
  StreamId last_processed_id() const { return std::min(highest_peer_id_, sent_goaway_last_id_); }
  void finish_drain();
  void grow_windows(uint32_t window);

  static constexpr size_t kRecentResets = 16;
  static constexpr uint32_t kMaxDirectDataBytes = 32 * 1024;
  static constexpr size_t kStreamsBeforeSettings = 100;  // opened before the peer's limit is known
  static constexpr uint64_t kBdpPing = 0x73616b65'72626470;    // "sakerbdp"
  static constexpr uint64_t kDrainPing = 0x73616b65'72646e21;  // "sakerdn!"

  const Role role_;
  const ConnectionOptions& options_;  // the owner's; outlives us
  ConnectionResources resources_;
  ConnectionEvents& events_;
  Time now_;

  StreamMap streams_;
  // Streams with data to send are in one of three lists: those with window of their own for it, and
  // those without, in the order of `stalled_since`, which the newest get when output is next taken.
  IntrusiveList<Stream, SendQueueTag> ready_;
  IntrusiveList<Stream, SendQueueTag> stalled_;
  IntrusiveList<Stream, SendQueueTag> newly_stalled_;
  ChunkQueue out_;
  hpack::Decoder decoder_;
  HeadCache heads_;
  hpack::Encoder encoder_;

  Settings peer_;
  SendWindow send_window_;
  ReceiveWindow recv_window_;
  uint32_t stream_window_;  // what streams grow to with their next update
  BdpEstimator bdp_;

  StreamId highest_peer_id_ = 0;
  StreamId next_own_id_;
  StreamId goaway_last_id_ = kMaxStreamId;  // the peer's GOAWAY: own streams above it are refused

  // Input that is not whole yet.
  uint8_t preface_seen_ = 0;
  bool settings_received_ = false;
  bool settings_acked_ = false;
  std::vector<uint8_t> carry_;   // an incomplete frame other than DATA, from its header on
  FrameHeader data_header_;      // the DATA frame whose payload is arriving
  uint32_t data_remaining_ = 0;  // payload bytes to come, without padding once its length is known
  uint32_t padding_remaining_ = 0;
  uint32_t padding_bytes_ = 0;  // pad length field and padding of the current frame
  bool in_data_ = false;
  bool pad_length_due_ = false;
  Stream* data_stream_ = nullptr;  // null: closed meanwhile, or to be ignored

  // A header block that is continued.
  StreamId block_id_ = 0;
  bool block_end_stream_ = false;
  uint32_t continuations_ = 0;
  std::vector<uint8_t> block_;

  // Conduct.
  TokenBucket resets_;
  TokenBucket refusals_;
  TokenBucket glitches_;
  TokenBucket stalls_;
  uint32_t control_frames_ = 0;  // answers queued since output was last taken
  uint32_t held_slots_ = 0;
  uint32_t pings_out_ = 0;    // ours, not answered yet
  uint64_t late_resets_ = 0;  // RST_STREAM frames that found no stream
  uint32_t goaways_ = 0;
  uint32_t empty_frames_ = 0;
  uint64_t window_updates_ = 0;
  uint64_t data_frames_sent_ = 0;
  uint32_t quick_resets_ = 0;  // of streams under a second old
  std::array<StreamId, kRecentResets> recent_resets_{};
  uint32_t recent_resets_at_ = 0;
  StreamId forgotten_reset_id_ = 0;  // the highest that recent_resets_ had to drop

  std::array<Time, kDeadlines> deadlines_;
  Time input_paused_at_ = kNever;
  Time blocked_since_ = kNever;  // data waits for the connection's window
  Time data_written_at_;         // when DATA was last known to be on its way
  uint64_t data_frames_taken_ = 0;
  bool wrote_data_ = false;      // with the output that was taken last
  bool awaits_written_ = false;  // data that waits has its deadline once that output is written
  size_t sending_streams_ = 0;   // streams with data that waits
  size_t unsent_bytes_ = 0;      // of that data
  size_t input_left_ = 0;
  uint32_t work_left_ = 0;  // of what handle_input() was asked for
  bool input_stopped_ = false;
  size_t unread_bytes_ = 0;       // of all streams
  uint32_t withheld_credit_ = 0;  // of the connection's window, until more has been read
  bool dead_ = false;
  bool draining_ = false;
  bool drain_announced_ = false;
  const char* drain_reason_ = nullptr;
  StreamId sent_goaway_last_id_ = kMaxStreamId;
  const char* broken_ = nullptr;  // the invariant that was found not to hold
  ConnectionError error_;
  ConnectionCounters counters_;
};

}  // namespace saker::h2

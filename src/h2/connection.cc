// Connection's life: construction, errors, closing of streams, time. Input: connection_input.cc and
// connection_frames.cc; output: connection_output.cc.
#include "saker/h2/connection.h"

#include <algorithm>
#include <utility>

namespace saker::h2 {
namespace {

constexpr uint32_t kFewestRefusals = 100;  // and stalled streams

hpack::DecoderOptions decoder_options(const ConnectionOptions& options) {
  return {.max_table_bytes = options.header_table_bytes,
          .max_list_bytes = options.max_header_list_bytes,
          .max_fields = options.max_header_fields};
}

}  // namespace

Connection::Connection(Role role, const ConnectionOptions& options,
                       const ConnectionResources& resources, ConnectionEvents& events, Time now)
    : role_(role),
      options_(options),
      resources_(resources),
      events_(events),
      now_(now),
      out_(resources.chunks),
      decoder_(decoder_options(options), resources.scratch),
      stream_window_(options.initial_stream_window_bytes),
      bdp_(options.initial_stream_window_bytes, options.max_window_bytes),
      next_own_id_(role == Role::kClient ? 1 : 2),
      resets_(options.reset_burst, options.reset_per_second, now),
      refusals_(std::max(options.max_concurrent_streams, kFewestRefusals), options.reset_per_second,
                now),
      glitches_(options.glitch_burst, options.glitch_per_second, now),
      stalls_(std::max(options.max_concurrent_streams, kFewestRefusals), options.reset_per_second,
              now),
      data_written_at_(now) {
  deadlines_.fill(kNever);
  if (role == Role::kClient) peer_.enable_push = 0;  // servers may not set it (RFC 9113 6.5.2)
  send_preface(now);
}

Connection::~Connection() {
  close_all(CloseCause::kConnectionLost, ErrorCode::kNoError, 0);
}

// ---- errors

void Connection::fail(ErrorCode code, const char* why) {
  if (dead_) return;
  error_ = {code, why};
  shut_down(code, why);
}

// The peer's mistake ends a stream. To a server that is one more way of resetting streams by the
// thousand (CVE-2025-8671).
void Connection::fail_stream(Stream& stream, ErrorCode code, const char* why) {
  if (role_ == Role::kServer && !resets_.try_take(now_)) {
    return fail(ErrorCode::kEnhanceYourCalm, why);
  }
  const StreamId id = stream.id;
  close_stream(stream, CloseCause::kResetByUs, code);
  answer_rst(id, code);
}

void Connection::glitch(const char* why) {
  ++counters_.glitches;
  if (!glitches_.try_take(now_)) fail(ErrorCode::kEnhanceYourCalm, why);
}

void Connection::shut_down(ErrorCode code, const char* why) {
  if (dead_) return;
  send_goaway(last_processed_id(), code, why);
  dead_ = true;
  draining_ = true;
  deadlines_.fill(kNever);
  close_all(CloseCause::kConnectionLost, code, 0);
}

void Connection::handle_transport_end() {
  dead_ = true;
  draining_ = true;
  deadlines_.fill(kNever);
  close_all(CloseCause::kConnectionLost, ErrorCode::kNoError, 0);
}

// ---- streams

void Connection::close_stream(Stream& stream, CloseCause cause, ErrorCode code) {
  if (stream.linked()) ready_.remove(stream);
  if (stream.sending() && --sending_streams_ == 0) set_deadline(kProgressDeadline, kNever);
  unsent_bytes_ -= stream.pending.size();
  stream.pending.clear();
  stream.pending_end = false;
  if (stream.unread_bytes != 0) note_read(stream, stream.unread_bytes);
  stream.trailers.reset();
  if (data_stream_ == &stream) data_stream_ = nullptr;
  holds(streams_.erase(stream.id), "a stream was closed that is not open");
  events_.on_stream_closed(stream, cause, code);
  resources_.streams.put(&stream);
}

void Connection::end_sending(Stream& stream) {
  stream.send_closed = true;
  if (!stream.recv_closed && role_ == Role::kClient) return;
  // An early response: what the client still sends is of no use (RFC 9113 section 8.1).
  if (!stream.recv_closed) send_rst(stream.id, ErrorCode::kNoError);
  close_stream(stream, CloseCause::kCompleted, ErrorCode::kNoError);
}

void Connection::end_receiving(Stream& stream) {
  stream.recv_closed = true;
  if (!stream.send_closed && role_ == Role::kServer) return;
  // The response is whole: the rest of our request is moot.
  if (!stream.send_closed) send_rst(stream.id, ErrorCode::kNoError);
  close_stream(stream, CloseCause::kCompleted, ErrorCode::kNoError);
}

void Connection::close_all(CloseCause cause, ErrorCode code, StreamId above) {
  std::vector<Stream*> closing;
  streams_.for_each([&](Stream& stream) {
    if (stream.id > above) closing.push_back(&stream);
  });
  std::sort(closing.begin(), closing.end(), [](auto* a, auto* b) { return a->id < b->id; });
  for (Stream* stream : closing) close_stream(*stream, cause, code);
}

bool Connection::is_idle(StreamId id) const {
  return is_peer_id(id) ? id > highest_peer_id_ : id >= next_own_id_;
}

void Connection::remember_reset(StreamId id) {
  StreamId& slot = recent_resets_[recent_resets_at_++ % kRecentResets];
  forgotten_reset_id_ = std::max(forgotten_reset_id_, slot);
  slot = id;
}

// A closed stream whose frames may still be under way, because we reset it or said in GOAWAY that
// we would ignore it. True also for ids so old that we no longer know: lenient where memory ends.
bool Connection::is_disowned(StreamId id) const {
  return id <= forgotten_reset_id_ || (is_peer_id(id) && id > sent_goaway_last_id_) ||
         std::find(recent_resets_.begin(), recent_resets_.end(), id) != recent_resets_.end();
}

void Connection::reset(Stream& stream, ErrorCode code) {
  send_rst(stream.id, code);
  close_stream(stream, CloseCause::kResetByUs, code);
}

bool Connection::can_open_stream() const {
  return !dead_ && !draining_ && streams_.size() < peer_.max_concurrent_streams &&
         next_own_id_ <= kMaxStreamId &&
         (settings_received_ || streams_.size() < kStreamsBeforeSettings);
}

// ---- time

Time Connection::poll_timeout() const {
  if (input_paused_at_ != kNever) return deadlines_[kDrainDeadline];
  return *std::min_element(deadlines_.begin(), deadlines_.end());
}

void Connection::resume_input(Time now) {
  if (input_paused_at_ == kNever) return;
  const Duration pause = now - std::exchange(input_paused_at_, kNever);
  for (size_t which = 0; which < kDeadlines; ++which) {
    if (which != kDrainDeadline) deadlines_[which] = time_after(deadlines_[which], pause);
  }
  blocked_since_ = time_after(blocked_since_, pause);
  stalled_.for_each(
      [&](Stream& stream) { stream.stalled_since = time_after(stream.stalled_since, pause); });
}

void Connection::handle_timeout(Time now) {
  now_ = now;
  const auto passed = [&](Deadline which) { return deadlines_[which] <= now; };
  if (passed(kDrainDeadline)) finish_drain();
  if (input_paused_at_ != kNever) return;
  if (passed(kPrefaceDeadline)) {
    return fail(ErrorCode::kSettingsTimeout, "no preface and SETTINGS in time");
  }
  if (passed(kSettingsAckDeadline)) {
    return fail(ErrorCode::kSettingsTimeout, "SETTINGS not acknowledged in time");
  }
  if (passed(kHeaderBlockDeadline)) {
    return fail(ErrorCode::kEnhanceYourCalm, "header block not finished in time");
  }
  if (passed(kFrameDeadline)) {
    return fail(ErrorCode::kEnhanceYourCalm, "frame not finished in time");
  }
  if (passed(kProgressDeadline)) end_stalls();
}

void Connection::start_drain(Time now, const char* why) {
  if (dead_ || drain_announced_) return;
  now_ = now;
  drain_announced_ = true;
  drain_reason_ = why;
  if (role_ == Role::kClient) {
    draining_ = true;
    return;
  }
  send_goaway(kMaxStreamId, ErrorCode::kNoError, why);
  encode_ping(begin_ping(), kDrainPing, false);
  // Only streams that are under way gain by the wait, and a peer may have nobody who answers.
  const Duration wait =
      streams_.size() == 0 ? std::min(options_.drain_ping_timeout, options_.drain_ping_timeout_idle)
                           : options_.drain_ping_timeout;
  set_deadline(kDrainDeadline, time_after(now, wait));
}

void Connection::finish_drain() {
  set_deadline(kDrainDeadline, kNever);
  if (draining_) return;
  draining_ = true;
  send_goaway(last_processed_id(), ErrorCode::kNoError, drain_reason_);
}

// Streams grow when their next update is due: those that need no update need no larger window.
void Connection::grow_windows(uint32_t window) {
  if (window <= stream_window_) return;
  stream_window_ = window;
  recv_window_.set_target(window);
}

// ---- memory

void Connection::release_idle_memory() {
  streams_.shrink();
  decoder_.release_idle_memory();
  heads_.release();
  if (carry_.empty()) std::vector<uint8_t>().swap(carry_);
  if (block_.empty()) std::vector<uint8_t>().swap(block_);
}

size_t Connection::memory_bytes() const {
  return sizeof *this + streams_.memory_bytes() + carry_.capacity() + block_.capacity() +
         decoder_.memory_bytes() + heads_.memory_bytes() + encoder_.memory_bytes() + out_.size() +
         unsent_bytes_ + unread_bytes_;
}

}  // namespace saker::h2

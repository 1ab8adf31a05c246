// Connection's output: commands turned into frames. What fits now is encoded straight into out_;
// data that has to wait for a window or its turn stays at its stream, and take_output() serves
// those streams round robin.
#include <algorithm>

#include "saker/h2/connection.h"

namespace saker::h2 {
namespace {

constexpr size_t kMaxDirectHeaderBytes = kMinMaxFrameBytes;
constexpr uint32_t kMessagesInFlight = 4;  // that fit into a window grown for one of them
constexpr size_t kSizeUpdateBytes = 12;    // two HPACK size updates at most

}  // namespace

// ---- connection frames

void Connection::send_preface(Time now) {
  Settings ours;
  // Servers leave it alone (RFC 9113 section 6.5.2).
  ours.enable_push = role_ == Role::kClient ? 0 : 1;
  if (role_ == Role::kServer) ours.max_concurrent_streams = options_.max_concurrent_streams;
  ours.initial_window_size = options_.initial_stream_window_bytes;
  ours.max_frame_size = options_.max_frame_bytes;
  ours.header_table_size = options_.header_table_bytes;
  ours.max_header_list_size = options_.max_header_list_bytes;
  if (role_ == Role::kClient) {
    out_.append(as_bytes(kClientPreface));
    preface_seen_ = static_cast<uint8_t>(kClientPreface.size());
  }
  uint8_t* start = out_.prepare(kMaxSettingsFrameBytes);
  out_.commit(static_cast<size_t>(encode_settings(start, ours) - start));
  if (options_.initial_connection_window_bytes > kDefaultWindowBytes) {
    recv_window_.set_target(options_.initial_connection_window_bytes);
    send_window_update(0, recv_window_.take_update());
  }
  set_deadline(kPrefaceDeadline, time_after(now, options_.preface_timeout));
  set_deadline(kSettingsAckDeadline, time_after(now, options_.settings_ack_timeout));
}

uint8_t* Connection::begin_frame(size_t bytes) {
  uint8_t* at = out_.prepare(bytes);
  out_.commit(bytes);
  return at;
}

uint8_t* Connection::begin_control(size_t bytes) {
  uint8_t* at = begin_frame(bytes);
  if (++control_frames_ == options_.control_frames_close) {
    fail(ErrorCode::kEnhanceYourCalm, "too many frames that want an answer");
  }
  return at;
}

uint8_t* Connection::begin_ping() {
  ++pings_out_;
  return begin_frame(kPingFrameBytes);
}

void Connection::send_ping(uint64_t opaque) {
  if (!dead_) encode_ping(begin_ping(), opaque, false);
}

void Connection::send_goaway(StreamId last_id, ErrorCode code, const char* why) {
  sent_goaway_last_id_ = last_id;
  const std::string_view debug(why);
  const auto length = static_cast<uint32_t>(8 + debug.size());
  uint8_t* at = out_.prepare(kFrameHeaderBytes + length);
  at = encode_frame_header(at, {length, FrameType::kGoaway, 0, 0});
  store_be32(at, last_id);
  store_be32(at + 4, static_cast<uint32_t>(code));
  std::memcpy(at + 8, debug.data(), debug.size());
  out_.commit(kFrameHeaderBytes + length);
}

void Connection::send_rst(StreamId id, ErrorCode code) {
  remember_reset(id);
  encode_rst_stream(begin_frame(kRstStreamFrameBytes), id, code);
}

void Connection::answer_rst(StreamId id, ErrorCode code) {
  remember_reset(id);
  encode_rst_stream(begin_control(kRstStreamFrameBytes), id, code);
}

void Connection::give_credit(uint32_t bytes) {
  recv_window_.give_back(bytes);
  send_window_update(0, recv_window_.take_update());
}

void Connection::give_credit(Stream& stream, uint32_t bytes) {
  stream.recv_window.give_back(bytes);
  const uint32_t expected =
      options_.adaptive_window ? std::min(stream.expected_bytes, options_.max_window_bytes) : 0;
  if (expected > 0) {
    if (stream.recv_window.available() >= expected) return;
    const uint64_t wanted = uint64_t{kMessagesInFlight} * expected;
    recv_window_.set_target(
        static_cast<uint32_t>(std::min<uint64_t>(wanted, options_.max_window_bytes)));
  }
  send_window_update(stream.id, stream.recv_window.take_update(std::max(stream_window_, expected)));
}

void Connection::send_window_update(StreamId id, uint32_t increment) {
  if (increment != 0) encode_window_update(begin_frame(kWindowUpdateFrameBytes), id, increment);
}

void Connection::consume(Stream& stream, uint32_t bytes) {
  if (!stream.recv_closed) give_credit(stream, bytes);
}

// ---- header blocks

Stream* Connection::open_stream(std::span<const hpack::OutField> constant,
                                hpack::CachedBlock& cache, std::span<const hpack::OutField> varying,
                                bool end_stream, Time now) {
  now_ = now;
  if (!can_open_stream()) return nullptr;
  Stream& stream = *resources_.streams.get(resources_.chunks);
  stream.reset(next_own_id_, peer_.initial_window_size,
               ReceiveWindow(options_.initial_stream_window_bytes), now);
  next_own_id_ += 2;
  streams_.insert(stream);
  ++counters_.streams_opened;
  stream.head_sent = true;
  write_headers(stream.id, constant, cache, varying, end_stream);
  stream.send_closed = end_stream;
  return &stream;
}

void Connection::send_headers(Stream& stream, std::span<const hpack::OutField> constant,
                              hpack::CachedBlock& cache, std::span<const hpack::OutField> varying,
                              bool end_stream) {
  if (stream.sending()) {
    auto trailers = std::make_unique<DeferredTrailers>();
    for (const auto& fields : {constant, varying}) {
      for (const auto& field : fields) trailers->fields.emplace_back(field.name, field.value);
    }
    stream.trailers = std::move(trailers);
    stream.pending_end = true;
    return;
  }
  stream.head_sent = true;
  write_headers(stream.id, constant, cache, varying, end_stream);
  if (end_stream) end_sending(stream);
}

void Connection::write_headers(StreamId id, std::span<const hpack::OutField> constant,
                               hpack::CachedBlock& cache, std::span<const hpack::OutField> varying,
                               bool end_stream) {
  const bool cached = encoder_.is_current(cache);
  size_t bound = kFrameHeaderBytes + kSizeUpdateBytes;
  bound += cached ? cache.size : hpack::Encoder::max_encoded_bytes(constant);
  if (!varying.empty()) bound += hpack::Encoder::max_encoded_bytes(varying);
  if (bound > kMaxDirectHeaderBytes) return write_long_headers(id, constant, varying, end_stream);
  uint8_t* start = out_.prepare(bound);
  uint8_t* at = start + kFrameHeaderBytes;
  if (cached) {
    std::memcpy(at, cache.bytes, cache.size);
    at += cache.size;
  } else {
    at += encoder_.encode(constant, at, cache);
  }
  if (!varying.empty()) at += encoder_.encode(varying, at);
  const auto length = static_cast<uint32_t>(at - start - kFrameHeaderBytes);
  const uint8_t flags = kFlagEndHeaders | (end_stream ? kFlagEndStream : uint8_t{0});
  encode_frame_header(start, {length, FrameType::kHeaders, flags, id});
  out_.commit(kFrameHeaderBytes + length);
}

// A block that may need CONTINUATION frames: encoded aside, then cut.
void Connection::write_long_headers(StreamId id, std::span<const hpack::OutField> constant,
                                    std::span<const hpack::OutField> varying, bool end_stream) {
  std::vector<hpack::OutField> fields(constant.begin(), constant.end());
  fields.insert(fields.end(), varying.begin(), varying.end());
  std::vector<uint8_t> block(hpack::Encoder::max_encoded_bytes(fields) + kSizeUpdateBytes);
  block.resize(encoder_.encode(fields, block.data()));
  Bytes rest(block);
  FrameHeader header{0, FrameType::kHeaders, end_stream ? kFlagEndStream : uint8_t{0}, id};
  do {
    const Bytes part = rest.first(std::min<size_t>(rest.size(), kMinMaxFrameBytes));
    rest = rest.subspan(part.size());
    header.length = static_cast<uint32_t>(part.size());
    if (rest.empty()) header.flags |= kFlagEndHeaders;
    encode_frame_header(out_.prepare(kFrameHeaderBytes), header);
    out_.commit(kFrameHeaderBytes);
    out_.append(part);
    header = {0, FrameType::kContinuation, 0, id};
  } while (!rest.empty());
}

void Connection::write_deferred_trailers(Stream& stream) {
  std::vector<hpack::OutField> fields;
  for (const auto& [name, value] : stream.trailers->fields) fields.push_back({name, value});
  hpack::CachedBlock unused;
  write_headers(stream.id, fields, unused, {}, true);
  stream.trailers.reset();
}

// ---- DATA

uint8_t* Connection::try_begin_data(Stream& stream, uint32_t size, bool end_stream) {
  if (stream.sending() || output_full() || size > peer_.max_frame_size ||
      size > kMaxDirectDataBytes || size > stream.send_window.available() ||
      size > send_window_.available()) {
    return nullptr;
  }
  uint8_t* start = out_.prepare(kFrameHeaderBytes + size);
  out_.commit(kFrameHeaderBytes + size);
  stream.send_window.take(size);
  send_window_.take(size);
  ++data_frames_sent_;
  encode_frame_header(
      start, {size, FrameType::kData, end_stream ? kFlagEndStream : uint8_t{0}, stream.id});
  if (end_stream) end_sending(stream);
  return start + kFrameHeaderBytes;
}

void Connection::send_data(Stream& stream, ChunkQueue&& payload, bool end_stream) {
  if (payload.empty() && !stream.sending()) {
    if (!end_stream) return;
    encode_frame_header(out_.prepare(kFrameHeaderBytes),
                        {0, FrameType::kData, kFlagEndStream, stream.id});
    out_.commit(kFrameHeaderBytes);
    return end_sending(stream);
  }
  if (!stream.sending()) ++sending_streams_;
  stream.pending.append(std::move(payload));
  stream.pending_end = end_stream;
  enqueue(stream);
}

// Where a stream with data belongs: in the round robin, or among those whose windows are used up.
void Connection::enqueue(Stream& stream) {
  if (stream.pending.empty()) return;
  const bool stalled = stream.send_window.available() == 0;
  if (stream.linked() && stream.stalled == stalled) return;
  stream.unlink();
  stream.stalled = stalled;
  (stalled ? newly_stalled_ : ready_).push_back(stream);
}

void Connection::take_output(ChunkQueue& out, Time now) {
  now_ = now;
  control_frames_ = 0;
  note_written();
  while (send_ready() && out_.size() < options_.output_cap_bytes) {
    Stream& stream = *ready_.try_pop_front();
    if (!holds(stream.send_window.available() > 0 && !stream.pending.empty(),
               "a stream was ready that cannot send")) {
      continue;
    }
    if (!write_pending(stream)) continue;
    stream.stalled_since = kNever;
    enqueue(stream);
  }
  if (broken_ != nullptr) fail(ErrorCode::kInternalError, broken_);
  wrote_data_ = data_frames_sent_ != data_frames_taken_;
  data_frames_taken_ = data_frames_sent_;
  awaits_written_ = sending_streams_ != 0 && !out_.empty();
  arm_progress_deadline();
  out.append(std::move(out_));
}

// ---- data that no window lets out: a peer that holds our memory

// What was taken before has been written. Only now can the peer owe us a window for what it got: how
// fast it takes bytes is its transport's affair.
void Connection::note_written() {
  if (wrote_data_) data_written_at_ = now_;
  const bool blocked = !ready_.empty() && send_window_.available() == 0;
  if (!blocked) {
    blocked_since_ = kNever;
  } else if (wrote_data_ || blocked_since_ == kNever) {
    blocked_since_ = now_;
  }
  newly_stalled_.for_each([this](Stream& stream) {
    if (stream.stalled_since == kNever) stream.stalled_since = now_;
  });
  stalled_.splice_back(newly_stalled_);
}

void Connection::arm_progress_deadline() {
  Time since = awaits_written_ || dead_ ? kNever : blocked_since_;
  if (!awaits_written_ && !stalled_.empty()) {
    since = std::min(since, stalled_.front().stalled_since);
  }
  set_deadline(kProgressDeadline, time_after(since, options_.no_progress_timeout));
}

// A stream without window ends alone while others are served; where no DATA at all gets out, the
// connection does.
void Connection::end_stalls() {
  const auto is_over = [this](Time since) {
    return time_after(since, options_.no_progress_timeout) <= now_;
  };
  const auto fail_all = [this] {
    fail(ErrorCode::kEnhanceYourCalm, "no flow-control window for queued data in time");
  };
  if (is_over(blocked_since_)) return fail_all();
  while (!stalled_.empty() && is_over(stalled_.front().stalled_since)) {
    Stream& stream = stalled_.front();
    const bool served =
        data_written_at_ > stream.stalled_since || data_frames_sent_ != data_frames_taken_;
    if (!served || !stalls_.try_take(now_)) return fail_all();
    reset(stream, ErrorCode::kEnhanceYourCalm);
  }
  arm_progress_deadline();
}

// One turn of one stream: a frame of at most a quantum. False: the stream is closed.
bool Connection::write_pending(Stream& stream) {
  const auto size = static_cast<uint32_t>(std::min<size_t>(
      {stream.pending.size(), stream.send_window.available(), send_window_.available(),
       peer_.max_frame_size, options_.send_quantum_bytes}));
  const bool whole = size == stream.pending.size();
  const bool end_stream = whole && stream.pending_end && stream.trailers == nullptr;
  encode_frame_header(
      out_.prepare(kFrameHeaderBytes),
      {size, FrameType::kData, end_stream ? kFlagEndStream : uint8_t{0}, stream.id});
  out_.commit(kFrameHeaderBytes);
  out_.move_from(stream.pending, size);
  stream.send_window.take(size);
  send_window_.take(size);
  ++data_frames_sent_;
  if (!whole) return true;
  --sending_streams_;
  const bool ends = stream.pending_end;
  stream.pending_end = false;
  if (stream.trailers != nullptr) write_deferred_trailers(stream);
  if (ends) {
    end_sending(stream);
    return false;
  }
  events_.on_stream_drained(stream);
  return true;
}

}  // namespace saker::h2

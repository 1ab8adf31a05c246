// Connection's frame handlers, one a frame type, all but DATA (connection_input.cc). Where the RFC
// calls for a stream error that a well-made peer never causes, the whole connection ends instead:
// streams that make us send RST_STREAM by the thousand are an attack (CVE-2025-8671).
#include <algorithm>

#include "saker/h2/connection.h"
#include "saker/h2/header_rules.h"

namespace saker::h2 {
namespace {

// There are more of them than clients use up before a GOAWAY has reached them.
constexpr StreamId kFirstOfLastIds = kMaxStreamId - (1 << 17);

}  // namespace

// ---- HEADERS and CONTINUATION (RFC 9113 sections 6.2, 6.10)

// A list that is as large as it may be has to get in, and one that is somewhat larger: it costs its
// call, not the connection.
uint64_t Connection::max_header_block_bytes() const {
  return std::max<uint64_t>(options_.max_header_block_bytes,
                            uint64_t{options_.max_header_list_bytes} + kMinMaxFrameBytes);
}

uint64_t Connection::max_continuations() const {
  return std::max<uint64_t>(options_.max_continuations,
                            max_header_block_bytes() / kMinMaxFrameBytes + 1);
}

bool Connection::strip_padding(const FrameHeader& header, Bytes& payload, const char* what) {
  if (!header.has(kFlagPadded)) return true;
  if (payload.empty() || payload[0] >= payload.size()) {
    fail(ErrorCode::kProtocolError, what);
    return false;
  }
  payload = payload.subspan(1, payload.size() - 1 - payload[0]);
  return true;
}

void Connection::recv_headers(const FrameHeader& header, Bytes payload) {
  if (header.stream_id == 0) return fail(ErrorCode::kProtocolError, "HEADERS on stream 0");
  if (!strip_padding(header, payload, "HEADERS padding longer than the frame")) return;
  if (header.has(kFlagPriority)) {
    if (payload.size() < 5) return fail(ErrorCode::kFrameSizeError, "HEADERS without its priority");
    payload = payload.subspan(5);  // RFC 9113 section 5.3.2: deprecated, ignored
  }
  if (payload.size() > max_header_block_bytes()) {
    return fail(ErrorCode::kEnhanceYourCalm, "header block too large");
  }
  const bool end_stream = header.has(kFlagEndStream);
  if (header.has(kFlagEndHeaders)) return recv_header_block(header.stream_id, end_stream, payload);
  block_id_ = header.stream_id;
  block_end_stream_ = end_stream;
  continuations_ = 0;
  block_.assign(payload.begin(), payload.end());
  set_deadline(kHeaderBlockDeadline, time_after(now_, options_.header_block_timeout));
}

void Connection::recv_continuation(const FrameHeader& header, Bytes payload) {
  if (block_id_ == 0) return fail(ErrorCode::kProtocolError, "CONTINUATION without HEADERS");
  if (++continuations_ > max_continuations()) {
    return fail(ErrorCode::kEnhanceYourCalm, "too many CONTINUATION frames");
  }
  if (block_.size() + payload.size() > max_header_block_bytes()) {
    return fail(ErrorCode::kEnhanceYourCalm, "header block too large");
  }
  block_.insert(block_.end(), payload.begin(), payload.end());
  if (!header.has(kFlagEndHeaders)) return;
  block_id_ = 0;
  set_deadline(kHeaderBlockDeadline, kNever);
  std::vector<uint8_t> block;
  block.swap(block_);
  recv_header_block(header.stream_id, block_end_stream_, block);
}

// Every block is decoded, even one that nobody wants: the tables of both ends must stay the same.
void Connection::recv_header_block(StreamId id, bool end_stream, Bytes bytes) {
  if (role_ == Role::kServer && is_peer_id(id) && is_idle(id)) {
    return recv_request_block(id, end_stream, bytes);
  }
  hpack::DecodedBlock block;
  if (!decoder_.decode(bytes, block)) return fail(ErrorCode::kCompressionError, decoder_.why());
  Stream* stream = streams_.find(id);
  if (stream != nullptr) {
    if (stream->recv_closed) return fail(ErrorCode::kStreamClosed, "HEADERS after END_STREAM");
    if (stream->head_received) return recv_trailers(*stream, end_stream, block);
    return recv_response(*stream, end_stream, block);
  }
  if (is_idle(id)) {
    return fail(ErrorCode::kProtocolError, "HEADERS on a stream that we never opened");
  }
  // One late HEADERS and one RST_STREAM a stream are honest: what crossed our own RST_STREAM.
  if (is_disowned(id)) {
    if (++late_resets_ > 2 * counters_.streams_opened) glitch("too many late HEADERS");
    return;
  }
  // gRPC's C++ server sends the trailers of a call that its deadline has ended once more when the
  // handler ends. Nothing in section 5.1 obliges us to end all other calls for that.
  if (role_ == Role::kClient) return glitch("HEADERS on a closed stream");
  fail(ErrorCode::kStreamClosed, "HEADERS on a closed stream");
}

void Connection::recv_request_block(StreamId id, bool end_stream, Bytes bytes) {
  const uint64_t generation = decoder_.generation();
  if (CachedHead* head = heads_.try_find(bytes, generation)) {
    return recv_request(id, {.fields = head->fields, .end_stream = end_stream, .memo = &head->memo},
                        head->facts);
  }
  hpack::DecodedBlock block;
  if (!decoder_.decode(bytes, block)) return fail(ErrorCode::kCompressionError, decoder_.why());
  const HeadFacts facts = check_request(block.fields);
  if (facts.malformed == nullptr && !block.truncated && decoder_.generation() == generation) {
    heads_.note(bytes, generation, block.fields, facts);
  }
  recv_request(id, {.fields = block.fields, .end_stream = end_stream, .truncated = block.truncated},
               facts);
}

void Connection::recv_request(StreamId id, HeadersEvent event, HeadFacts facts) {
  highest_peer_id_ = id;
  if (draining_ && id > sent_goaway_last_id_) return;  // RFC 9113 section 6.8: ignored
  if (refuse_new_stream(id)) return;
  if (event.end_stream && facts.content_length > 0) {
    facts.malformed = "content-length without content";
  }
  if (facts.malformed != nullptr && !event.truncated) {
    glitch(facts.malformed);
    if (!dead_) answer_rst(id, ErrorCode::kProtocolError);
    return;
  }
  Stream& stream = *resources_.streams.get(resources_.chunks);
  const uint32_t window = options_.initial_stream_window_bytes;
  stream.reset(id, peer_.initial_window_size,
               settings_acked_ ? ReceiveWindow(window) : ReceiveWindow::before_settings(window),
               now_);
  stream.head_received = true;
  stream.content_remaining = facts.content_length;
  streams_.insert(stream);
  ++counters_.streams_opened;
  events_.on_headers(stream, event);
  if (event.end_stream) end_receiving(stream);
  // While there are numbers left, the client can finish here and go on with another connection.
  if (id >= kFirstOfLastIds) start_drain(now_, "stream ids run out");
}

// True: the stream was refused. A few over the limit happen to any client that races our SETTINGS; many
// are an attack. Of slots that are held a client cannot know, and a refusal is less work than a call.
bool Connection::refuse_new_stream(StreamId id) {
  const uint32_t limit = options_.max_concurrent_streams;
  if (streams_.size() + held_slots_ < limit) return false;
  if (streams_.size() >= limit && !refusals_.try_take(now_)) {
    fail(ErrorCode::kEnhanceYourCalm, "too many streams over the limit");
    return true;
  }
  answer_rst(id, ErrorCode::kRefusedStream);
  return true;
}

void Connection::recv_response(Stream& stream, bool end_stream, const hpack::DecodedBlock& block) {
  HeadFacts facts = check_response(block.fields);
  const bool informational = facts.status >= 100 && facts.status < 200;
  if (end_stream && facts.content_length > 0 && facts.status != 304) {
    facts.malformed = "content-length without content";
  }
  if ((facts.malformed != nullptr && !block.truncated) || (informational && end_stream)) {
    return fail_stream(stream, ErrorCode::kProtocolError, "too many malformed responses");
  }
  if (informational) {
    glitch("too many informational responses");
    if (dead_) return;
  } else {
    stream.head_received = true;
    stream.content_remaining = facts.content_length;
  }
  const auto kind = informational ? HeadersKind::kInformational : HeadersKind::kResponse;
  events_.on_headers(stream, {.kind = kind,
                              .fields = block.fields,
                              .status = facts.status,
                              .end_stream = end_stream,
                              .truncated = block.truncated});
  if (end_stream) end_receiving(stream);
}

void Connection::recv_trailers(Stream& stream, bool end_stream, const hpack::DecodedBlock& block) {
  const HeadFacts facts = check_trailers(block.fields);
  if (facts.malformed != nullptr || !end_stream || stream.content_remaining > 0) {
    return fail_stream(stream, ErrorCode::kProtocolError, "too many malformed trailers");
  }
  events_.on_headers(stream, {.kind = HeadersKind::kTrailers,
                              .fields = block.fields,
                              .end_stream = true,
                              .truncated = block.truncated});
  end_receiving(stream);
}

// ---- PRIORITY, RST_STREAM (sections 6.3, 6.4)

void Connection::recv_priority(const FrameHeader& header, Bytes payload) {
  if (header.stream_id == 0) return fail(ErrorCode::kProtocolError, "PRIORITY on stream 0");
  if (payload.size() != 5) return fail(ErrorCode::kFrameSizeError, "PRIORITY is not 5 bytes");
  if ((load_be32(payload.data()) & kMaxStreamId) == header.stream_id) {
    return fail(ErrorCode::kProtocolError, "a stream that depends on itself");
  }
  glitch("too many PRIORITY frames");
}

void Connection::recv_rst_stream(const FrameHeader& header, Bytes payload) {
  if (payload.size() != 4) return fail(ErrorCode::kFrameSizeError, "RST_STREAM is not 4 bytes");
  if (header.stream_id == 0 || is_idle(header.stream_id)) {
    // gRPC's C++ client resets a call whose deadline passes between its number and its HEADERS. Section
    // 6.4 would have us end all its other calls for that.
    const bool never_sent = role_ == Role::kServer && is_peer_id(header.stream_id);
    if (never_sent) return glitch("too many RST_STREAM frames on idle streams");
    return fail(ErrorCode::kProtocolError, "RST_STREAM on an idle stream");
  }
  Stream* stream = streams_.find(header.stream_id);
  if (stream == nullptr) {  // one a stream is honest: it crossed our END_STREAM or RST_STREAM
    if (++late_resets_ > 2 * counters_.streams_opened) glitch("too many RST_STREAM frames");
    return;
  }
  const auto code = static_cast<ErrorCode>(load_be32(payload.data()));
  if (role_ == Role::kServer && !count_reset(*stream)) return;
  close_stream(*stream, CloseCause::kResetByPeer, code);
}

// Rapid reset (CVE-2023-44487). False: the connection has ended.
bool Connection::count_reset(const Stream& stream) {
  constexpr uint32_t kEnoughToJudge = 500;
  if (now_ - stream.opened_at < std::chrono::seconds(1)) ++quick_resets_;
  const bool mostly_reset =
      quick_resets_ >= kEnoughToJudge && uint64_t{quick_resets_} * 2 > counters_.streams_opened;
  if (!mostly_reset && resets_.try_take(now_)) return true;
  fail(ErrorCode::kEnhanceYourCalm, "too many streams reset");
  return false;
}

// ---- SETTINGS (section 6.5)

void Connection::recv_settings(const FrameHeader& header, Bytes payload) {
  if (header.stream_id != 0) return fail(ErrorCode::kProtocolError, "SETTINGS on a stream");
  if (header.has(kFlagAck)) {
    if (!payload.empty()) return fail(ErrorCode::kFrameSizeError, "SETTINGS ACK with a payload");
    return recv_settings_ack();
  }
  if (settings_received_) glitch("too many SETTINGS frames");
  if (dead_) return;
  const uint32_t old_window = peer_.initial_window_size;
  const uint32_t old_table = peer_.header_table_size;
  if (auto error = apply_settings(payload, options_.max_settings_entries, peer_)) {
    return fail(error->code, error->why);
  }
  if (role_ == Role::kClient && peer_.enable_push != 0) {
    return fail(ErrorCode::kProtocolError, "a server that enables push");
  }
  if (!apply_peer_window(old_window)) return;
  if (peer_.header_table_size != old_table) {
    encoder_.set_peer_max_table_bytes(peer_.header_table_size);
  }
  settings_received_ = true;
  set_deadline(kPrefaceDeadline, kNever);
  encode_settings_ack(begin_control(kSettingsAckFrameBytes));
  events_.on_peer_settings();
}

void Connection::recv_settings_ack() {
  if (settings_acked_) return glitch("too many SETTINGS ACKs");
  settings_acked_ = true;
  set_deadline(kSettingsAckDeadline, kNever);
  decoder_.set_max_table_bytes(options_.header_table_bytes);
}

// A changed SETTINGS_INITIAL_WINDOW_SIZE moves the windows of all open streams (section 6.9.2).
bool Connection::apply_peer_window(uint32_t old_window) {
  const int64_t change = int64_t{peer_.initial_window_size} - int64_t{old_window};
  if (change == 0) return true;
  spend(static_cast<uint32_t>(streams_.size() / kWorkUnit));
  bool ok = true;
  streams_.for_each([&](Stream& stream) {
    ok &= stream.send_window.try_add(change);
    enqueue(stream);
  });
  if (!ok) fail(ErrorCode::kFlowControlError, "SETTINGS_INITIAL_WINDOW_SIZE overflows a window");
  return ok;
}

// ---- PING, GOAWAY (sections 6.7, 6.8)

void Connection::recv_ping(const FrameHeader& header, Bytes payload) {
  if (header.stream_id != 0) return fail(ErrorCode::kProtocolError, "PING on a stream");
  if (payload.size() != 8) return fail(ErrorCode::kFrameSizeError, "PING is not 8 bytes");
  const uint64_t opaque = load_be64(payload.data());
  if (!header.has(kFlagAck)) {
    encode_ping(begin_control(kPingFrameBytes), opaque, true);
    return events_.on_ping(opaque);
  }
  if (pings_out_ == 0) return glitch("too many PING ACKs");
  --pings_out_;
  if (opaque == kBdpPing) return grow_windows(bdp_.on_ping_ack(now_));
  if (opaque == kDrainPing && drain_announced_) return finish_drain();
  events_.on_ping_ack(opaque);
}

void Connection::recv_goaway(const FrameHeader& header, Bytes payload) {
  if (header.stream_id != 0) return fail(ErrorCode::kProtocolError, "GOAWAY on a stream");
  if (payload.size() < 8) return fail(ErrorCode::kFrameSizeError, "GOAWAY shorter than 8 bytes");
  const StreamId last_id = load_be32(payload.data()) & kMaxStreamId;
  const auto code = static_cast<ErrorCode>(load_be32(payload.data() + 4));
  if (last_id > goaway_last_id_) {
    return fail(ErrorCode::kProtocolError, "GOAWAY raised its last stream id");
  }
  // A drain takes two.
  if (++goaways_ > 2) glitch("too many GOAWAY frames");
  if (dead_) return;
  goaway_last_id_ = last_id;
  draining_ = draining_ || role_ == Role::kClient;
  events_.on_goaway(last_id, code, as_text(payload.subspan(8)));
  if (role_ == Role::kClient) close_all(CloseCause::kRefused, code, last_id);
}

// ---- WINDOW_UPDATE (section 6.9)

void Connection::recv_window_update(const FrameHeader& header, Bytes payload) {
  if (payload.size() != 4) return fail(ErrorCode::kFrameSizeError, "WINDOW_UPDATE is not 4 bytes");
  const uint32_t increment = load_be32(payload.data()) & kMaxWindowBytes;
  if (increment == 0) return fail(ErrorCode::kProtocolError, "WINDOW_UPDATE of 0");
  const uint64_t allowed = 5 + 2 * (counters_.streams_opened + 10 * data_frames_sent_);
  if (++window_updates_ > allowed) glitch("too many WINDOW_UPDATE frames");
  if (header.stream_id != 0) return recv_stream_window_update(header.stream_id, increment);
  if (!send_window_.try_add(increment)) {
    fail(ErrorCode::kFlowControlError, "the connection's window passes 2^31 - 1");
  }
}

void Connection::recv_stream_window_update(StreamId id, uint32_t increment) {
  Stream* stream = streams_.find(id);
  if (stream == nullptr) {
    if (is_idle(id)) fail(ErrorCode::kProtocolError, "WINDOW_UPDATE on an idle stream");
    return;  // closed: it crossed our END_STREAM or RST_STREAM
  }
  if (!stream->send_window.try_add(increment)) {
    return fail(ErrorCode::kFlowControlError, "a stream's window passes 2^31 - 1");
  }
  enqueue(*stream);
}

}  // namespace saker::h2

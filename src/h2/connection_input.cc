// Connection's input: the byte stream cut into preface and frames. DATA is passed on as it arrives;
// any other frame waits in carry_ until it is whole, which its checked length bounds.
#include <algorithm>

#include "saker/h2/connection.h"

namespace saker::h2 {

bool Connection::handle_input(Bytes bytes, Time now, uint32_t work) {
  now_ = now;
  work_left_ = work;
  input_stopped_ = false;
  while (!bytes.empty() && !dead_ && !input_stopped_) {
    if (preface_seen_ < kClientPreface.size()) {
      bytes = take_preface(bytes);
    } else if (in_data_) {
      bytes = take_data_payload(bytes);
    } else if (!carry_.empty()) {
      bytes = complete_carry(bytes);
    } else {
      bytes = take_frame(bytes);
    }
  }
  input_left_ = dead_ ? 0 : bytes.size();
  return !dead_;
}

void Connection::spend(uint32_t work) {
  if (work < work_left_) {
    work_left_ -= work;
  } else {
    work_left_ = 0;
    input_stopped_ = true;
  }
}

Bytes Connection::take_preface(Bytes bytes) {
  const size_t count = std::min(bytes.size(), kClientPreface.size() - preface_seen_);
  if (as_text(bytes.first(count)) != kClientPreface.substr(preface_seen_, count)) {
    fail(ErrorCode::kProtocolError, "not an HTTP/2 client preface");
    return {};
  }
  preface_seen_ = static_cast<uint8_t>(preface_seen_ + count);
  if (preface_seen_ == kClientPreface.size()) {
    const Time due = time_after(now_, options_.first_settings_timeout);
    set_deadline(kPrefaceDeadline, std::min(deadlines_[kPrefaceDeadline], due));
  }
  return bytes.subspan(count);
}

// The common case: the frame is whole in `bytes`.
Bytes Connection::take_frame(Bytes bytes) {
  if (bytes.size() < kFrameHeaderBytes) {
    begin_carry(bytes);
    return {};
  }
  const FrameHeader header = parse_frame_header(bytes.data());
  if (!check_frame_header(header)) return {};
  if (header.type == FrameType::kData) {
    return begin_data_frame(header, bytes.subspan(kFrameHeaderBytes));
  }
  const size_t frame_bytes = kFrameHeaderBytes + header.length;
  if (bytes.size() < frame_bytes) {
    begin_carry(bytes);
    return {};
  }
  handle_frame(header, bytes.subspan(kFrameHeaderBytes, header.length));
  return bytes.subspan(frame_bytes);
}

// A frame that stops arriving would hold what it carries, and its turn, for ever. A client waits as long
// as its calls and its keepalive do.
void Connection::begin_carry(Bytes bytes) {
  carry_.assign(bytes.begin(), bytes.end());
  if (role_ == Role::kClient) return;
  set_deadline(kFrameDeadline, time_after(now_, options_.header_block_timeout));
}

void Connection::end_carry() {
  carry_.clear();
  set_deadline(kFrameDeadline, kNever);
}

// carry_ holds the start of a frame: first its header, checked before anything
// is reserved for its payload.
Bytes Connection::complete_carry(Bytes bytes) {
  const auto take = [&](size_t until) {
    const size_t count = std::min(bytes.size(), until - carry_.size());
    carry_.insert(carry_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    return carry_.size() == until;
  };
  if (carry_.size() < kFrameHeaderBytes) {
    if (!take(kFrameHeaderBytes)) return {};
    const FrameHeader header = parse_frame_header(carry_.data());
    if (!check_frame_header(header)) return {};
    if (header.type == FrameType::kData) {
      end_carry();
      return begin_data_frame(header, bytes);
    }
  }
  const FrameHeader header = parse_frame_header(carry_.data());
  if (!take(kFrameHeaderBytes + header.length)) return {};
  handle_frame(header, Bytes(carry_).subspan(kFrameHeaderBytes));
  end_carry();
  return bytes;
}

// What can be said of a frame before its payload is there.
bool Connection::check_frame_header(const FrameHeader& header) {
  ++counters_.frames_received;
  const bool is_block =
      header.type == FrameType::kHeaders || header.type == FrameType::kContinuation;
  spend(is_block ? 1 + header.length / kWorkUnit : 1);
  if (header.length > options_.max_frame_bytes) {
    fail(ErrorCode::kFrameSizeError, "frame larger than SETTINGS_MAX_FRAME_SIZE");
  } else if (block_id_ != 0 &&
             (header.type != FrameType::kContinuation || header.stream_id != block_id_)) {
    fail(ErrorCode::kProtocolError, "a header block was interrupted");
  } else if (!settings_received_ && (header.type != FrameType::kSettings || header.has(kFlagAck))) {
    fail(ErrorCode::kProtocolError, "the first frame is not SETTINGS");
  } else if (is_too_long(header)) {
    fail(ErrorCode::kEnhanceYourCalm,
         is_block ? "header block too large" : "frame larger than what is kept of one");
  }
  return !dead_;
}

// What is not DATA is kept until it is whole: no more of it than could be of use.
bool Connection::is_too_long(const FrameHeader& header) const {
  constexpr uint32_t kPaddingAndPriority = 1 + 255 + 5;
  switch (header.type) {
    case FrameType::kData:
      return false;
    case FrameType::kHeaders:
      return header.length > max_header_block_bytes() + kPaddingAndPriority;
    case FrameType::kContinuation:
      return block_.size() + header.length > max_header_block_bytes();
    default:
      return header.length > kMinMaxFrameBytes;
  }
}

void Connection::handle_frame(const FrameHeader& header, Bytes payload) {
  switch (header.type) {
    case FrameType::kHeaders:
      return recv_headers(header, payload);
    case FrameType::kWindowUpdate:
      return recv_window_update(header, payload);
    case FrameType::kSettings:
      return recv_settings(header, payload);
    case FrameType::kPing:
      return recv_ping(header, payload);
    case FrameType::kRstStream:
      return recv_rst_stream(header, payload);
    case FrameType::kContinuation:
      return recv_continuation(header, payload);
    case FrameType::kGoaway:
      return recv_goaway(header, payload);
    case FrameType::kPriority:
      return recv_priority(header, payload);
    case FrameType::kPushPromise:
      return fail(ErrorCode::kProtocolError, "PUSH_PROMISE, but push is disabled");
    default:
      return glitch("too many frames of unknown types");  // RFC 9113 section 5.5: ignored
  }
}

// ---- DATA (RFC 9113 section 6.1)

Bytes Connection::begin_data_frame(const FrameHeader& header, Bytes bytes) {
  if (header.stream_id == 0) {
    fail(ErrorCode::kProtocolError, "DATA on stream 0");
    return {};
  }
  if (!recv_window_.try_take(header.length)) {
    fail(ErrorCode::kFlowControlError, "DATA beyond the connection's window");
    return {};
  }
  if (header.has(kFlagPadded) && header.length == 0) {
    fail(ErrorCode::kFrameSizeError, "padded DATA without a pad length");
    return {};
  }
  data_stream_ = find_data_stream(header);
  if (dead_) return {};
  data_header_ = header;
  in_data_ = true;
  pad_length_due_ = header.has(kFlagPadded);
  data_remaining_ = header.length;
  padding_remaining_ = padding_bytes_ = 0;
  return take_data_payload(bytes);
}

// The stream that may receive this DATA; null: ignore its bytes, or the connection failed.
Stream* Connection::find_data_stream(const FrameHeader& header) {
  Stream* stream = streams_.find(header.stream_id);
  if (stream == nullptr) {
    if (is_idle(header.stream_id)) {
      fail(ErrorCode::kProtocolError, "DATA on an idle stream");
    } else if (!is_disowned(header.stream_id)) {
      fail(ErrorCode::kStreamClosed, "DATA on a closed stream");
    }
    return nullptr;
  }
  if (stream->recv_closed) {
    fail(ErrorCode::kStreamClosed, "DATA after END_STREAM");
    return nullptr;
  }
  if (!stream->head_received) {
    fail(ErrorCode::kProtocolError, "DATA before the response head");
    return nullptr;
  }
  if (!stream->recv_window.try_take(header.length)) {
    fail(ErrorCode::kFlowControlError, "DATA beyond the stream's window");
    return nullptr;
  }
  return stream;
}

Bytes Connection::take_data_payload(Bytes bytes) {
  if (pad_length_due_) {
    if (bytes.empty()) return bytes;
    pad_length_due_ = false;
    padding_remaining_ = bytes[0];
    padding_bytes_ = padding_remaining_ + 1;
    --data_remaining_;
    bytes = bytes.subspan(1);
    if (padding_remaining_ > data_remaining_) {
      fail(ErrorCode::kProtocolError, "DATA padding longer than the frame");
      return {};
    }
    data_remaining_ -= padding_remaining_;
  }
  const auto count = static_cast<uint32_t>(std::min<size_t>(bytes.size(), data_remaining_));
  data_remaining_ -= count;
  const Bytes data = bytes.first(count);
  bytes = bytes.subspan(count);
  const auto padding = static_cast<uint32_t>(
      data_remaining_ == 0 ? std::min<size_t>(bytes.size(), padding_remaining_) : 0);
  padding_remaining_ -= padding;
  const bool last = data_remaining_ == 0 && padding_remaining_ == 0;
  if (last) in_data_ = false;
  recv_data(data, last);
  return dead_ ? Bytes{} : bytes.subspan(padding);
}

// A piece of a DATA frame; `last`: the frame is whole with it.
void Connection::recv_data(Bytes data, bool last) {
  if (data_stream_ != nullptr) recv_stream_data(*data_stream_, data, last);
  if (!last || dead_) return;
  give_credit(data_header_.length);
  count_data_frame();
}

void Connection::recv_stream_data(Stream& stream, Bytes data, bool last) {
  const bool ends = data_header_.has(kFlagEndStream);
  if (stream.content_remaining >= 0) {
    stream.content_remaining -= static_cast<int64_t>(data.size());
    const int64_t after_frame = stream.content_remaining - data_remaining_;
    if (after_frame < 0 || (ends && after_frame != 0)) {
      return fail_stream(stream, ErrorCode::kProtocolError, "too many content-length mismatches");
    }
  }
  counters_.data_bytes_received += data.size();
  if (!stream.credit_on_receipt) {
    stream.unread_bytes += static_cast<uint32_t>(data.size());
    unread_bytes_ += data.size();
  }
  if (!data.empty() || (last && ends)) events_.on_data(stream, data, last && ends);
  if (!last || data_stream_ != &stream) return;  // to be continued, or the event ended the stream
  if (ends) return end_receiving(stream);
  give_credit(stream, stream.credit_on_receipt ? data_header_.length : padding_bytes_);
}

// A frame that carries nothing and ends nothing is a way to keep us busy for free.
void Connection::count_data_frame() {
  if (data_header_.length > padding_bytes_) {
    empty_frames_ = 0;
    if (options_.adaptive_window && bdp_.on_data(data_header_.length, now_)) {
      encode_ping(begin_ping(), kBdpPing, false);
    }
    return;
  }
  if (data_header_.has(kFlagEndStream)) return;
  if (++empty_frames_ > 1) glitch("too many empty DATA frames");
}

}  // namespace saker::h2

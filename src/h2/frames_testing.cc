#include "saker/h2/frames_testing.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace saker::h2 {
namespace {

std::string describe_settings(Bytes payload) {
  static constexpr const char* kNames[] = {"?",
                                           "HEADER_TABLE_SIZE",
                                           "ENABLE_PUSH",
                                           "MAX_CONCURRENT_STREAMS",
                                           "INITIAL_WINDOW_SIZE",
                                           "MAX_FRAME_SIZE",
                                           "MAX_HEADER_LIST_SIZE"};
  std::string text = "SETTINGS";
  for (; payload.size() >= kSettingBytes; payload = payload.subspan(kSettingBytes)) {
    const size_t id = load_be16(payload.data());
    text += text_of(kNames[id < std::size(kNames) ? id : 0],
                    std::to_string(load_be32(payload.data() + 2)));
  }
  return text;
}

std::string error_at(const uint8_t* bytes) {
  return name_of(static_cast<ErrorCode>(load_be32(bytes)));
}

}  // namespace

std::string text_of(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=" + std::string(value);
}

// Short text as it is, anything else by its size.
std::string text_of(std::string_view data) {
  constexpr size_t kLongest = 40;
  const bool plain = data.size() <= kLongest && std::all_of(data.begin(), data.end(), [](char c) {
                       return c > ' ' && c <= '~';
                     });
  if (data.empty()) return "";
  return plain ? " " + std::string(data) : " (" + std::to_string(data.size()) + " bytes)";
}

std::string name_of(ErrorCode code) {
  return std::string(error_code_name(code));
}

// ---- Peer

Peer& Peer::preface() {
  return raw(as_bytes(kClientPreface));
}

Peer& Peer::settings(std::initializer_list<std::pair<SettingId, uint32_t>> values) {
  ByteVector payload(values.size() * kSettingBytes);
  uint8_t* at = payload.data();
  for (const auto& [id, value] : values) {
    store_be16(at, static_cast<uint16_t>(id));
    store_be32(at + 2, value);
    at += kSettingBytes;
  }
  return frame(FrameType::kSettings, 0, 0, payload);
}

Peer& Peer::headers(StreamId id, const Fields& fields, uint8_t flags) {
  return frame(FrameType::kHeaders, flags | kFlagEndHeaders, id, block(fields));
}

Peer& Peer::data(StreamId id, std::string_view text, uint8_t flags) {
  return frame(FrameType::kData, flags, id, as_bytes(text));
}

Peer& Peer::padded_data(StreamId id, std::string_view text, uint8_t padding, uint8_t flags) {
  ByteVector payload{padding};
  payload.insert(payload.end(), text.begin(), text.end());
  payload.resize(payload.size() + padding);
  return frame(FrameType::kData, flags | kFlagPadded, id, payload);
}

Peer& Peer::rst_stream(StreamId id, ErrorCode code) {
  uint8_t buffer[kRstStreamFrameBytes];
  return raw({buffer, encode_rst_stream(buffer, id, code)});
}

Peer& Peer::window_update(StreamId id, uint32_t increment) {
  uint8_t buffer[kWindowUpdateFrameBytes];
  return raw({buffer, encode_window_update(buffer, id, increment)});
}

Peer& Peer::ping(uint64_t opaque, bool ack) {
  uint8_t buffer[kPingFrameBytes];
  return raw({buffer, encode_ping(buffer, opaque, ack)});
}

Peer& Peer::goaway(StreamId last_id, ErrorCode code, std::string_view debug) {
  ByteVector payload(8);
  store_be32(payload.data(), last_id);
  store_be32(payload.data() + 4, static_cast<uint32_t>(code));
  payload.insert(payload.end(), debug.begin(), debug.end());
  return frame(FrameType::kGoaway, 0, 0, payload);
}

Peer& Peer::priority(StreamId id, StreamId depends_on) {
  ByteVector payload(5);
  store_be32(payload.data(), depends_on);
  return frame(FrameType::kPriority, 0, id, payload);
}

Peer& Peer::frame(FrameType type, uint8_t flags, StreamId id, Bytes payload) {
  uint8_t header[kFrameHeaderBytes];
  encode_frame_header(header, {static_cast<uint32_t>(payload.size()), type, flags, id});
  return raw(header).raw(payload);
}

Peer& Peer::raw(Bytes bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

ByteVector Peer::block(const Fields& fields) {
  ByteVector out(hpack::Encoder::max_encoded_bytes(fields));
  out.resize(encoder_.encode(fields, out.data()));
  return out;
}

// ---- FrameReader

std::vector<Frame> split_frames(Bytes bytes) {
  std::vector<Frame> frames;
  if (as_text(bytes).starts_with(kClientPreface)) bytes = bytes.subspan(kClientPreface.size());
  while (bytes.size() >= kFrameHeaderBytes) {
    const FrameHeader header = parse_frame_header(bytes.data());
    if (bytes.size() < kFrameHeaderBytes + header.length) break;
    frames.push_back({header, bytes.subspan(kFrameHeaderBytes, header.length)});
    bytes = bytes.subspan(kFrameHeaderBytes + header.length);
  }
  EXPECT_TRUE(bytes.empty()) << "half a frame in the output";
  return frames;
}

Lines FrameReader::describe(Bytes bytes) {
  Lines lines;
  if (as_text(bytes).starts_with(kClientPreface)) lines.emplace_back("PREFACE");
  for (const Frame& frame : split_frames(bytes)) lines.push_back(describe(frame));
  return lines;
}

std::string FrameReader::describe(const Frame& frame) {
  const FrameHeader& header = frame.header;
  const uint8_t* bytes = frame.payload.data();
  const std::string id = " " + std::to_string(header.stream_id);
  const char* end = header.has(kFlagEndStream) ? " END_STREAM" : "";
  switch (header.type) {
    case FrameType::kData:
      return "DATA" + id + end + text_of(as_text(frame.payload));
    case FrameType::kHeaders:
      return "HEADERS" + id + end + describe_block(frame);
    case FrameType::kContinuation:
      return "CONTINUATION" + id + describe_block(frame);
    case FrameType::kRstStream:
      return "RST_STREAM" + id + " " + error_at(bytes);
    case FrameType::kSettings:
      return header.has(kFlagAck) ? "SETTINGS ACK" : describe_settings(frame.payload);
    case FrameType::kPing:
      return std::string(header.has(kFlagAck) ? "PING ACK " : "PING ") +
             std::to_string(load_be64(bytes));
    case FrameType::kGoaway:
      return "GOAWAY " + std::to_string(load_be32(bytes)) + " " + error_at(bytes + 4) + " " +
             std::string(as_text(frame.payload.subspan(8)));
    case FrameType::kWindowUpdate:
      return "WINDOW_UPDATE" + id + " " + std::to_string(load_be32(bytes));
    default:
      return "?";
  }
}

// The fields stand at the frame that ends the block.
std::string FrameReader::describe_block(const Frame& frame) {
  block_.insert(block_.end(), frame.payload.begin(), frame.payload.end());
  if (!frame.header.has(kFlagEndHeaders)) {
    return " (" + std::to_string(frame.payload.size()) + " bytes) …";
  }
  hpack::DecodedBlock decoded;
  EXPECT_TRUE(decoder_.decode(block_, decoded)) << decoder_.why();
  std::string text;
  for (const hpack::Field& field : decoded.fields) {
    const bool long_value = field.value.size() > 100;
    text += text_of(field.name, long_value ? "…" : field.value);
  }
  block_.clear();
  return text;
}

}  // namespace saker::h2

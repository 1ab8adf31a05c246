// HTTP/2 frames on the wire: the 9-byte header (RFC 9113 section 4.1), types, flags, and the
// encoders of the small frames. Knows nothing of streams or connections.
//
//    length (24) | type (8) | flags (8) | R (1) stream id (31) | payload …
#pragma once

#include <cstdint>

#include "saker/base/bytes.h"
#include "saker/h2/error_code.h"

namespace saker::h2 {

inline constexpr size_t kFrameHeaderBytes = 9;
inline constexpr uint32_t kMinMaxFrameBytes = 16384;  // RFC 9113 section 6.5.2
inline constexpr uint32_t kMaxMaxFrameBytes = (1u << 24) - 1;
inline constexpr uint32_t kMaxStreamId = 0x7FFFFFFF;
inline constexpr uint32_t kMaxWindowBytes = 0x7FFFFFFF;
inline constexpr uint32_t kDefaultWindowBytes = 65535;
inline constexpr std::string_view kClientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum class FrameType : uint8_t {
  kData = 0x0,
  kHeaders = 0x1,
  kPriority = 0x2,
  kRstStream = 0x3,
  kSettings = 0x4,
  kPushPromise = 0x5,
  kPing = 0x6,
  kGoaway = 0x7,
  kWindowUpdate = 0x8,
  kContinuation = 0x9,
};

inline constexpr uint8_t kFlagEndStream = 0x1;   // DATA, HEADERS
inline constexpr uint8_t kFlagAck = 0x1;         // SETTINGS, PING
inline constexpr uint8_t kFlagEndHeaders = 0x4;  // HEADERS, CONTINUATION
inline constexpr uint8_t kFlagPadded = 0x8;      // DATA, HEADERS
inline constexpr uint8_t kFlagPriority = 0x20;   // HEADERS

struct FrameHeader {
  uint32_t length = 0;  // payload bytes, without this header
  FrameType type = FrameType::kData;
  uint8_t flags = 0;
  StreamId stream_id = 0;

  bool has(uint8_t flag) const { return (flags & flag) != 0; }
};

// `bytes` holds kFrameHeaderBytes at least. The reserved bit is ignored, as the RFC demands.
inline FrameHeader parse_frame_header(const uint8_t* bytes) {
  return {load_be24(bytes), static_cast<FrameType>(bytes[3]), bytes[4],
          load_be32(bytes + 5) & kMaxStreamId};
}
inline uint8_t* encode_frame_header(uint8_t* out, const FrameHeader& header) {
  store_be32(out, header.length << 8 | static_cast<uint8_t>(header.type));
  out[4] = header.flags;
  store_be32(out + 5, header.stream_id);
  return out + kFrameHeaderBytes;
}

// Whole frames of fixed size; each returns the end of what it wrote.
inline constexpr size_t kRstStreamFrameBytes = 13;
inline constexpr size_t kWindowUpdateFrameBytes = 13;
inline constexpr size_t kPingFrameBytes = 17;
inline constexpr size_t kSettingsAckFrameBytes = 9;

inline uint8_t* encode_rst_stream(uint8_t* out, StreamId id, ErrorCode code) {
  out = encode_frame_header(out, {4, FrameType::kRstStream, 0, id});
  store_be32(out, static_cast<uint32_t>(code));
  return out + 4;
}
inline uint8_t* encode_window_update(uint8_t* out, StreamId id, uint32_t increment) {
  out = encode_frame_header(out, {4, FrameType::kWindowUpdate, 0, id});
  store_be32(out, increment);
  return out + 4;
}
inline uint8_t* encode_ping(uint8_t* out, uint64_t opaque, bool ack) {
  out = encode_frame_header(out, {8, FrameType::kPing, ack ? kFlagAck : uint8_t{0}, 0});
  store_be64(out, opaque);
  return out + 8;
}
inline uint8_t* encode_settings_ack(uint8_t* out) {
  return encode_frame_header(out, {0, FrameType::kSettings, kFlagAck, 0});
}

}  // namespace saker::h2

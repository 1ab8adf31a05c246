// Frames in tests: a Peer that writes what the other side sends, and a FrameReader that turns
// frames into lines of text.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saker/h2/frame.h"
#include "saker/h2/settings.h"
#include "saker/hpack/decoder.h"
#include "saker/hpack/encoder.h"

namespace saker::h2 {

using ByteVector = std::vector<uint8_t>;
using Lines = std::vector<std::string>;
using Fields = std::vector<hpack::OutField>;

inline const Fields kRequest = {{":method", "POST"}, {":scheme", "http"}, {":path", "/S/M"}};
inline const std::string kRequestText = " :method=POST :scheme=http :path=/S/M";
inline const Fields kResponse = {{":status", "200"}};
inline const Fields kTrailers = {{"grpc-status", "0"}};

// Writes what the other side sends. Each call appends a frame; take() hands over all of them.
class Peer {
 public:
  Peer& preface();
  Peer& settings(std::initializer_list<std::pair<SettingId, uint32_t>> values = {});
  Peer& settings_ack() { return frame(FrameType::kSettings, kFlagAck, 0, {}); }
  Peer& headers(StreamId id, const Fields& fields, uint8_t flags = 0);  // END_HEADERS is implied
  Peer& data(StreamId id, std::string_view text, uint8_t flags = 0);
  Peer& padded_data(StreamId id, std::string_view text, uint8_t padding, uint8_t flags = 0);
  Peer& rst_stream(StreamId id, ErrorCode code);
  Peer& window_update(StreamId id, uint32_t increment);
  Peer& ping(uint64_t opaque, bool ack = false);
  Peer& goaway(StreamId last_id, ErrorCode code, std::string_view debug = "");
  Peer& priority(StreamId id, StreamId depends_on = 0);
  Peer& frame(FrameType type, uint8_t flags, StreamId id, Bytes payload);
  Peer& raw(Bytes bytes);

  ByteVector block(const Fields& fields);  // a header block, for frame()
  ByteVector take() { return std::exchange(bytes_, {}); }
  hpack::Encoder& encoder() { return encoder_; }

 private:
  hpack::Encoder encoder_;
  ByteVector bytes_;
};

struct Frame {
  FrameHeader header;
  Bytes payload;
};

// Whole frames only.
std::vector<Frame> split_frames(Bytes bytes);

// Frames as text: "DATA 1 END_STREAM hello", "WINDOW_UPDATE 0 983041",
// "HEADERS 1 END_STREAM :status=200", …
class FrameReader {
 public:
  Lines describe(Bytes bytes);
  hpack::Decoder& decoder() { return decoder_; }

 private:
  std::string describe(const Frame& frame);
  std::string describe_block(const Frame& frame);

  hpack::DecoderScratch scratch_;
  hpack::Decoder decoder_{{.max_list_bytes = 1 << 20, .max_fields = 1000}, scratch_};
  ByteVector block_;
};

// " name=value"
std::string text_of(std::string_view name, std::string_view value);
// Short text as it is, anything else by its size; a space in front.
std::string text_of(std::string_view data);
std::string name_of(ErrorCode code);

}  // namespace saker::h2

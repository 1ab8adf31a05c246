#include "frame_mutator.h"

#include <algorithm>
#include <random>
#include <vector>

#include "saker/h2/frame.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace saker::fuzz {
namespace {

using ByteVector = std::vector<uint8_t>;
using h2::kFrameHeaderBytes;

constexpr size_t kRoomToGrow = 64;

// Header blocks that mean the same wherever they stand, but for the last two, which change the
// dynamic table and use it. RFC 7541 appendices A and B.
const ByteVector kBlocks[] = {
    {0x83, 0x86, 0x04, 0x04, '/', 'S', '/', 'M', 0x01, 0x01, 'a'},  // a request
    {0x83, 0x86, 0x84, 0x01, 0x01, 'a', 0x0f, 0x0d, 0x01, '3'},     // content-length: 3
    {0x88},                                                         // :status: 200
    {0x00, 0x0b, 'g', 'r', 'p', 'c', '-', 's', 't', 'a', 't', 'u', 's', 1, '0'},  // trailers
    {0x08, 0x03, '1', '0', '0'},                                                  // :status: 100
    {0x82, 0x87, 0x85, 0x41, 0x01, 'a', 0x40, 0x01, 'x', 0x01, 'y'},
    {0x83, 0x86, 0x84, 0xbe, 0xbf},
};
const ByteVector kSmallPayloads[] = {{},
                                     {0, 0, 0, 0},
                                     {0, 0, 0, 1},
                                     {0x7f, 0xff, 0xff, 0xff},
                                     {0, 0, 0, 3, 16},
                                     {1, 2, 3, 4, 5, 6, 7, 8},
                                     {0, 0, 0, 3, 0, 0, 0, 0, 'b', 'y', 'e'},
                                     {0, 4, 0, 0, 0, 10},
                                     {0, 1, 0, 0, 0, 50}};
constexpr uint8_t kFlags[] = {h2::kFlagEndStream, h2::kFlagEndHeaders, h2::kFlagPadded,
                              h2::kFlagPriority};

struct RawFrame {
  h2::FrameHeader header;
  ByteVector payload;
};

class Mutation {
 public:
  Mutation(Bytes bytes, unsigned seed) : random_(seed) {
    const size_t tail = std::min(bytes.size(), kTailBytes);
    tail_.assign(bytes.end() - static_cast<ptrdiff_t>(tail), bytes.end());
    for (bytes = bytes.first(bytes.size() - tail); bytes.size() >= kFrameHeaderBytes;) {
      const auto header = h2::parse_frame_header(bytes.data());
      bytes = bytes.subspan(kFrameHeaderBytes);
      const Bytes payload = bytes.first(std::min<size_t>(bytes.size(), header.length));
      frames_.push_back({header, {payload.begin(), payload.end()}});
      bytes = bytes.subspan(payload.size());
    }
  }

  void mutate() {
    if (frames_.empty() || up_to(3) == 0) return insert();
    RawFrame& frame = pick();
    switch (up_to(9)) {
      case 0:
        frame.header.flags ^= kFlags[up_to(3)];
        return;
      case 1:
        frame.header.stream_id = static_cast<h2::StreamId>(up_to(1) == 0 ? up_to(9) : random_());
        return;
      case 2:
        frame.header.type = static_cast<h2::FrameType>(up_to(10));
        return;
      case 3:
        return duplicate();
      case 4:
        frames_.erase(frames_.begin() + static_cast<ptrdiff_t>(up_to(frames_.size() - 1)));
        return;
      case 5:
        return std::swap(frame, pick());
      case 6:
        return pad(frame);
      case 7:
        return split();
      default:
        return mutate_payload(frame);
    }
  }

  // Frames of this one up to some place, those of the other from some place on.
  void cross(const Mutation& other) {
    frames_.resize(up_to(frames_.size()));
    const auto from = static_cast<ptrdiff_t>(up_to(other.frames_.size()));
    frames_.insert(frames_.end(), other.frames_.begin() + from, other.frames_.end());
  }

  // What does not fit is left out. A length is a lie now and then.
  size_t write(uint8_t* out, size_t max_size) {
    uint8_t* at = out;
    const size_t room = max_size - std::min(max_size, tail_.size());
    for (RawFrame& frame : frames_) {
      const size_t size = kFrameHeaderBytes + frame.payload.size();
      if (static_cast<size_t>(at - out) + size > room) break;
      frame.header.length = static_cast<uint32_t>(frame.payload.size());
      if (up_to(200) == 0) frame.header.length = static_cast<uint32_t>(up_to(20'000));
      at = h2::encode_frame_header(at, frame.header);
      at = std::copy(frame.payload.begin(), frame.payload.end(), at);
    }
    if (max_size >= tail_.size()) at = std::copy(tail_.begin(), tail_.end(), at);
    return static_cast<size_t>(at - out);
  }

  void mutate_tail() { LLVMFuzzerMutate(tail_.data(), tail_.size(), tail_.size()); }
  bool has_tail() const { return !tail_.empty(); }

 private:
  size_t up_to(size_t most) { return random_() % (most + 1); }
  RawFrame& pick() { return frames_[up_to(frames_.size() - 1)]; }
  auto place() { return frames_.begin() + static_cast<ptrdiff_t>(up_to(frames_.size())); }

  void insert() {
    const auto id = static_cast<h2::StreamId>(2 * up_to(4) + 1);
    RawFrame frame{{0, h2::FrameType::kHeaders, h2::kFlagEndHeaders, id}, {}};
    if (up_to(1) == 0) {
      frame.payload = kBlocks[up_to(std::size(kBlocks) - 1)];
      if (up_to(1) == 0) frame.header.flags |= h2::kFlagEndStream;
    } else {
      frame.header = {0, static_cast<h2::FrameType>(up_to(10)), 0, up_to(1) == 0 ? 0 : id};
      frame.payload = kSmallPayloads[up_to(std::size(kSmallPayloads) - 1)];
    }
    frames_.insert(place(), std::move(frame));
  }

  void duplicate() {
    const RawFrame copy = pick();
    frames_.insert(place(), copy);
  }

  void pad(RawFrame& frame) {
    const auto padding = static_cast<uint8_t>(up_to(20));
    frame.header.flags |= h2::kFlagPadded;
    frame.payload.insert(frame.payload.begin(), padding);
    frame.payload.resize(frame.payload.size() + padding);
  }

  // A block becomes two frames.
  void split() {
    const size_t at = up_to(frames_.size() - 1);
    RawFrame& first = frames_[at];
    const auto cut = static_cast<ptrdiff_t>(up_to(first.payload.size()));
    RawFrame second{first.header, {first.payload.begin() + cut, first.payload.end()}};
    second.header.type = h2::FrameType::kContinuation;
    first.payload.resize(static_cast<size_t>(cut));
    first.header.flags &= static_cast<uint8_t>(~h2::kFlagEndHeaders);
    frames_.insert(frames_.begin() + static_cast<ptrdiff_t>(at) + 1, std::move(second));
  }

  static void mutate_payload(RawFrame& frame) {
    const size_t size = frame.payload.size();
    frame.payload.resize(size + kRoomToGrow);
    frame.payload.resize(LLVMFuzzerMutate(frame.payload.data(), size, frame.payload.size()));
  }

  std::mt19937 random_;
  std::vector<RawFrame> frames_;
  ByteVector tail_;
};

}  // namespace

size_t mutate_frames(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  if (seed % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  Mutation mutation({data, size}, seed);
  if (seed % 8 == 1 && mutation.has_tail()) {
    mutation.mutate_tail();
  } else {
    mutation.mutate();
  }
  return mutation.write(data, max_size);
}

size_t cross_frames(const uint8_t* one, size_t one_size, const uint8_t* other, size_t other_size,
                    uint8_t* out, size_t max_size, unsigned seed) {
  Mutation mutation({one, one_size}, seed);
  mutation.cross(Mutation({other, other_size}, seed));
  return mutation.write(out, max_size);
}

}  // namespace saker::fuzz

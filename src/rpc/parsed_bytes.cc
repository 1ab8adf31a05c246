#include "saker/rpc/parsed_bytes.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "saker/rpc/codec.h"

namespace saker::rpc {
namespace {

namespace pb = google::protobuf;
using pb::internal::WireFormatLite;

constexpr size_t kBytesAnElement = 128;  // a string or an object, its pointer, what the heap adds
constexpr size_t kBytesANumber = 16;     // an unknown one; a known one takes 8
constexpr int kMostDepth = 100;          // protobuf's own limit

class Estimate {
 public:
  Estimate(pb::io::CodedInputStream& input, size_t bytes, size_t most)
      : input_(input), bytes_(bytes), most_(most) {}

  size_t bytes() const { return bytes_; }

  // False: malformed, or more than the most.
  bool add(const pb::Descriptor& type, int depth) {
    while (const uint32_t tag = input_.ReadTag()) {
      if (!add_field(type, tag, depth) || bytes_ > most_) return false;
    }
    return true;
  }

 private:
  bool add_field(const pb::Descriptor& type, uint32_t tag, int depth) {
    if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      bytes_ += kBytesANumber;
      return WireFormatLite::SkipField(&input_, tag);
    }
    bytes_ += kBytesAnElement;
    uint32_t size = 0;
    if (!input_.ReadVarint32(&size)) return false;
    const auto* field = type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
    if (field != nullptr && field->is_packable()) bytes_ += size_t{size} * sizeof(uint64_t);
    if (field == nullptr || field->message_type() == nullptr || depth == kMostDepth) {
      return input_.Skip(static_cast<int>(size));
    }
    const auto outer = input_.PushLimit(static_cast<int>(size));
    const bool added = add(*field->message_type(), depth + 1);
    input_.PopLimit(outer);
    return added;
  }

  pb::io::CodedInputStream& input_;
  size_t bytes_;
  const size_t most_;
};

size_t estimate(const pb::Descriptor& type, pb::io::CodedInputStream& input, size_t size,
                size_t most) {
  Estimate estimate(input, size, most);
  (void)estimate.add(type, 0);
  return estimate.bytes();
}

}  // namespace

size_t parsed_bytes(const pb::Descriptor& type, const grpc::ReceivedMessage& message, size_t most) {
  if (message.chunks == nullptr) {
    pb::io::CodedInputStream input(message.contiguous.data(),
                                   static_cast<int>(message.contiguous.size()));
    return estimate(type, input, message.size, most);
  }
  ChunkInputStream chunks(*message.chunks);
  pb::io::CodedInputStream input(&chunks);
  return estimate(type, input, message.size, most);
}

}  // namespace saker::rpc

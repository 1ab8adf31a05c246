#include "saker/rpc/packer.h"

#include <zlib.h>

#include <algorithm>

namespace saker::rpc {
namespace {

using grpc::Compression;

constexpr int kWindowBits = 15;
constexpr int kGzipFormat = 16;  // added to the window bits
constexpr int kMemoryLevel = 8;
constexpr size_t kFirstRoom = 16 * 1024;
constexpr size_t kKeptScratchBytes = 64 * 1024;

int format_of(Compression compression) {
  return compression == Compression::kGzip ? kWindowBits + kGzipFormat : kWindowBits;
}

size_t index_of(Compression compression) {
  return compression == Compression::kGzip ? 1 : 0;
}

// zlib takes inputs by pointers to non-const, and reads them only.
void set_input(z_stream& stream, Bytes input) {
  stream.next_in = const_cast<uint8_t*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
}

// Grows `out` for as long as zlib asks for room.
class Unpacking {
 public:
  Unpacking(z_stream& stream, size_t max_bytes, std::string& out)
      : stream_(stream), max_bytes_(max_bytes), out_(out) {
    out_.clear();
  }

  // False: it is over; result() says how.
  bool take(Bytes input) {
    set_input(stream_, input);
    do {
      if (ended_ || !inflate_some()) break;
    } while (stream_.avail_out == 0);  // there may be more
    if (stream_.avail_in != 0) fail(Unpacked::kBroken);  // bytes behind the end
    return result_ == Unpacked::kOk;
  }
  Unpacked result() const {
    return result_ == Unpacked::kOk && !ended_ ? Unpacked::kBroken : result_;
  }

 private:
  bool inflate_some() {
    const size_t before = out_.size();
    const size_t room = std::min(std::max(kFirstRoom, before), max_bytes_ + 1 - before);
    int code = Z_OK;
    out_.resize_and_overwrite(before + room, [&](char* bytes, size_t) {
      stream_.next_out = reinterpret_cast<uint8_t*>(bytes) + before;
      stream_.avail_out = static_cast<uInt>(room);
      code = inflate(&stream_, Z_NO_FLUSH);
      return before + room - stream_.avail_out;
    });
    ended_ = code == Z_STREAM_END;
    if (out_.size() > max_bytes_) return fail(Unpacked::kTooLarge);
    // Z_BUF_ERROR: there was nothing left to do.
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return fail(Unpacked::kBroken);
    return true;
  }
  bool fail(Unpacked why) {
    if (result_ == Unpacked::kOk) result_ = why;
    return false;
  }

  z_stream& stream_;
  const size_t max_bytes_;
  std::string& out_;
  bool ended_ = false;
  Unpacked result_ = Unpacked::kOk;
};

void append_prefixed(bool compressed, Bytes message, ChunkQueue& out) {
  grpc::write_message_prefix(out.prepare(grpc::kMessagePrefixBytes), compressed,
                             static_cast<uint32_t>(message.size()));
  out.commit(grpc::kMessagePrefixBytes);
  out.append(message);
}

}  // namespace

Packer::Packer() = default;
Packer::~Packer() = default;

void Packer::EndPacking::operator()(z_stream_s* stream) const {
  deflateEnd(stream);
  delete stream;
}

void Packer::EndUnpacking::operator()(z_stream_s* stream) const {
  inflateEnd(stream);
  delete stream;
}

void Packer::release_memory() {
  for (auto& stream : packing_) stream.reset();
  for (auto& stream : unpacking_) stream.reset();
  std::string().swap(scratch_);
}

bool Packer::holds_memory() const {
  const auto is_there = [](const auto& stream) { return stream != nullptr; };
  return std::ranges::any_of(packing_, is_there) || std::ranges::any_of(unpacking_, is_there);
}

// Null: no memory.
z_stream* Packer::packing(Compression compression) {
  auto& stream = packing_[index_of(compression)];
  if (stream != nullptr) {
    deflateReset(stream.get());
    return stream.get();
  }
  auto made = std::make_unique<z_stream>();
  if (deflateInit2(made.get(), Z_DEFAULT_COMPRESSION, Z_DEFLATED, format_of(compression),
                   kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
    return nullptr;
  }
  stream.reset(made.release());
  return stream.get();
}

z_stream* Packer::unpacking(Compression compression) {
  auto& stream = unpacking_[index_of(compression)];
  if (stream != nullptr) {
    inflateReset(stream.get());
    return stream.get();
  }
  auto made = std::make_unique<z_stream>();
  if (inflateInit2(made.get(), format_of(compression)) != Z_OK) return nullptr;
  stream.reset(made.release());
  return stream.get();
}

void Packer::append(Compression compression, Bytes message, ChunkQueue& out) {
  z_stream* stream = packing(compression);
  bool is_smaller = false;
  // GCC 12 may pass more than was asked for, where the string grows.
  const size_t size = message.size();
  scratch_.resize_and_overwrite(size, [&](char* bytes, size_t) -> size_t {
    if (stream == nullptr) return 0;
    set_input(*stream, message);
    stream->next_out = reinterpret_cast<uint8_t*>(bytes);
    stream->avail_out = static_cast<uInt>(size);
    is_smaller = deflate(stream, Z_FINISH) == Z_STREAM_END;
    return size - stream->avail_out;
  });
  append_prefixed(is_smaller, is_smaller ? as_bytes(scratch_) : message, out);
  if (scratch_.capacity() > kKeptScratchBytes) std::string().swap(scratch_);
}

Unpacked Packer::unpack(Compression compression, const grpc::ReceivedMessage& packed,
                        size_t max_bytes, std::string& out) {
  z_stream* stream = unpacking(compression);
  if (stream == nullptr) return Unpacked::kTooLarge;
  Unpacking unpacking(*stream, max_bytes, out);
  if (packed.chunks == nullptr) {
    unpacking.take(packed.contiguous);
    return unpacking.result();
  }
  for (const Chunk* chunk = packed.chunks->front(); chunk != nullptr; chunk = chunk->next) {
    if (!unpacking.take(chunk->bytes())) break;
  }
  return unpacking.result();
}

}  // namespace saker::rpc

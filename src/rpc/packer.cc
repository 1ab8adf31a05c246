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

// Null: no memory.
Packer::UnpackingState Packer::take_unpacking(Compression compression) {
  if (UnpackingState state = std::move(unpacking_[index_of(compression)])) {
    inflateReset(state.get());
    return state;
  }
  auto made = std::make_unique<z_stream>();
  if (inflateInit2(made.get(), format_of(compression)) != Z_OK) return nullptr;
  return UnpackingState(made.release());
}

void Packer::put_unpacking(Compression compression, UnpackingState state) {
  unpacking_[index_of(compression)] = std::move(state);
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
  size_t most = SIZE_MAX;
  return Unpacking(*this, compression, packed, max_bytes, out).go_on(most);
}

// ---- Unpacking

Unpacking::Unpacking(Packer& packer, Compression compression, const grpc::ReceivedMessage& packed,
                     size_t max_bytes, std::string& out)
    : packer_(packer),
      compression_(compression),
      max_bytes_(max_bytes),
      out_(out),
      stream_(packer.take_unpacking(compression)),
      is_lent_(packed.chunks == nullptr) {
  out_.clear();
  if (is_lent_) {
    input_ = packed.contiguous;
  } else {
    next_chunk_ = packed.chunks->front();
  }
  if (stream_ == nullptr) result_ = Unpacked::kTooLarge;
}

Unpacking::~Unpacking() {
  if (stream_ != nullptr) packer_.put_unpacking(compression_, std::move(stream_));
}

Unpacked Unpacking::go_on(size_t& most) {
  while (result_ == Unpacked::kNotYet) {
    const bool has_input = next_input();
    if (ended_ || (!has_input && !has_filled_room_)) {
      result_ = ended_ && !has_input ? Unpacked::kOk : Unpacked::kBroken;  // bytes behind the end
    } else if (most != 0) {
      inflate_some(most);
    } else {
      break;
    }
  }
  return result_;
}

bool Unpacking::next_input() {
  while (input_.empty() && next_chunk_ != nullptr) {
    input_ = next_chunk_->bytes();
    next_chunk_ = next_chunk_->next;
  }
  return !input_.empty();
}

void Unpacking::inflate_some(size_t& most) {
  const Bytes piece = input_.first(std::min(input_.size(), most / kPackedCost + 1));
  const size_t before = out_.size();
  const size_t room =
      std::min({std::max(kFirstRoom, before), std::max(kFirstRoom, most / kUnpackedCost),
                max_bytes_ + 1 - before});
  int code = Z_OK;
  set_input(*stream_, piece);
  // GCC 12 may pass more than was asked for, where the string grows.
  out_.resize_and_overwrite(before + room, [&](char* bytes, size_t) {
    stream_->next_out = reinterpret_cast<uint8_t*>(bytes) + before;
    stream_->avail_out = static_cast<uInt>(room);
    code = inflate(stream_.get(), Z_NO_FLUSH);
    return before + room - stream_->avail_out;
  });
  const size_t taken = piece.size() - stream_->avail_in;
  const size_t made = out_.size() - before;
  input_ = input_.subspan(taken);
  has_filled_room_ = stream_->avail_out == 0;
  ended_ = code == Z_STREAM_END;
  most -= std::min(most, taken * kPackedCost + made * kUnpackedCost);
  if (out_.size() > max_bytes_) {
    result_ = Unpacked::kTooLarge;
  } else if (code != Z_OK && !ended_ && (code != Z_BUF_ERROR || taken + made == 0)) {
    result_ = Unpacked::kBroken;  // with Z_BUF_ERROR there was nothing left to do
  }
}

void Unpacking::keep_input() {
  if (!is_lent_) return;
  kept_.assign(input_.begin(), input_.end());
  input_ = kept_;
}

}  // namespace saker::rpc

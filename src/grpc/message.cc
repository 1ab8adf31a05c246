// The slow half of MessageReader: messages that are cut by what arrives. Up to kMaxContiguousBytes
// they are gathered in one buffer: a pooled 4 KiB chunk first, then heap of at most twice what has
// arrived. Above, in the loop's chunks: small ones until 64 KiB have arrived, large ones from then
// on. So a peer that claims much and sends little costs little.
#include "saker/grpc/message.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace saker::grpc {
namespace {

// A memcpy that is never slow. Large ones use `rep movsb`, which Zen 3 and 4 run some twenty times
// slower when the destination lies up to 63 bytes ahead of the source modulo the page size. Frame
// headers put bodies at any offset, so this does happen;
// pieces below glibc's threshold go through vector registers.
void copy_bytes(uint8_t* to, Bytes from) {
  constexpr uintptr_t kPageBytes = 4096, kSlowDistanceBytes = 64;
  constexpr size_t kPieceBytes = 1024;
  const uintptr_t ahead =
      reinterpret_cast<uintptr_t>(to) - reinterpret_cast<uintptr_t>(from.data());
  size_t piece = ahead % kPageBytes < kSlowDistanceBytes ? kPieceBytes : from.size();
  for (; !from.empty(); to += piece, from = from.subspan(piece)) {
    piece = std::min(piece, from.size());
    std::memcpy(to, from.data(), piece);
  }
}

}  // namespace

static_assert(sizeof(MessageReader) <= 64, "one per call direction: keep it within a cache line");

ReadResult MessageReader::next_slow(Bytes& data, ReceivedMessage& out) {
  if (phase_ == Phase::kFailed) return fail(failure_, data);
  if (phase_ == Phase::kDelivered) reset_slow();
  if (phase_ == Phase::kBody) return continue_body(data, out);
  if (!take_prefix(data)) return ReadResult::kNeedMore;
  return begin_body(data, out);
}

bool MessageReader::take_prefix(Bytes& data) {
  const size_t part = std::min(data.size(), kMessagePrefixBytes - prefix_filled_);
  if (part > 0) std::memcpy(prefix_ + prefix_filled_, data.data(), part);
  prefix_filled_ = static_cast<uint8_t>(prefix_filled_ + part);
  data = data.subspan(part);
  if (prefix_filled_ > 0) phase_ = Phase::kPrefix;
  return prefix_filled_ == kMessagePrefixBytes;
}

// The prefix is complete: refuse the message or start on its body.
ReadResult MessageReader::begin_body(Bytes& data, ReceivedMessage& out) {
  size_ = load_be32(prefix_ + 1);
  prefix_filled_ = 0;
  out.size = size_;
  if (prefix_[0] > 1) return fail(ReadResult::kBadFlag, data);
  if (size_ > context_->max_bytes) return fail(ReadResult::kTooLarge, data);
  phase_ = Phase::kBody;
  return continue_body(data, out);
}

ReadResult MessageReader::continue_body(Bytes& data, ReceivedMessage& out) {
  if (filled_ == 0 && data.size() >= size_) {  // only the prefix was cut off: still no need to copy
    lend(data, prefix_[0] != 0, 0, size_, out);
    phase_ = Phase::kIdle;
    return ReadResult::kMessage;
  }
  const size_t part = std::min<size_t>(data.size(), size_ - filled_);
  if (part > 0 && !append(data.first(part))) {
    budget_refused_ = true;
    out.size = size_;
    return fail(ReadResult::kTooLarge, data);
  }
  data = data.subspan(part);
  if (filled_ < size_) return ReadResult::kNeedMore;
  deliver(out);
  return ReadResult::kMessage;
}

void MessageReader::deliver(ReceivedMessage& out) {
  phase_ = Phase::kDelivered;
  out.compressed = prefix_[0] != 0;
  out.contiguous = queue_ == nullptr ? Bytes(buffer_, size_) : Bytes();
  out.chunks = queue_.get();
  out.size = size_;
}

bool MessageReader::append(Bytes part) {
  return size_ <= kMaxContiguousBytes ? append_contiguous(part) : append_chunks(part);
}

bool MessageReader::append_contiguous(Bytes part) {
  const size_t wanted = filled_ + part.size();
  if (wanted > room_ && !grow_buffer(wanted)) return false;
  copy_bytes(buffer_ + filled_, part);
  filled_ = static_cast<uint32_t>(wanted);
  return true;
}

// Makes room for `wanted` bytes, all of which have arrived, as has the prefix: counted, it makes
// the buffer fit for bodies that come in frames of a power of two. The old buffer stays charged
// until its bytes are copied.
bool MessageReader::grow_buffer(size_t wanted) {
  const size_t twice_arrived = 2 * (wanted + kMessagePrefixBytes);
  Chunk* chunk = nullptr;
  uint8_t* larger = nullptr;
  size_t capacity = std::min<size_t>(size_, twice_arrived);
  const size_t held_bytes = charged_bytes_;
  if (wanted <= ChunkPool::kSmallBytes ||
      (size_ <= ChunkPool::kLargeBytes && twice_arrived >= ChunkPool::kLargeBytes)) {
    capacity = wanted <= ChunkPool::kSmallBytes ? ChunkPool::kSmallBytes : ChunkPool::kLargeBytes;
    if (!try_charge(sizeof(Chunk) + capacity)) return false;
    chunk = context_->pool->get(capacity);
    larger = chunk->storage;
  } else {
    if (!try_charge(capacity)) return false;
    larger = static_cast<uint8_t*>(::operator new(capacity, std::nothrow));
    if (larger == nullptr) return false;
  }
  if (filled_ > 0) copy_bytes(larger, {buffer_, filled_});
  free_buffer();
  context_->budget->release(held_bytes);
  charged_bytes_ -= held_bytes;
  chunk_ = chunk;
  buffer_ = larger;
  room_ = static_cast<uint32_t>(capacity);
  return true;
}

bool MessageReader::append_chunks(Bytes part) {
  if (queue_ == nullptr) queue_ = std::make_unique<ChunkQueue>(*context_->pool);
  while (!part.empty()) {
    if (room_ == 0 && !add_chunk(filled_ + part.size())) return false;
    const size_t fits = std::min<size_t>(part.size(), room_);
    copy_bytes(queue_->prepare(1), part.first(fits));
    queue_->commit(fits);
    room_ -= static_cast<uint32_t>(fits);
    filled_ += static_cast<uint32_t>(fits);
    part = part.subspan(fits);
  }
  return true;
}

bool MessageReader::add_chunk(size_t arrived) {
  const size_t rest = size_ - filled_;
  const bool large = arrived >= ChunkPool::kLargeBytes && rest > ChunkPool::kSmallBytes;
  const size_t capacity = large ? ChunkPool::kLargeBytes : ChunkPool::kSmallBytes;
  if (!try_charge(sizeof(Chunk) + capacity)) return false;
  queue_->append(context_->pool->get(capacity));
  room_ = static_cast<uint32_t>(capacity);
  return true;
}

bool MessageReader::try_charge(size_t bytes) {
  if (!context_->budget->try_charge(bytes)) return false;
  charged_bytes_ += bytes;
  return true;
}

void MessageReader::free_buffer() {
  if (chunk_ != nullptr) {
    context_->pool->put(chunk_);
  } else {
    ::operator delete(buffer_);
  }
  chunk_ = nullptr;
  buffer_ = nullptr;
}

void MessageReader::release_all() {
  free_buffer();
  queue_.reset();
  if (charged_bytes_ > 0) context_->budget->release(charged_bytes_);
  charged_bytes_ = 0;
  size_ = filled_ = room_ = 0;
  prefix_filled_ = 0;
}

ReadResult MessageReader::fail(ReadResult why, Bytes& data) {
  release_all();
  data = {};
  phase_ = Phase::kFailed;
  failure_ = why;
  return why;
}

void MessageReader::reset_slow() {
  release_all();
  phase_ = Phase::kIdle;
  budget_refused_ = false;
}

}  // namespace saker::grpc

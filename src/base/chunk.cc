#include "saker/base/chunk.h"

#include <algorithm>
#include <new>

namespace saker {
namespace {

void free_list(Chunk* chunk) {
  while (chunk != nullptr) {
    Chunk* next = chunk->next;
    ::operator delete(chunk);
    chunk = next;
  }
}

Chunk* pop(Chunk*& list) {
  Chunk* chunk = list;
  if (chunk != nullptr) list = chunk->next;
  return chunk;
}

}  // namespace

ChunkPool::~ChunkPool() {
  free_list(small_);
  free_list(large_);
  free_list(lenders_);
}

Chunk* ChunkPool::allocate(size_t capacity) {
  void* memory = ::operator new(sizeof(Chunk) + capacity);
  auto* chunk = new (memory) Chunk;
  chunk->capacity = static_cast<uint32_t>(capacity);
  return chunk;
}

Chunk* ChunkPool::get(size_t wanted) {
  const bool is_large = wanted > kSmallBytes;
  const size_t capacity = is_large ? kLargeBytes : kSmallBytes;
  Chunk* chunk = pop(is_large ? large_ : small_);
  if (chunk == nullptr) {
    chunk = allocate(capacity);
  } else {
    kept_ -= capacity;
  }
  ++outstanding_;
  chunk->next = nullptr;
  chunk->storage = reinterpret_cast<uint8_t*>(chunk + 1);
  chunk->begin = chunk->end = 0;
  return chunk;
}

Chunk* ChunkPool::lend(Bytes bytes, void (*release)(void*), void* argument) {
  Chunk* chunk = pop(lenders_);
  if (chunk == nullptr) chunk = allocate(0);
  ++outstanding_;
  chunk->next = nullptr;
  chunk->storage = const_cast<uint8_t*>(bytes.data());
  chunk->begin = 0;
  chunk->end = static_cast<uint32_t>(bytes.size());
  chunk->release = release;
  chunk->release_argument = argument;
  chunk->lender = nullptr;
  chunk->shares = 1;
  return chunk;
}

Chunk* ChunkPool::share(Chunk* chunk, size_t size) {
  Chunk* lender = chunk->lender != nullptr ? chunk->lender : chunk;
  Chunk* part = lend(chunk->bytes().first(size), nullptr, nullptr);
  part->lender = lender;
  ++lender->shares;
  return part;
}

void ChunkPool::put_lent(Chunk* chunk) {
  Chunk* lender = chunk->lender;
  if (--chunk->shares > 0) return;
  auto* release = chunk->release;
  void* argument = chunk->release_argument;
  chunk->next = lenders_;
  lenders_ = chunk;
  if (release != nullptr) release(argument);
  if (lender != nullptr) put_lent(lender);
}

void ChunkPool::put(Chunk* chunk) {
  --outstanding_;
  if (chunk->capacity == 0) return put_lent(chunk);
  if (kept_ + chunk->capacity > kept_bytes_) {
    ::operator delete(chunk);
    return;
  }
  kept_ += chunk->capacity;
  Chunk*& list = chunk->capacity == kSmallBytes ? small_ : large_;
  chunk->next = list;
  list = chunk;
}

ChunkQueue& ChunkQueue::operator=(ChunkQueue&& other) noexcept {
  if (this != &other) {
    clear();
    take(other);
  }
  return *this;
}

void ChunkQueue::take(ChunkQueue& other) {
  pool_ = other.pool_;
  head_ = other.head_;
  tail_ = other.tail_;
  size_ = other.size_;
  other.head_ = other.tail_ = nullptr;
  other.size_ = 0;
}

// The first chunk of a queue is small, so that a short reply costs little, and so are those between
// lent bytes (frame headers); a queue that grows moves on to large ones.
void ChunkQueue::add_chunk(size_t wanted) {
  const bool grow = tail_ != nullptr && tail_->capacity != 0;
  append(pool_->get(std::max(wanted, grow ? ChunkPool::kLargeBytes : size_t{1})));
}

void ChunkQueue::append(Bytes bytes) {
  while (!bytes.empty()) {
    if (tail_ == nullptr || tail_->capacity == tail_->end || tail_->capacity == 0)
      add_chunk(bytes.size());
    const size_t room = tail_->capacity - tail_->end;
    const size_t part = std::min(room, bytes.size());
    std::memcpy(tail_->storage + tail_->end, bytes.data(), part);
    commit(part);
    bytes = bytes.subspan(part);
  }
}

void ChunkQueue::append(Chunk* chunk) {
  chunk->next = nullptr;
  (tail_ == nullptr ? head_ : tail_->next) = chunk;
  tail_ = chunk;
  size_ += chunk->size();
}

void ChunkQueue::append(ChunkQueue&& other) {
  if (other.head_ == nullptr) return;
  (tail_ == nullptr ? head_ : tail_->next) = other.head_;
  tail_ = other.tail_;
  size_ += other.size_;
  other.head_ = other.tail_ = nullptr;
  other.size_ = 0;
}

void ChunkQueue::move_from(ChunkQueue& other, size_t size) {
  while (size > 0) {
    Chunk* chunk = other.head_;
    if (chunk->size() <= size) {
      size -= chunk->size();
      other.size_ -= chunk->size();
      other.head_ = chunk->next;
      if (other.head_ == nullptr) other.tail_ = nullptr;
      append(chunk);
      continue;
    }
    if (chunk->capacity == 0) {
      append(pool_->share(chunk, size));
    } else {
      append(chunk->bytes().first(size));
    }
    other.consume(size);
    size = 0;
  }
}

void ChunkQueue::consume(size_t size) {
  while (size > 0 || (head_ != nullptr && head_->size() == 0)) {
    const size_t part = std::min(size, head_->size());
    head_->begin += static_cast<uint32_t>(part);
    size_ -= part;
    size -= part;
    if (head_->size() == 0) pop_front();
  }
}

void ChunkQueue::copy_to(MutableBytes out) const {
  for (const Chunk* at = head_; !out.empty(); at = at->next) {
    const size_t part = std::min(out.size(), at->size());
    std::memcpy(out.data(), at->storage + at->begin, part);
    out = out.subspan(part);
  }
}

void ChunkQueue::pop_front() {
  Chunk* chunk = head_;
  head_ = chunk->next;
  if (head_ == nullptr) tail_ = nullptr;
  pool_->put(chunk);
}

void ChunkQueue::clear() {
  while (head_ != nullptr) pop_front();
  size_ = 0;
}

}  // namespace saker

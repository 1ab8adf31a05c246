// Chunk, ChunkPool, ChunkQueue: bytes on their way out (and large bodies on their way in). A chunk
// either carries its own storage, recycled through its loop's pool, or lends somebody else's bytes
// and calls back when they are no longer needed. A queue is a FIFO of chunks that is appended to in
// place: prepare() gives contiguous room, commit() makes it part of the queue. Thread rule: a pool,
// its chunks and all queues that use it belong to one loop.
//
//   Chunk:  [header | storage ........................ ]
//                     ^begin      ^end         ^capacity
#pragma once

#include <cstddef>
#include <cstdint>

#include "saker/base/bytes.h"
#include "saker/base/check.h"

namespace saker {

struct Chunk {
  Chunk* next = nullptr;
  uint8_t* storage = nullptr;  // own storage right behind this header, or lent bytes
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t capacity = 0;             // 0 for lent bytes
  void (*release)(void*) = nullptr;  // lent bytes: called once they are no longer needed
  void* release_argument = nullptr;
  Chunk* lender = nullptr;  // a part of another chunk's lent bytes: that chunk
  uint32_t shares = 0;      // lent bytes: this chunk and the parts of it that are still queued

  Bytes bytes() const { return {storage + begin, storage + end}; }
  size_t size() const { return end - begin; }
};

// Two sizes of chunk, each with a free list that keeps at most `kept_bytes` in all.
class ChunkPool {
 public:
  static constexpr size_t kSmallBytes = 4096 - sizeof(Chunk);
  static constexpr size_t kLargeBytes = 65536 - sizeof(Chunk);

  explicit ChunkPool(size_t kept_bytes = 4 << 20) : kept_bytes_(kept_bytes) {}
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // An empty chunk with room for at least min(`wanted`, kLargeBytes) bytes.
  Chunk* get(size_t wanted);
  // A chunk that lends `bytes` until release(argument) is called; `bytes` stay the lender's. At
  // most 2^32 - 1 bytes.
  Chunk* lend(Bytes bytes, void (*release)(void*), void* argument);
  // A chunk for the first `size` of `chunk`'s lent bytes; the release waits for both,
  // in whatever order they return.
  Chunk* share(Chunk* chunk, size_t size);
  void put(Chunk* chunk);

  size_t outstanding() const { return outstanding_; }  // chunks handed out and not yet returned

 private:
  Chunk* allocate(size_t capacity);
  void put_lent(Chunk* chunk);

  Chunk* small_ = nullptr;
  Chunk* large_ = nullptr;
  Chunk* lenders_ = nullptr;
  size_t kept_ = 0;
  size_t kept_bytes_;
  size_t outstanding_ = 0;
};

class ChunkQueue {
 public:
  explicit ChunkQueue(ChunkPool& pool) : pool_(&pool) {}
  ChunkQueue(ChunkQueue&& other) noexcept { take(other); }
  ChunkQueue& operator=(ChunkQueue&& other) noexcept;
  ~ChunkQueue() { clear(); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Chunk* front() const { return head_; }
  ChunkPool& pool() const { return *pool_; }

  // `size` contiguous writable bytes at the end, size <= ChunkPool::kLargeBytes;
  // they count only after commit().
  uint8_t* prepare(size_t size) {
    if (tail_ == nullptr || tail_->capacity - tail_->end < size || tail_->capacity == 0)
      add_chunk(size);
    return tail_->storage + tail_->end;
  }
  void commit(size_t size) {
    SAKER_DCHECK(tail_->end + size <= tail_->capacity);
    tail_->end += static_cast<uint32_t>(size);
    size_ += size;
  }
  void commit_if(size_t size) {
    if (size != 0) commit(size);
  }
  // Writable bytes left behind the last prepare().
  size_t room() const { return tail_->capacity - tail_->end; }
  // Copies.
  void append(Bytes bytes);
  // Takes ownership of a chunk.
  void append(Chunk* chunk);
  // Takes all of `other`.
  void append(ChunkQueue&& other);
  // Moves the first `size` bytes of `other` behind ours,
  // without copying where whole chunks or lent ranges move.
  void move_from(ChunkQueue& other, size_t size);
  // Drops `size` bytes from the front.
  void consume(size_t size);
  // Copies the first out.size() bytes to `out`; the queue must hold that many.
  void copy_to(MutableBytes out) const;
  void clear();

 private:
  void add_chunk(size_t wanted);
  void pop_front();
  void take(ChunkQueue& other);

  ChunkPool* pool_ = nullptr;
  Chunk* head_ = nullptr;
  Chunk* tail_ = nullptr;
  size_t size_ = 0;
};

}  // namespace saker

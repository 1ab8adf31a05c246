// HeadCache: request heads that came before, so that a client which sends the same head with every
// call has it decoded and checked once. Keyed by the coded bytes and the state of the dynamic table
// that they were decoded with: the same bytes mean something else after an insertion. A head enters
// when it comes for the second time, so that heads which vary cost no copy. Never holds secrets
// (fields never indexed, RFC 7541 section 7.1.3), truncated or malformed heads. Pure; one
// connection's own; empty until the first repetition and again when the connection is idle.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "saker/base/bytes.h"
#include "saker/h2/header_rules.h"
#include "saker/hpack/field.h"

namespace saker::h2 {

// What the visitor makes of a cached head; its own, null at first.
struct HeadMemo {
  const void* user = nullptr;
};

// Owns all that its fields point to. What a look-up touches comes first and together.
struct CachedHead {
  static constexpr size_t kMaxBlockBytes = 200;

  HeadMemo memo;
  HeadFacts facts;
  uint32_t block_bytes = 0;
  std::array<uint8_t, kMaxBlockBytes> block;
  std::vector<char> text;
  std::vector<hpack::Field> fields;

  bool is_of(Bytes bytes) const {
    return block_bytes == bytes.size() &&
           std::memcmp(block.data(), bytes.data(), bytes.size()) == 0;
  }
  size_t memory_bytes() const {
    return sizeof *this + text.capacity() + fields.capacity() * sizeof(hpack::Field);
  }
};

class HeadCache {
 public:
  static constexpr size_t kMaxHeads = 8;
  static constexpr size_t kMaxBytes = 6 * 1024;  // limit: of all heads together

  // The head that `block` stands for while the table is in state `generation`, or null.
  CachedHead* try_find(Bytes block, uint64_t generation) const {
    if (generation != generation_) return nullptr;
    for (size_t at = 0; at < count_; ++at) {
      if (heads_[at]->is_of(block)) return heads_[at].get();
    }
    return nullptr;
  }
  // A head that was decoded, is well-formed and whole, and left the table as it was.
  void note(Bytes block, uint64_t generation, std::span<const hpack::Field> fields,
            const HeadFacts& facts);
  void release();
  size_t heads() const { return count_; }
  size_t memory_bytes() const { return bytes_; }

 private:
  bool seen_before(Bytes block);
  void add(std::unique_ptr<CachedHead> head);

  void drop(size_t at);

  uint64_t generation_ = 0;
  size_t count_ = 0;
  std::array<std::unique_ptr<CachedHead>, kMaxHeads> heads_;
  std::array<uint32_t, kMaxHeads> candidates_{};  // hashes of blocks that came once
  size_t bytes_ = 0;
  size_t next_ = 0;  // to be replaced
};

}  // namespace saker::h2

// Encoder: fields into header blocks (RFC 7541). One per connection and direction. What repeats on
// every call (paths, content-type, user-agent, te, grpc-status, …) goes through the dynamic table;
// what varies (grpc-timeout, grpc-message, content-length, traces, tokens) is a literal without
// indexing; credentials (authorization, cookie) are never indexed. Pure. A block once encoded must
// be sent, in the order of encoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "saker/base/bytes.h"
#include "saker/hpack/dynamic_table.h"
#include "saker/hpack/field.h"

namespace saker::hpack {

enum class Indexing : uint8_t {
  kAuto,     // by the name, as said above
  kIndex,    // insert into the dynamic table (if it fits into a quarter of it)
  kLiteral,  // never insert
  kNever,    // literal never indexed
};

struct OutField {
  std::string_view name;  // lower case
  std::string_view value;
  Indexing indexing = Indexing::kAuto;
};

// An encoded block kept for reuse: valid as long as the encoder's table has not changed since.
// Small and self-contained.
struct CachedBlock {
  static constexpr size_t kMaxBytes = 40;
  uint64_t generation = 0;  // 0: empty
  uint8_t size = 0;
  uint8_t bytes[kMaxBytes];
};

class Encoder {
 public:
  static constexpr uint32_t kMaxTableBytes = 4096;

  // `max_table_bytes`: the most we use, whatever the peer allows; at most kMaxTableBytes.
  explicit Encoder(uint32_t max_table_bytes = kMaxTableBytes);
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  // The peer's SETTINGS_HEADER_TABLE_SIZE. Takes effect with a size update at the start of the next
  // block (both the minimum and the final size if it shrank and grew
  // in between: RFC 7541 section 4.2).
  void set_peer_max_table_bytes(uint32_t bytes);

  // The most bytes that encode(fields) can append.
  static size_t max_encoded_bytes(std::span<const OutField> fields);
  // Encodes one whole block to `out`, which has room for max_encoded_bytes(fields);
  // returns the bytes written.
  size_t encode(std::span<const OutField> fields, uint8_t* out);

  // Grows with every change of the table or pending size update; a CachedBlock of another
  // generation is stale. Never 0.
  uint64_t generation() const { return generation_; }
  // True when `block` may be sent as it is.
  bool is_current(const CachedBlock& block) const { return block.generation == generation_; }
  // Encodes, and keeps the result in `cache` when it fits and encoding it again would yield the
  // same bytes (that is: nothing was inserted and no size update was written by this very call).
  // Returns the bytes written to `out`.
  size_t encode(std::span<const OutField> fields, uint8_t* out, CachedBlock& cache);

  size_t table_bytes() const { return table_.bytes(); }
  size_t memory_bytes() const { return table_.memory_bytes(); }

 private:
  // HPACK indices, 0 for none.
  struct Match {
    uint32_t field = 0;
    uint32_t name = 0;
  };

  uint8_t* encode_size_updates(uint8_t* at);
  uint8_t* encode_field(const OutField& field, uint8_t* at);
  void find_dynamic(const OutField& field, uint64_t hashes, Match& match) const;
  bool wants_insert(const OutField& field, Token token, bool name_known) const;
  void insert(const OutField& field, uint64_t hashes);
  void evict_to(size_t bytes);

  DynamicTable table_;  // its memos hold the hashes of name and field
  uint64_t generation_ = 1;
  uint32_t max_bytes_;
  uint32_t limit_bytes_;     // the table's, as the peer's decoder knows it
  uint32_t smallest_bytes_;  // asked for since the last block
  uint32_t wanted_bytes_;    // asked for last
};

}  // namespace saker::hpack

// Decoder: one direction's header blocks back into fields (RFC 7541). One per connection and
// direction. Pure: bytes in, fields out, no clock, no log; limits are its options.
//
// The caller passes each block whole (HEADERS and its CONTINUATIONs joined). Every block must be
// decoded, even one that will be refused, or the tables of the two ends part ways; a block past
// `max_list_bytes` or `max_fields` is therefore decoded to its end with the surplus fields dropped
// and `truncated` set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "saker/base/bytes.h"
#include "saker/hpack/dynamic_table.h"
#include "saker/hpack/field.h"
#include "saker/hpack/huffman.h"
#include "saker/hpack/path_memo.h"
#include "saker/hpack/value_memo.h"

namespace saker::hpack {

struct DecoderOptions {
  // SETTINGS_HEADER_TABLE_SIZE that we announce; the most a size update may set. At most
  // kLargestTableBytes, more is cut. Until the peer has acknowledged it (set_max_table_bytes), the
  // initial 4096 of RFC 9113 section 6.5.2 are allowed as well.
  uint32_t max_table_bytes = 4096;
  uint32_t max_list_bytes = 16 * 1024;  // sum of name + value + 32 (RFC 9113 section 6.5.2)
  uint32_t max_fields = 128;
};

// Working memory of decoding, shared by all decoders of one loop: it holds no state of a
// connection between blocks. Grows to the largest (block * 2 + max_list_bytes
// + table) seen and then stays.
class DecoderScratch {
 public:
  DecoderScratch() = default;
  DecoderScratch(const DecoderScratch&) = delete;
  DecoderScratch& operator=(const DecoderScratch&) = delete;

 private:
  friend class Decoder;

  void begin(size_t text_bytes, size_t field_count) {
    if (text_bytes > text_capacity_ || field_count > field_capacity_) [[unlikely]] {
      grow(text_bytes, field_count);
    }
    text_used_ = 0;
  }
  void grow(size_t text_bytes, size_t field_count);
  std::string_view copy(std::string_view text);

  std::unique_ptr<Field[]> fields_;
  std::unique_ptr<char[]> text_;  // what Huffman coding and eviction keep from pointing elsewhere
  size_t field_capacity_ = 0;
  size_t text_capacity_ = 0;
  size_t text_used_ = 0;
  PathMemo paths_;
};

struct DecodedBlock {
  // In order; valid until the next decode with the same scratch or decoder.
  std::span<const Field> fields;
  bool truncated = false;  // a list limit was passed: the fields past it are missing
};

class Decoder {
 public:
  Decoder(const DecoderOptions& options, DecoderScratch& scratch);
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Decodes one whole header block. False: COMPRESSION_ERROR, the connection must end (RFC 9113
  // section 4.3), and `why()` says what was wrong. Time linear in block.size() plus the bytes of
  // the fields delivered and inserted.
  [[nodiscard]] bool decode(Bytes block, DecodedBlock& out);
  const char* why() const { return why_; }

  // We announced a new SETTINGS_HEADER_TABLE_SIZE and the peer has acknowledged it: the next block
  // must open with a size update if the table is now larger than allowed (RFC 7541 section 4.2).
  void set_max_table_bytes(uint32_t bytes);

  // Changes whenever the same block may come to mean something else.
  uint64_t generation() const { return generation_; }
  size_t table_bytes() const { return table_.bytes(); }  // RFC 7541 size: name + value + 32 each
  size_t table_entries() const { return table_.count(); }
  // Gives back what only a busy connection needs.
  void release_idle_memory() { values_.release(); }
  // The heap behind this decoder.
  size_t memory_bytes() const { return table_.memory_bytes() + values_.memory_bytes(); }

 private:
  static constexpr uint64_t kNoEntry = UINT64_MAX;
  static constexpr uint32_t kNoUpdate = UINT32_MAX;
  static constexpr size_t kNoMark = SIZE_MAX;

  const uint8_t* skip_surplus(const uint8_t* at, const uint8_t* end) const;
  bool refuse(const char* why, DecodedBlock& out);
  const uint8_t* fail(const char* why);

  const uint8_t* read_field(const uint8_t* at, const uint8_t* end, Field& out);
  const uint8_t* read_long_index(const uint8_t* at, const uint8_t* end, Field& out);
  static void copy_entry(const DynamicTable::View& table, uint32_t age, Field& out);
  const uint8_t* read_literal(const uint8_t* at, const uint8_t* end, unsigned index_bits,
                              Field& out, bool& name_legal);
  const uint8_t* read_name(const uint8_t* at, const uint8_t* end, Field& out, bool& name_legal);
  const uint8_t* read_value(const uint8_t* at, const uint8_t* end, Field& out, bool name_legal);
  const uint8_t* read_text(const uint8_t* at, const uint8_t* end, Bytes& raw, bool& huffman);
  bool decode_text(Bytes coded, std::string_view& text, HuffmanText& decoded);
  bool decode_value(Bytes coded, Field& out);
  bool decode_path(Bytes coded, Field& out);
  bool decode_long_value(Bytes coded, Field& out);
  const uint8_t* read_size_updates(const uint8_t* at, const uint8_t* end);

  void insert(Field& field, bool name_legal);
  void evict_to(size_t bytes);
  void note_reference(uint32_t age) {
    oldest_referenced_ = std::min(oldest_referenced_, table_.inserted() - 1 - age);
  }
  void detach_fields();
  void detach(Field& field);
  void drop_literal();

  DynamicTable table_;
  ValueMemo values_;
  DecoderScratch& scratch_;
  const char* why_ = "";
  // The oldest entry that a field of this block may point to: evicting it, or moving any, must
  // detach the fields first.
  uint64_t oldest_referenced_ = kNoEntry;
  uint64_t generation_ = 1;
  size_t field_count_ = 0;          // fields delivered so far, while the slow paths run
  size_t detached_mark_ = kNoMark;  // where the copy of the field in hand begins in the scratch
  uint32_t max_list_bytes_;
  uint32_t max_fields_;
  uint32_t limit_bytes_;                 // the table's, as the peer last set it
  uint32_t allowed_bytes_;               // the most it may set
  uint32_t required_bytes_ = kNoUpdate;  // the next block must first set at most this
};

}  // namespace saker::hpack

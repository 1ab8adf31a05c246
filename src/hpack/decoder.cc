// The loop over indexed fields is the fast path and keeps to registers; everything else is out of
// line. A field that goes to the reader points into the block, the static or the dynamic table, or
// the scratch. Evicting or moving entries that fields of the same block point to first copies those
// fields' text to the scratch; `oldest_referenced_` makes that a rare event.
#include "saker/hpack/decoder.h"

#include <algorithm>
#include <cstring>

#include "saker/hpack/huffman.h"
#include "saker/hpack/integer.h"
#include "saker/hpack/static_table.h"

namespace saker::hpack {
namespace {

constexpr uint32_t kInitialTableBytes = 4096;  // RFC 9113 section 6.5.2
constexpr int kMaxSizeUpdates = 2;             // the smallest and the final (RFC 7541 section 4.2)

constexpr size_t kSlackBytes = 64;  // Huffman decoding stores in pairs

constexpr uint8_t kIndexed = 0x80;
constexpr uint8_t kInserting = 0x40;
constexpr uint8_t kSizeUpdate = 0x20;
constexpr uint8_t kNeverIndexed = 0x10;
constexpr uint8_t kHuffman = 0x80;
constexpr uint8_t kOneByteLength = 0x7f;  // lengths below it, of strings that are not coded

// Of the indices 1 to 126 that fit into the seven bits.
constexpr uint32_t kDynamicIndicesOfOneByte = 126 - kStaticEntries;

bool is_size_update(uint8_t first) {
  return (first & 0xe0) == kSizeUpdate;
}

}  // namespace

void DecoderScratch::grow(size_t text_bytes, size_t field_count) {
  if (text_bytes > text_capacity_) {
    text_ = std::make_unique_for_overwrite<char[]>(text_bytes);
    text_capacity_ = text_bytes;
  }
  if (field_count > field_capacity_) {
    fields_ = std::make_unique<Field[]>(field_count);
    field_capacity_ = field_count;
  }
}

std::string_view DecoderScratch::copy(std::string_view text) {
  SAKER_DCHECK(text.size() <= text_capacity_ - text_used_);
  char* const to = text_.get() + text_used_;
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  text_used_ += text.size();
  return {to, text.size()};
}

Decoder::Decoder(const DecoderOptions& options, DecoderScratch& scratch)
    : scratch_(scratch),
      max_list_bytes_(options.max_list_bytes),
      max_fields_(options.max_fields),
      limit_bytes_(kInitialTableBytes),
      allowed_bytes_(
          std::min(std::max(options.max_table_bytes, kInitialTableBytes), kLargestTableBytes)) {}

void Decoder::set_max_table_bytes(uint32_t bytes) {
  ++generation_;
  bytes = std::min(bytes, kLargestTableBytes);
  allowed_bytes_ = bytes;
  // Shrinking and growing again before the next block still requires the smallest one.
  if (bytes < limit_bytes_) required_bytes_ = std::min(required_bytes_, bytes);
}

bool Decoder::decode(Bytes block, DecodedBlock& out) {
  const uint8_t* at = block.data();
  const uint8_t* const end = at + block.size();
  // Each coded byte becomes at most 8/5 bytes; each delivered field
  // and the one in hand are copied at most once.
  scratch_.begin(block.size() * 2 + max_list_bytes_ + allowed_bytes_ + kSlackBytes,
                 size_t{max_fields_} + 1);
  oldest_referenced_ = kNoEntry;
  if (required_bytes_ != kNoUpdate || (at != end && is_size_update(*at))) [[unlikely]] {
    at = read_size_updates(at, end);
    if (at == nullptr) return refuse(why_, out);
  }
  Field* const fields = scratch_.fields_.get();
  Field* const last = fields + max_fields_;
  Field* field = fields;
  size_t room_bytes = max_list_bytes_;
  bool truncated = false;
  DynamicTable::View table = table_.view();
  uint32_t oldest_age = 0;  // plus one, of the entries that fields point to; 0 for none
  for (; at != end; ++field) {
    const uint32_t first = *at;
    const uint32_t age = first - kIndexed - kStaticEntries - 1;  // huge for a static index
    if (age < kDynamicIndicesOfOneByte) {
      ++at;
      if (age >= table.count) [[unlikely]]
        return refuse("index beyond the table", out);
      copy_entry(table, age, *field);
      oldest_age = std::max(oldest_age, age + 1);
    } else if (first > kIndexed && first < 0xff) {
      ++at;
      *field = kStaticTable[first - kIndexed];
    } else {
      if (oldest_age != 0) note_reference(oldest_age - 1);
      oldest_age = 0;
      field_count_ = static_cast<size_t>(field - fields);
      at = read_field(at, end, *field);
      if (at == nullptr) return refuse(why_, out);
      table = table_.view();
    }
    const size_t bytes = field->name.size() + field->value.size() + kEntryOverheadBytes;
    if (bytes > room_bytes || field == last) [[unlikely]] {
      if (first <= kIndexed) drop_literal();
      truncated = true;
      room_bytes = 0;  // no later and smaller field may slip in
      at = skip_surplus(at, end);
      --field;
      continue;
    }
    room_bytes -= bytes;
  }
  out.fields = {fields, field};
  out.truncated = truncated;
  return true;
}

// Steps over surplus fields that leave no trace and can be told to be sound at a glance: indices, and
// literals that are neither coded nor inserted. Stops at the first that is anything else.
const uint8_t* Decoder::skip_surplus(const uint8_t* at, const uint8_t* end) const {
  const uint32_t indices = kStaticEntries + static_cast<uint32_t>(table_.count());
  const auto skip_text = [end](const uint8_t* text) -> const uint8_t* {
    if (text == nullptr || text == end || *text >= kOneByteLength) return nullptr;
    return *text < end - text ? text + 1 + *text : nullptr;
  };
  for (; at != end;) {
    const uint32_t first = *at;
    const uint8_t* next = nullptr;
    if (first > kIndexed && first < 0xff) {
      if (first - kIndexed <= indices) next = at + 1;
    } else if (first < kSizeUpdate) {
      uint32_t index = 0;
      next = parse_integer(at, end, 4, index);
      if (next == nullptr || index > indices) return at;
      if (index == 0) next = skip_text(next);
      next = skip_text(next);
    }
    if (next == nullptr) return at;
    at = next;
  }
  return at;
}

bool Decoder::refuse(const char* why, DecodedBlock& out) {
  why_ = why;
  out = {};
  return false;
}

const uint8_t* Decoder::fail(const char* why) {
  why_ = why;
  return nullptr;
}

inline void Decoder::copy_entry(const DynamicTable::View& table, uint32_t age, Field& out) {
  const DynamicTable::Entry& entry = table.at(age);
  const char* const name = table.storage + entry.offset;
  out.name = {name, entry.name_bytes};
  out.value = {name + entry.name_bytes, entry.value_bytes};
  out.token = entry.token;
  out.legal = entry.legal;
  out.never_index = false;
}

// Everything but indices of one byte.
const uint8_t* Decoder::read_field(const uint8_t* at, const uint8_t* end, Field& out) {
  detached_mark_ = kNoMark;
  const uint8_t first = *at;
  if (first >= kIndexed) return read_long_index(at, end, out);
  if (is_size_update(first)) return fail("size update after the start of the block");
  const bool inserting = (first & kInserting) != 0;
  bool name_legal = true;
  at = read_literal(at, end, inserting ? 6 : 4, out, name_legal);
  if (at == nullptr) return nullptr;
  out.never_index = !inserting && (first & kNeverIndexed) != 0;
  if (inserting) insert(out, name_legal);
  return at;
}

const uint8_t* Decoder::read_long_index(const uint8_t* at, const uint8_t* end, Field& out) {
  uint32_t index = 0;
  at = parse_integer(at, end, 7, index);
  if (at == nullptr) return fail("index cut off or too large");
  if (index == 0) return fail("index 0");
  if (index <= kStaticEntries) {
    out = kStaticTable[index];
    return at;
  }
  const uint32_t age = index - kStaticEntries - 1;
  if (age >= table_.count()) return fail("index beyond the table");
  copy_entry(table_.view(), age, out);
  note_reference(age);
  return at;
}

inline const uint8_t* Decoder::read_literal(const uint8_t* at, const uint8_t* end,
                                            unsigned index_bits, Field& out, bool& name_legal) {
  uint32_t index = 0;
  at = parse_integer(at, end, index_bits, index);
  if (at == nullptr) return fail("name index cut off or too large");
  if (index == 0) {
    at = read_name(at, end, out, name_legal);
    if (at == nullptr) return nullptr;
  } else if (index <= kStaticEntries) {
    out.name = kStaticTable[index].name;
    out.token = kStaticTable[index].token;
  } else {
    const uint32_t age = index - kStaticEntries - 1;
    if (age >= table_.count()) return fail("name index beyond the table");
    const DynamicTable::Entry& entry = table_.at(age);
    out.name = table_.name(entry);
    out.token = entry.token;
    name_legal = entry.name_legal;
    note_reference(age);
  }
  return read_value(at, end, out, name_legal);
}

const uint8_t* Decoder::read_name(const uint8_t* at, const uint8_t* end, Field& out,
                                  bool& name_legal) {
  bool huffman = false;
  Bytes raw;
  at = read_text(at, end, raw, huffman);
  if (at == nullptr) return nullptr;
  out.name = as_text(raw);
  if (huffman) {
    HuffmanText decoded;
    if (!decode_text(raw, out.name, decoded)) return nullptr;
  }
  out.token = token_of(out.name);
  name_legal = is_legal_name(out.name);
  return at;
}

inline const uint8_t* Decoder::read_value(const uint8_t* at, const uint8_t* end, Field& out,
                                          bool name_legal) {
  bool huffman = false;
  Bytes raw;
  at = read_text(at, end, raw, huffman);
  if (at == nullptr) return nullptr;
  if (!huffman) {
    out.value = as_text(raw);
    out.legal = name_legal && is_legal_value(out.value);
    return at;
  }
  if (out.token == Token::kPath && PathMemo::accepts(raw)) {
    if (!decode_path(raw, out)) return nullptr;
  } else if (ValueMemo::accepts(raw)) {
    if (!decode_long_value(raw, out)) return nullptr;
  } else if (!decode_value(raw, out)) {
    return nullptr;
  }
  out.legal = out.legal && name_legal;
  return at;
}

// RFC 7541 section 5.2.
inline const uint8_t* Decoder::read_text(const uint8_t* at, const uint8_t* end, Bytes& raw,
                                         bool& huffman) {
  if (at == end) return fail("string cut off");
  huffman = (*at & kHuffman) != 0;
  uint32_t size = 0;
  at = parse_integer(at, end, 7, size);
  if (at == nullptr) return fail("string length cut off or too large");
  if (size > static_cast<size_t>(end - at)) return fail("string longer than the block");
  raw = {at, size};
  return at + size;
}

bool Decoder::decode_text(Bytes coded, std::string_view& text, HuffmanText& decoded) {
  SAKER_DCHECK(max_huffman_decoded_bytes(coded.size()) <=
               scratch_.text_capacity_ - scratch_.text_used_);
  char* const to = scratch_.text_.get() + scratch_.text_used_;
  decoded = huffman_decode(coded, to);
  if (!decoded.ok) {
    why_ = "malformed Huffman code";
    return false;
  }
  scratch_.text_used_ += decoded.bytes;
  text = {to, decoded.bytes};
  return true;
}

bool Decoder::decode_value(Bytes coded, Field& out) {
  HuffmanText decoded;
  if (!decode_text(coded, out.value, decoded)) return false;
  out.legal = !decoded.has_forbidden && !has_blank_edge(out.value);
  return true;
}

// The text is copied out, for a later path of the block may take the slot.
bool Decoder::decode_path(Bytes coded, Field& out) {
  PathMemo::Slot& slot = scratch_.paths_.slot_of(coded);
  if (!PathMemo::holds(slot, coded)) {
    if (!decode_value(coded, out)) return false;
    PathMemo::remember(slot, coded, out.value, out.legal);
    return true;
  }
  SAKER_DCHECK(PathMemo::kMaxTextBytes <= scratch_.text_capacity_ - scratch_.text_used_);
  char* const to = scratch_.text_.get() + scratch_.text_used_;
  std::memcpy(to, slot.text.data(), PathMemo::kMaxTextBytes);
  scratch_.text_used_ += slot.text_bytes;
  out.value = {to, slot.text_bytes};
  out.legal = slot.legal;
  return true;
}

bool Decoder::decode_long_value(Bytes coded, Field& out) {
  if (const ValueMemo::Slot* slot = values_.try_find(coded); slot != nullptr) {
    out.value = scratch_.copy(slot->text());  // a later value of the block may take the slot
    out.legal = slot->legal;
    return true;
  }
  if (!decode_value(coded, out)) return false;
  values_.remember(coded, out.value, out.legal);
  return true;
}

// RFC 7541 section 4.2: at the start of a block only, and there first the smallest size that was
// in force since the last block if we shrank the table.
const uint8_t* Decoder::read_size_updates(const uint8_t* at, const uint8_t* end) {
  for (int updates = 0; at != end && is_size_update(*at); ++updates) {
    if (updates == kMaxSizeUpdates) return fail("more than two size updates");
    uint32_t bytes = 0;
    at = parse_integer(at, end, 5, bytes);
    if (at == nullptr) return fail("size update cut off or too large");
    if (bytes > std::min(allowed_bytes_, required_bytes_)) return fail("size update too large");
    ++generation_;
    required_bytes_ = kNoUpdate;
    limit_bytes_ = bytes;
    evict_to(bytes);
    if (bytes == 0) table_.release();
  }
  if (required_bytes_ != kNoUpdate) return fail("size update missing");
  return at;
}

// RFC 7541 section 4.4: entries make way before the new one is added, among them perhaps the one
// that it took its name from; one larger than the table empties it.
void Decoder::insert(Field& field, bool name_legal) {
  ++generation_;
  const size_t text_bytes = field.name.size() + field.value.size();
  const size_t bytes = text_bytes + kEntryOverheadBytes;
  evict_to(bytes > limit_bytes_ ? 0 : limit_bytes_ - bytes);
  if (bytes > limit_bytes_) return;
  if (!table_.has_room(text_bytes)) {
    if (oldest_referenced_ != kNoEntry) detach_fields();
    table_.make_room(text_bytes);
  }
  DynamicTable::Entry& entry = table_.append(field.name, field.value);
  entry.token = field.token;
  entry.legal = field.legal;
  entry.name_legal = name_legal;
}

void Decoder::evict_to(size_t bytes) {
  while (table_.bytes() > bytes) {
    if (table_.oldest_number() >= oldest_referenced_) detach_fields();
    table_.evict_oldest();
  }
}

// From here on no field of this block points into the table. Each field is copied at most once, so
// the sum stays within max_list_bytes and the field in hand.
void Decoder::detach_fields() {
  Field* const fields = scratch_.fields_.get();
  for (size_t i = 0; i < field_count_; ++i) detach(fields[i]);
  detached_mark_ = scratch_.text_used_;
  detach(fields[field_count_]);
  oldest_referenced_ = kNoEntry;
}

void Decoder::detach(Field& field) {
  if (table_.owns(field.name.data())) field.name = scratch_.copy(field.name);
  if (table_.owns(field.value.data())) field.value = scratch_.copy(field.value);
}

// A dropped field leaves no copy behind, or many of them would fill the scratch.
void Decoder::drop_literal() {
  if (detached_mark_ != kNoMark) scratch_.text_used_ = detached_mark_;
}

}  // namespace saker::hpack

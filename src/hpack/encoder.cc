// Choices of representation. The first value of a name that varies is inserted once, if that evicts
// nothing, so that later ones are literals with an indexed name. Huffman coding is paid for only
// where it is done once: in what is inserted.
#include "saker/hpack/encoder.h"

#include <algorithm>
#include <cstring>

#include "saker/hpack/field.h"
#include "saker/hpack/huffman.h"
#include "saker/hpack/integer.h"
#include "saker/hpack/static_table.h"

namespace saker::hpack {
namespace {

constexpr uint32_t kInitialTableBytes = 4096;  // RFC 9113 section 6.5.2
constexpr uint32_t kLargestShare = 4;          // one entry may take a quarter of the table

constexpr uint8_t kIndexed = 0x80;
constexpr uint8_t kInserting = 0x40;
constexpr uint8_t kSizeUpdate = 0x20;
constexpr uint8_t kNeverIndexed = 0x10;
constexpr uint8_t kWithoutIndexing = 0x00;
constexpr uint8_t kHuffman = 0x80;

// RFC 7541 section 7.1.3.
bool is_credential(std::string_view name, Token token) {
  if (token == Token::kCookie) return true;
  if (token != Token::kOther) return false;
  return name == "authorization" || name == "proxy-authorization" || name == "set-cookie" ||
         name.ends_with("-api-key") || name.ends_with("-token");
}

bool repeats(Token token) {
  switch (token) {
    case Token::kAuthority:
    case Token::kMethod:
    case Token::kPath:
    case Token::kScheme:
    case Token::kStatus:
    case Token::kProtocol:
    case Token::kContentType:
    case Token::kTe:
    case Token::kHost:
    case Token::kUserAgent:
    case Token::kGrpcEncoding:
    case Token::kGrpcAcceptEncoding:
    case Token::kGrpcStatus:
      return true;
    default:
      return false;
  }
}

// Only ever compared within one table and confirmed by the text, so collisions cost time alone.
uint32_t hash_text(std::string_view text, uint32_t seed) {
  constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;
  uint64_t hash = seed + text.size();
  const auto mix = [&](uint64_t word) {
    hash = (hash ^ word) * kFactor;
    hash ^= hash >> 29;
  };
  const auto load = [&]<typename Word>(size_t at, Word word) -> uint64_t {
    std::memcpy(&word, text.data() + at, sizeof word);
    return word;
  };
  const size_t size = text.size();
  if (size >= 8) {  // the last word overlaps the one before it
    for (size_t at = 0; at < size - 8; at += 8) mix(load(at, uint64_t{}));
    mix(load(size - 8, uint64_t{}));
  } else if (size >= 4) {
    mix(load(0, uint32_t{}) << 32 | load(size - 4, uint32_t{}));
  } else if (size > 0) {
    mix(load(0, uint8_t{}) << 16 | load(size / 2, uint8_t{}) << 8 | load(size - 1, uint8_t{}));
  }
  return static_cast<uint32_t>(hash >> 32);
}

uint32_t name_hash_of(uint64_t hashes) {
  return static_cast<uint32_t>(hashes >> 32);
}

uint64_t hashes_of(const OutField& field) {
  const uint32_t name = hash_text(field.name, 0);
  return uint64_t{name} << 32 | hash_text(field.value, name);
}

size_t table_bytes_of(const OutField& field) {
  return field.name.size() + field.value.size() + kEntryOverheadBytes;
}

uint8_t* encode_text(uint8_t* at, std::string_view text, bool try_huffman) {
  const size_t coded = try_huffman ? huffman_encoded_bytes(text) : text.size();
  if (coded < text.size()) {
    at = encode_integer(at, kHuffman, 7, static_cast<uint32_t>(coded));
    return huffman_encode(text, at);
  }
  at = encode_integer(at, 0, 7, static_cast<uint32_t>(text.size()));
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

uint8_t* encode_literal(uint8_t* at, uint8_t pattern, uint32_t name_index, const OutField& field) {
  const bool inserting = pattern == kInserting;
  at = encode_integer(at, pattern, inserting ? 6 : 4, name_index);
  if (name_index == 0) at = encode_text(at, field.name, inserting);
  return encode_text(at, field.value, inserting);
}

}  // namespace

Encoder::Encoder(uint32_t max_table_bytes)
    : max_bytes_(std::min(max_table_bytes, kMaxTableBytes)),
      limit_bytes_(kInitialTableBytes),
      smallest_bytes_(max_bytes_),
      wanted_bytes_(max_bytes_) {}

void Encoder::set_peer_max_table_bytes(uint32_t bytes) {
  bytes = std::min(bytes, max_bytes_);
  if (bytes == wanted_bytes_) return;
  wanted_bytes_ = bytes;
  smallest_bytes_ = std::min(smallest_bytes_, bytes);
  ++generation_;
}

size_t Encoder::max_encoded_bytes(std::span<const OutField> fields) {
  size_t bytes = 2 * kMaxIntegerBytes;
  for (const OutField& field : fields) {
    bytes += field.name.size() + field.value.size() + 3 * kMaxIntegerBytes;
  }
  return bytes;
}

size_t Encoder::encode(std::span<const OutField> fields, uint8_t* out) {
  uint8_t* at = out;
  if (smallest_bytes_ != limit_bytes_ || wanted_bytes_ != limit_bytes_) [[unlikely]] {
    at = encode_size_updates(at);
  }
  for (const OutField& field : fields) at = encode_field(field, at);
  return static_cast<size_t>(at - out);
}

size_t Encoder::encode(std::span<const OutField> fields, uint8_t* out, CachedBlock& cache) {
  const uint64_t before = generation_;
  const size_t size = encode(fields, out);
  cache.generation = 0;
  if (generation_ != before || size > CachedBlock::kMaxBytes) return size;
  cache.generation = generation_;
  cache.size = static_cast<uint8_t>(size);
  if (size > 0) std::memcpy(cache.bytes, out, size);
  return size;
}

uint8_t* Encoder::encode_size_updates(uint8_t* at) {
  if (smallest_bytes_ < wanted_bytes_ && smallest_bytes_ < limit_bytes_) {
    at = encode_integer(at, kSizeUpdate, 5, smallest_bytes_);
  }
  at = encode_integer(at, kSizeUpdate, 5, wanted_bytes_);
  evict_to(smallest_bytes_);
  if (wanted_bytes_ == 0) table_.release();
  limit_bytes_ = smallest_bytes_ = wanted_bytes_;
  ++generation_;
  return at;
}

uint8_t* Encoder::encode_field(const OutField& field, uint8_t* at) {
  const Token token = token_of(field.name);
  Match match;
  match.name = static_index_of(field.name);
  match.field = static_index_of(match.name, field.value);
  const uint64_t hashes = match.field != 0 ? 0 : hashes_of(field);
  if (match.field == 0) find_dynamic(field, hashes, match);
  if (field.indexing == Indexing::kNever ||
      (field.indexing == Indexing::kAuto && is_credential(field.name, token))) {
    return encode_literal(at, kNeverIndexed, match.name, field);
  }
  if (match.field != 0) return encode_integer(at, kIndexed, 7, match.field);
  if (!wants_insert(field, token, match.name != 0)) {
    return encode_literal(at, kWithoutIndexing, match.name, field);
  }
  at = encode_literal(at, kInserting, match.name, field);
  insert(field, hashes);
  return at;
}

// Newest first: smaller indices. The entries are few (128 at most, a dozen in practice) and their
// hashes stand side by side, so a walk is as quick as an index of them and needs no upkeep.
void Encoder::find_dynamic(const OutField& field, uint64_t hashes, Match& match) const {
  const DynamicTable::View table = table_.view();
  for (uint32_t age = 0; age < table.count; ++age) {
    const DynamicTable::Entry& entry = table.at(age);
    if (name_hash_of(entry.memo) != name_hash_of(hashes)) continue;
    const bool same_value = entry.memo == hashes && table_.value(entry) == field.value;
    if (!same_value && match.name != 0) continue;
    if (table_.name(entry) != field.name) continue;
    const uint32_t index = kStaticEntries + 1 + age;
    if (match.name == 0) match.name = index;
    if (!same_value) continue;
    match.field = index;
    return;
  }
}

bool Encoder::wants_insert(const OutField& field, Token token, bool name_known) const {
  const size_t bytes = table_bytes_of(field);
  if (field.indexing == Indexing::kLiteral || bytes > limit_bytes_ / kLargestShare) return false;
  if (field.indexing == Indexing::kIndex || repeats(token)) return true;
  return !name_known && table_.bytes() + bytes <= limit_bytes_;
}

void Encoder::insert(const OutField& field, uint64_t hashes) {
  evict_to(limit_bytes_ - table_bytes_of(field));
  const size_t text_bytes = field.name.size() + field.value.size();
  if (!table_.has_room(text_bytes)) table_.make_room(text_bytes);
  table_.append(field.name, field.value).memo = hashes;
  ++generation_;
}

void Encoder::evict_to(size_t bytes) {
  while (table_.bytes() > bytes) table_.evict_oldest();
}

}  // namespace saker::hpack

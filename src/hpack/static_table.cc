// RFC 7541 appendix A, and a hash of its names that is built at compile time.
#include "saker/hpack/static_table.h"

#include <cstddef>

namespace saker::hpack {
namespace {

using Table = std::array<Field, kStaticEntries + 1>;

constexpr Field entry(std::string_view name, std::string_view value, Token token = Token::kOther) {
  return {.name = name, .value = value, .token = token};
}

constexpr Table kTable = {{
    {},
    entry(":authority", "", Token::kAuthority),
    entry(":method", "GET", Token::kMethod),
    entry(":method", "POST", Token::kMethod),
    entry(":path", "/", Token::kPath),
    entry(":path", "/index.html", Token::kPath),
    entry(":scheme", "http", Token::kScheme),
    entry(":scheme", "https", Token::kScheme),
    entry(":status", "200", Token::kStatus),
    entry(":status", "204", Token::kStatus),
    entry(":status", "206", Token::kStatus),
    entry(":status", "304", Token::kStatus),
    entry(":status", "400", Token::kStatus),
    entry(":status", "404", Token::kStatus),
    entry(":status", "500", Token::kStatus),
    entry("accept-charset", ""),
    entry("accept-encoding", "gzip, deflate"),
    entry("accept-language", ""),
    entry("accept-ranges", ""),
    entry("accept", ""),
    entry("access-control-allow-origin", ""),
    entry("age", ""),
    entry("allow", ""),
    entry("authorization", ""),
    entry("cache-control", ""),
    entry("content-disposition", ""),
    entry("content-encoding", ""),
    entry("content-language", ""),
    entry("content-length", "", Token::kContentLength),
    entry("content-location", ""),
    entry("content-range", ""),
    entry("content-type", "", Token::kContentType),
    entry("cookie", "", Token::kCookie),
    entry("date", ""),
    entry("etag", ""),
    entry("expect", ""),
    entry("expires", ""),
    entry("from", ""),
    entry("host", "", Token::kHost),
    entry("if-match", ""),
    entry("if-modified-since", ""),
    entry("if-none-match", ""),
    entry("if-range", ""),
    entry("if-unmodified-since", ""),
    entry("last-modified", ""),
    entry("link", ""),
    entry("location", ""),
    entry("max-forwards", ""),
    entry("proxy-authenticate", ""),
    entry("proxy-authorization", ""),
    entry("range", ""),
    entry("referer", ""),
    entry("refresh", ""),
    entry("retry-after", ""),
    entry("server", ""),
    entry("set-cookie", ""),
    entry("strict-transport-security", ""),
    entry("transfer-encoding", "", Token::kConnection),
    entry("user-agent", "", Token::kUserAgent),
    entry("vary", ""),
    entry("via", ""),
    entry("www-authenticate", ""),
}};

// Open addressing: a slot holds an index or 0. Sized so that a probe rarely takes a second step.
constexpr size_t kSlots = 256;

constexpr size_t slot_of(std::string_view name) {
  const auto byte = [&](size_t i) -> size_t { return static_cast<uint8_t>(name[i]); };
  const size_t size = name.size();
  return (size * 7 + byte(0) * 3 + byte(size / 2) * 31 + byte(size - 1) * 13) % kSlots;
}

constexpr std::array<uint8_t, kSlots> kSlotIndex = [] {
  std::array<uint8_t, kSlots> slots{};
  for (size_t index = 1; index <= kStaticEntries; ++index) {
    if (kTable[index].name == kTable[index - 1].name) continue;
    size_t slot = slot_of(kTable[index].name);
    while (slots[slot] != 0) slot = (slot + 1) % kSlots;
    slots[slot] = static_cast<uint8_t>(index);
  }
  return slots;
}();

// How many rows share the name of the first one; 0 at every other index.
constexpr std::array<uint8_t, kStaticEntries + 1> kRows = [] {
  std::array<uint8_t, kStaticEntries + 1> rows{};
  for (size_t index = 1, first = 1; index <= kStaticEntries; ++index) {
    if (kTable[index].name != kTable[first].name) first = index;
    ++rows[first];
  }
  return rows;
}();

}  // namespace

constinit const Table kStaticTable = kTable;

uint32_t static_index_of(std::string_view name) {
  if (name.empty()) return 0;
  for (size_t slot = slot_of(name); kSlotIndex[slot] != 0; slot = (slot + 1) % kSlots) {
    if (kTable[kSlotIndex[slot]].name == name) return kSlotIndex[slot];
  }
  return 0;
}

uint32_t static_index_of(uint32_t first, std::string_view value) {
  for (uint32_t index = first; index < first + kRows[first]; ++index) {
    if (kTable[index].value == value) return index;
  }
  return 0;
}

}  // namespace saker::hpack

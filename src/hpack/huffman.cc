// Decoding looks up twelve bits at a time, which yields one or two symbols; longer codes (controls,
// rare punctuation, bytes >= 0x80) take the canonical way. The bits are kept inverted: what is
// shifted in behind the last one then reads as ones, which is the padding of RFC 7541 section 5.2
// and never completes a code.
#include "saker/hpack/huffman.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "saker/hpack/huffman_code.h"

namespace saker::hpack {
namespace {

constexpr unsigned kLookupBits = 12;

// bits 0-7: bits used by all symbols; 8-9: number of symbols, 0 for a longer code; 12-15: bits used
// by the first symbol; 16-23 and 24-31: the symbols.
constexpr std::array<uint32_t, 1 << kLookupBits> kLookup = [] {
  std::array<uint32_t, 1 << kLookupBits> lookup{};
  const auto code_at = [](uint32_t bits, unsigned available, unsigned& length) -> uint32_t {
    for (length = 5; length <= available; ++length) {
      const uint64_t window = uint64_t{bits} << (32 - available);
      if (window >= kHuffmanCode.limit[length]) continue;
      const uint32_t code = bits >> (available - length);
      return kHuffmanCode
          .in_order[kHuffmanCode.position[length] + code - kHuffmanCode.first[length]];
    }
    return kHuffmanEos;
  };
  for (uint32_t bits = 0; bits < lookup.size(); ++bits) {
    unsigned first_length = 0;
    const uint32_t first = code_at(bits, kLookupBits, first_length);
    if (first == kHuffmanEos) continue;
    uint32_t entry = first_length | 1u << 8 | first_length << 12 | first << 16;
    const unsigned left = kLookupBits - first_length;
    unsigned second_length = 0;
    const uint32_t second = code_at(bits & ((1u << left) - 1), left, second_length);
    if (second != kHuffmanEos) {
      entry = (first_length + second_length) | 2u << 8 | first_length << 12 | first << 16 |
              second << 24;
    }
    lookup[~bits & (lookup.size() - 1)] = entry;
  }
  return lookup;
}();

constexpr uint32_t bits_of(uint32_t entry) {
  return entry & 0xff;
}
constexpr uint32_t symbols_of(uint32_t entry) {
  return entry >> 8 & 3;
}
constexpr uint32_t first_bits_of(uint32_t entry) {
  return entry >> 12 & 15;
}

bool is_forbidden(uint32_t symbol) {
  return symbol == 0 || symbol == '\r' || symbol == '\n';
}

// Where decoding stands. Passed by value between the loops: storing text through a char pointer
// would otherwise force every member back to memory.
struct Cursor {
  const uint8_t* at;
  char* out;
  uint64_t bits = 0;   // inverted, left-aligned
  uint32_t count = 0;  // how many of them are accounted for
  bool has_forbidden = false;
  bool failed = false;
};

void put_pair(char* out, uint32_t entry) {
  const uint16_t pair = static_cast<uint16_t>(entry >> 16);
  std::memcpy(out, &pair, sizeof pair);
}

// One symbol of more than kLookupBits. Fails when it is not all there, or is EOS.
Cursor take_long(Cursor cursor) {
  const uint32_t window = static_cast<uint32_t>(~cursor.bits >> 32);
  unsigned length = kLookupBits + 1;
  while (window >= kHuffmanCode.limit[length]) ++length;
  const uint32_t code = window >> (32 - length);
  const uint32_t symbol =
      kHuffmanCode.in_order[kHuffmanCode.position[length] + code - kHuffmanCode.first[length]];
  if (length > cursor.count || symbol == kHuffmanEos) {
    cursor.failed = true;
    return cursor;
  }
  cursor.has_forbidden |= is_forbidden(symbol);
  *cursor.out++ = static_cast<char>(symbol);
  cursor.bits <<= length;
  cursor.count -= length;
  return cursor;
}

// As long as eight bytes can be loaded at once.
Cursor decode_words(Cursor cursor, const uint8_t* end) {
  while (end - cursor.at >= 8) {
    cursor.bits |= ~load_be64(cursor.at) >> cursor.count;
    cursor.at += (63 - cursor.count) >> 3;
    cursor.count |= 56;
    uint32_t entry = 0;
    for (int i = 0; i < 4; ++i) {  // 4 * 12 <= 56; a long code stays put and is left for last
      entry = kLookup[cursor.bits >> (64 - kLookupBits)];
      put_pair(cursor.out, entry);
      cursor.out += symbols_of(entry);
      cursor.bits <<= entry & 63;
      cursor.count -= bits_of(entry);
    }
    if (symbols_of(entry) == 0 && cursor.count >= kLongestHuffmanCodeBits) [[unlikely]] {
      cursor = take_long(cursor);
      if (cursor.failed) break;
    }
  }
  return cursor;
}

// The bytes before `end` that `cursor` has not loaded, fewer than eight, on top of a word.
uint64_t load_rest(const uint8_t* at, const uint8_t* end) {
  uint64_t rest = 0;
  for (unsigned shift = 56; at != end; shift -= 8) {
    rest |= uint64_t{static_cast<uint8_t>(~*at++)} << shift;
  }
  return rest;
}

// As long as no look-up can run out of bits.
Cursor decode_rest(Cursor cursor, const uint8_t* end) {
  uint32_t rest_count = static_cast<uint32_t>(end - cursor.at) * 8;
  uint64_t rest = load_rest(cursor.at, end);
  for (;;) {
    const uint32_t taken = std::min(rest_count, 64 - cursor.count);
    if (taken > 0) {
      cursor.bits |= rest >> cursor.count;
      cursor.count += taken;
      rest <<= taken;
      rest_count -= taken;
    }
    while (cursor.count >= kLookupBits) {
      const uint32_t entry = kLookup[cursor.bits >> (64 - kLookupBits)];
      if (symbols_of(entry) == 0) [[unlikely]] {
        if (rest_count > 0 && cursor.count < kLongestHuffmanCodeBits) break;
        cursor = take_long(cursor);
        if (cursor.failed) return cursor;
        continue;
      }
      put_pair(cursor.out, entry);
      cursor.out += symbols_of(entry);
      cursor.bits <<= bits_of(entry);
      cursor.count -= bits_of(entry);
    }
    if (rest_count == 0) return cursor;
  }
}

// The last bits, to the last whole symbol.
Cursor decode_end(Cursor cursor) {
  for (;;) {
    const uint32_t entry = kLookup[cursor.bits >> (64 - kLookupBits)];
    const bool all = bits_of(entry) <= cursor.count;
    const uint32_t used = all ? bits_of(entry) : first_bits_of(entry);
    if (used > cursor.count || symbols_of(entry) == 0) return cursor;
    put_pair(cursor.out, entry);
    cursor.out += all ? symbols_of(entry) : 1;
    cursor.bits <<= used;
    cursor.count -= used;
  }
}

}  // namespace

HuffmanText huffman_decode(Bytes coded, char* out) {
  const uint8_t* const end = coded.data() + coded.size();
  Cursor cursor = decode_words({.at = coded.data(), .out = out}, end);
  if (cursor.failed) return {};
  cursor = decode_rest(cursor, end);
  if (cursor.failed) return {};
  cursor = decode_end(cursor);
  // Inverted, padding of ones is zero.
  if (cursor.count >= 8 || cursor.bits != 0) return {};
  return {true, cursor.has_forbidden, static_cast<size_t>(cursor.out - out)};
}

size_t huffman_encoded_bytes(std::string_view text) {
  size_t bits = 0;
  for (const char c : text) bits += kHuffmanLengths[static_cast<uint8_t>(c)];
  return (bits + 7) / 8;
}

uint8_t* huffman_encode(std::string_view text, uint8_t* out) {
  uint64_t bits = 0;
  unsigned count = 0;  // at most 7 between symbols
  for (const char c : text) {
    const uint8_t symbol = static_cast<uint8_t>(c);
    bits = bits << kHuffmanLengths[symbol] | kHuffmanCode.code[symbol];
    count += kHuffmanLengths[symbol];
    for (; count >= 8; count -= 8) *out++ = static_cast<uint8_t>(bits >> (count - 8));
  }
  if (count > 0) *out++ = static_cast<uint8_t>(bits << (8 - count) | (0xffu >> count));
  return out;
}

}  // namespace saker::hpack

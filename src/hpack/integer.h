// HPACK integers (RFC 7541 section 5.1): a prefix of 1 to 8 bits, then seven bits a byte. Ours fit
// 32 bits: at most five continuation bytes are read, and anything longer or larger is refused,
// padded with zeros or not.
#pragma once

#include <cstddef>
#include <cstdint>

#include "saker/base/check.h"

namespace saker::hpack {

constexpr size_t kMaxIntegerBytes = 6;

// What follows a prefix of all ones. See parse_integer().
inline const uint8_t* parse_integer_rest(const uint8_t* at, const uint8_t* end, uint32_t& value) {
  uint64_t sum = value;
  for (unsigned shift = 0; shift <= 28; shift += 7) {
    if (at == end) return nullptr;
    const uint8_t byte = *at++;
    sum += uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) != 0) continue;
    if (sum > UINT32_MAX) return nullptr;
    value = static_cast<uint32_t>(sum);
    return at;
  }
  return nullptr;
}

// Reads the integer whose prefix is the low `prefix_bits` of *at. Returns where it ends, or null
// when it is cut off at `end` or does not fit. `at` must be before `end`.
inline const uint8_t* parse_integer(const uint8_t* at, const uint8_t* end, unsigned prefix_bits,
                                    uint32_t& value) {
  SAKER_DCHECK(at < end && prefix_bits >= 1 && prefix_bits <= 8);
  const uint32_t all_ones = (1u << prefix_bits) - 1;
  value = *at++ & all_ones;
  if (value < all_ones) [[likely]]
    return at;
  return parse_integer_rest(at, end, value);
}

// Writes at most kMaxIntegerBytes; `pattern` holds the bits above
// the prefix. Returns where it ends.
inline uint8_t* encode_integer(uint8_t* at, uint8_t pattern, unsigned prefix_bits, uint32_t value) {
  const uint32_t all_ones = (1u << prefix_bits) - 1;
  if (value < all_ones) {
    *at++ = static_cast<uint8_t>(pattern | value);
    return at;
  }
  *at++ = static_cast<uint8_t>(pattern | all_ones);
  for (value -= all_ones; value >= 0x80; value >>= 7) {
    *at++ = static_cast<uint8_t>(0x80 | (value & 0x7f));
  }
  *at++ = static_cast<uint8_t>(value);
  return at;
}

}  // namespace saker::hpack

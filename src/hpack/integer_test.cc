// HPACK integers: the RFC's examples, a round trip around every power of two in every
// prefix, and what is refused.
#include "saker/hpack/integer.h"

#include <gtest/gtest.h>

#include "saker/hpack/hpack_testing.h"

namespace saker::hpack {
namespace {

struct Parsed {
  bool ok;
  uint32_t value;
  size_t bytes;
};

Parsed parse(const Block& block, unsigned prefix_bits) {
  uint32_t value = 0;
  const uint8_t* const at =
      parse_integer(block.data(), block.data() + block.size(), prefix_bits, value);
  if (at == nullptr) return {false, 0, 0};
  return {true, value, static_cast<size_t>(at - block.data())};
}

TEST(Integer, ExamplesOfRfc7541AppendixC1) {
  EXPECT_EQ(parse(from_hex("0a"), 5).value, 10u);
  EXPECT_EQ(parse(from_hex("1f9a0a"), 5).value, 1337u);
  EXPECT_EQ(parse(from_hex("2a"), 8).value, 42u);
}

TEST(Integer, IgnoresTheBitsAboveThePrefix) {
  EXPECT_EQ(parse(from_hex("ea"), 5).value, 10u);
  EXPECT_EQ(parse(from_hex("ff9a0a"), 5).value, 1337u);
}

TEST(Integer, RoundTripsAtEveryEdgeOfEveryPrefix) {
  for (unsigned prefix_bits = 1; prefix_bits <= 8; ++prefix_bits) {
    for (uint64_t power = 1; power <= uint64_t{1} << 32; power <<= 1) {
      for (int64_t delta = -2; delta <= 2; ++delta) {
        const uint64_t all_ones = (1u << prefix_bits) - 1;
        for (const uint64_t base : {uint64_t{0}, all_ones}) {
          const int64_t value = static_cast<int64_t>(power + base) + delta;
          if (value < 0 || value > int64_t{UINT32_MAX}) continue;
          uint8_t bytes[kMaxIntegerBytes];
          const uint8_t* const end =
              encode_integer(bytes, 0, prefix_bits, static_cast<uint32_t>(value));
          const Block block(static_cast<const uint8_t*>(bytes), end);
          const Parsed parsed = parse(block, prefix_bits);
          ASSERT_TRUE(parsed.ok) << value << " in " << prefix_bits;
          ASSERT_EQ(parsed.value, value);
          ASSERT_EQ(parsed.bytes, block.size());
          for (size_t cut = 1; cut < block.size(); ++cut) {
            ASSERT_FALSE(parse(Block(block.begin(), block.begin() + cut), prefix_bits).ok);
          }
        }
      }
    }
  }
}

TEST(Integer, AcceptsTheLargestAndRefusesOneMore) {
  EXPECT_EQ(parse(from_hex("1f e0ffffff0f"), 5).value, UINT32_MAX);
  EXPECT_FALSE(parse(from_hex("1f e1ffffff0f"), 5).ok);
  EXPECT_EQ(parse(from_hex("ff 80feffff0f"), 8).value, UINT32_MAX);
  EXPECT_FALSE(parse(from_hex("ff 81feffff0f"), 8).ok);
  EXPECT_FALSE(parse(from_hex("1f ffffffff7f"), 5).ok);
}

TEST(Integer, RefusesASixthContinuationByteEvenOfZeros) {
  EXPECT_EQ(parse(from_hex("1f 8080808000"), 5).value, 31u);
  EXPECT_FALSE(parse(from_hex("1f 808080808000"), 5).ok);
  EXPECT_FALSE(parse(from_hex("1f 8080808080"), 5).ok);
}

TEST(Integer, EncodingKeepsThePattern) {
  uint8_t bytes[kMaxIntegerBytes];
  EXPECT_EQ(encode_integer(bytes, 0x80, 7, 2), bytes + 1);
  EXPECT_EQ(bytes[0], 0x82);
  EXPECT_EQ(encode_integer(bytes, 0x40, 6, 63), bytes + 2);
  EXPECT_EQ(bytes[0], 0x7f);
  EXPECT_EQ(bytes[1], 0x00);
}

}  // namespace
}  // namespace saker::hpack

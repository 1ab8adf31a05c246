#include "saker/hpack/value_memo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "saker/hpack/hpack_testing.h"
#include "saker/hpack/huffman.h"
#include "saker/hpack/integer.h"

namespace saker::hpack {
namespace {

// A literal never indexed (RFC 7541 section 6.2.3) with a Huffman coded value.
Block secret(std::string_view name, std::string_view value) {
  const size_t coded_bytes = huffman_encoded_bytes(value);
  Block block(2 + name.size() + kMaxIntegerBytes + coded_bytes);
  uint8_t* at = block.data();
  *at++ = 0x10;
  *at++ = static_cast<uint8_t>(name.size());
  at = std::copy(name.begin(), name.end(), at);
  at = encode_integer(at, 0x80, 7, static_cast<uint32_t>(coded_bytes));
  at = huffman_encode(value, at);
  block.resize(static_cast<size_t>(at - block.data()));
  return block;
}

std::string token(char kind, size_t bytes = 1024) {
  std::string text = "Bearer ";
  while (text.size() < bytes) text += static_cast<char>('A' + (text.size() * 7 + kind) % 26);
  return text;
}

TEST(ValueMemo, RepeatedAndAlternatingValuesDecodeAlike) {
  TestDecoder decoder;
  for (int round = 0; round < 4; ++round) {
    for (const char kind : {'a', 'b', 'c', 'a', 'a', 'b'}) {
      ASSERT_TRUE(decoder.decode(secret("authorization", token(kind))));
      EXPECT_EQ(decoder.fields(), (TextFields{{"authorization", token(kind)}}));
      EXPECT_TRUE(decoder.out.fields[0].legal);
    }
  }
}

TEST(ValueMemo, FieldsOfOneBlockDoNotTakeEachOthersText) {
  TestDecoder decoder;
  const Block block = join({secret("x-a", token('a')), secret("x-b", token('b')),
                            secret("x-c", token('c')), secret("x-a", token('a'))});
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(decoder.decode(block));
    EXPECT_EQ(
        decoder.fields(),
        (TextFields{
            {"x-a", token('a')}, {"x-b", token('b')}, {"x-c", token('c')}, {"x-a", token('a')}}));
  }
}

TEST(ValueMemo, RemembersThatAValueIsIllegal) {
  TestDecoder decoder;
  const std::string value = token('a', 200) + "\r\nx: y";
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(decoder.decode(secret("x-a", value)));
    EXPECT_FALSE(decoder.out.fields[0].legal);
  }
}

TEST(ValueMemo, ALegalValueUnderAnIllegalNameStaysIllegal) {
  TestDecoder decoder;
  ASSERT_TRUE(decoder.decode(secret("x-a", token('a'))));
  EXPECT_TRUE(decoder.out.fields[0].legal);
  ASSERT_TRUE(decoder.decode(secret("X-A", token('a'))));
  EXPECT_FALSE(decoder.out.fields[0].legal);
  ASSERT_TRUE(decoder.decode(secret("x-a", token('a'))));
  EXPECT_TRUE(decoder.out.fields[0].legal);
}

TEST(ValueMemo, OnlyLongValuesCostMemory) {
  TestDecoder decoder;
  ASSERT_TRUE(decoder.decode(secret("x-a", token('a', 60))));
  EXPECT_EQ(decoder.decoder.memory_bytes(), 0u);
  for (const char kind : {'a', 'b', 'c', 'd'}) {
    ASSERT_TRUE(decoder.decode(secret("x-a", token(kind, 2048))));
  }
  EXPECT_GT(decoder.decoder.memory_bytes(), 0u);
  EXPECT_LE(decoder.decoder.memory_bytes(), ValueMemo::kSlots * ValueMemo::kMaxSlotBytes);
  decoder.decoder.release_idle_memory();
  EXPECT_EQ(decoder.decoder.memory_bytes(), 0u);
  ASSERT_TRUE(decoder.decode(secret("x-a", token('d', 2048))));
  EXPECT_EQ(decoder.fields(), (TextFields{{"x-a", token('d', 2048)}}));
}

TEST(ValueMemo, ValuesPastItsSizeAreDecodedEachTime) {
  TestDecoder decoder({.max_list_bytes = 64 * 1024});
  const std::string value = token('a', 8000);
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(decoder.decode(secret("x-a", value)));
    EXPECT_EQ(decoder.fields(), (TextFields{{"x-a", value}}));
  }
  EXPECT_EQ(decoder.decoder.memory_bytes(), 0u);
}

}  // namespace
}  // namespace saker::hpack

// The dynamic table through the decoder: eviction, size updates, and fields that outlive both.
#include <gtest/gtest.h>

#include <string>

#include "saker/hpack/hpack_testing.h"
#include "saker/hpack/integer.h"

namespace saker::hpack {
namespace {

Block size_update(uint32_t bytes) {
  uint8_t out[kMaxIntegerBytes];
  uint8_t* const end = encode_integer(out, 0x20, 5, bytes);
  return Block(static_cast<uint8_t*>(out), end);
}
Block indexed(uint32_t index) {
  uint8_t out[kMaxIntegerBytes];
  uint8_t* const end = encode_integer(out, 0x80, 7, index);
  return Block(static_cast<uint8_t*>(out), end);
}
void put_text(Block& block, std::string_view text) {
  uint8_t out[kMaxIntegerBytes];
  uint8_t* const end = encode_integer(out, 0, 7, static_cast<uint32_t>(text.size()));
  block.insert(block.end(), static_cast<uint8_t*>(out), end);
  block.insert(block.end(), text.begin(), text.end());
}
Block inserted(std::string_view name, std::string_view value) {
  Block block = {0x40};
  put_text(block, name);
  put_text(block, value);
  return block;
}
Block inserted(uint32_t name_index, std::string_view value) {
  uint8_t out[kMaxIntegerBytes];
  uint8_t* const end = encode_integer(out, 0x40, 6, name_index);
  Block block(static_cast<uint8_t*>(out), end);
  put_text(block, value);
  return block;
}

TEST(DecoderTable, IndicesCountFromTheNewest) {
  TestDecoder decoder;
  ASSERT_TRUE(decoder.decode(join({inserted("a", "1"), inserted("b", "2"), inserted("c", "3")})));
  ASSERT_TRUE(decoder.decode(join({indexed(62), indexed(63), indexed(64)})));
  EXPECT_EQ(decoder.fields(), (TextFields{{"c", "3"}, {"b", "2"}, {"a", "1"}}));
  EXPECT_FALSE(decoder.decode(indexed(65)));
}

TEST(DecoderTable, AnEntryLargerThanTheTableEmptiesIt) {
  TestDecoder decoder;
  ASSERT_TRUE(decoder.decode(join({size_update(100), inserted("a", "1")})));
  EXPECT_EQ(decoder.decoder.table_entries(), 1u);
  const std::string value(68, 'v');  // 1 + 68 + 32 = 101
  ASSERT_TRUE(decoder.decode(inserted("b", value)));
  EXPECT_EQ(decoder.fields(), (TextFields{{"b", value}}));
  EXPECT_EQ(decoder.decoder.table_entries(), 0u);
  ASSERT_TRUE(decoder.decode(inserted("b", value.substr(1))));
  EXPECT_EQ(decoder.decoder.table_bytes(), 100u);
}

TEST(DecoderTable, InsertionMayNameTheEntryItEvicts) {
  TestDecoder decoder;
  const std::string name(40, 'n');
  ASSERT_TRUE(decoder.decode(join({size_update(120), inserted(name, "old")})));
  for (int round = 0; round < 5; ++round) {
    const std::string value(30, static_cast<char>('a' + round));
    ASSERT_TRUE(decoder.decode(join({inserted(62, value), indexed(62)}))) << decoder.why();
    EXPECT_EQ(decoder.fields(), (TextFields{{name, value}, {name, value}}));
    EXPECT_EQ(decoder.decoder.table_entries(), 1u);
  }
}

TEST(DecoderTable, FieldsSurviveTheEvictionOfTheirEntries) {
  TestDecoder decoder;
  ASSERT_TRUE(decoder.decode(join({size_update(120), inserted("first", "one"),
                                   inserted("second", "two"), inserted("third", "three")})));
  ASSERT_EQ(decoder.decoder.table_entries(), 3u - 1u);
  Block block = join({indexed(62), indexed(63), inserted(63, "x")});
  for (int i = 0; i < 8; ++i) block = join({block, inserted("other", std::string(40, 'o'))});
  ASSERT_TRUE(decoder.decode(block));
  const TextFields fields = decoder.fields();
  ASSERT_EQ(fields.size(), 11u);
  EXPECT_EQ(fields[0], (TextField{"third", "three"}));
  EXPECT_EQ(fields[1], (TextField{"second", "two"}));
  EXPECT_EQ(fields[2], (TextField{"second", "x"}));
}

TEST(DecoderTable, FieldsSurviveTheGrowthOfTheTable) {
  TestDecoder decoder;
  ASSERT_TRUE(decoder.decode(inserted("name", "value")));
  Block block = indexed(62);
  TextFields expected = {{"name", "value"}};
  for (int i = 0; i < 30; ++i) {
    const std::string value(static_cast<size_t>(i), 'v');
    block = join({block, inserted("other", value), indexed(62)});
    expected.insert(expected.end(), {{"other", value}, {"other", value}});
  }
  ASSERT_TRUE(decoder.decode(block));
  EXPECT_EQ(decoder.fields(), expected);
}

// Who keeps what a block meant asks whether it still means the same.
TEST(DecoderTable, GenerationChangesWithTheTableOnly) {
  TestDecoder decoder;
  const auto changes = [&](const Block& block) {
    const uint64_t before = decoder.decoder.generation();
    EXPECT_TRUE(decoder.decode(block));
    return decoder.decoder.generation() != before;
  };
  EXPECT_FALSE(changes(from_hex("82 86")));
  EXPECT_TRUE(changes(inserted("a", "1")));
  EXPECT_FALSE(changes(indexed(62)));
  EXPECT_FALSE(changes(from_hex("00 0161 0162 10 0161 0162")));
  EXPECT_TRUE(changes(size_update(0)));
  EXPECT_TRUE(changes(join({size_update(100), indexed(2)})));
  EXPECT_TRUE(changes(inserted("a", std::string(200, 'v'))));  // only evicts
  const uint64_t before = decoder.decoder.generation();
  decoder.decoder.set_max_table_bytes(50);
  EXPECT_NE(decoder.decoder.generation(), before);
}

TEST(DecoderTable, SizeUpdatesEvictAndZeroGivesTheMemoryBack) {
  TestDecoder decoder;
  ASSERT_TRUE(decoder.decode(join({inserted("a", "1"), inserted("b", "2"), inserted("c", "3")})));
  EXPECT_EQ(decoder.decoder.table_bytes(), 102u);
  ASSERT_TRUE(decoder.decode(size_update(101)));
  EXPECT_EQ(decoder.decoder.table_bytes(), 68u);
  ASSERT_TRUE(decoder.decode(join({size_update(0), size_update(4096)})));
  EXPECT_EQ(decoder.decoder.table_bytes(), 0u);
  EXPECT_EQ(decoder.decoder.memory_bytes(), 0u);
  ASSERT_TRUE(decoder.decode(join({inserted("a", "1"), indexed(62)})));
  EXPECT_EQ(decoder.fields(), (TextFields{{"a", "1"}, {"a", "1"}}));
}

TEST(DecoderTable, InsertionIntoATableOfZeroIsNoError) {
  TestDecoder decoder;
  ASSERT_TRUE(decoder.decode(join({size_update(0), inserted("a", "1"), inserted("", "")})));
  EXPECT_EQ(decoder.decoder.table_entries(), 0u);
  EXPECT_EQ(decoder.out.fields.size(), 2u);
}

TEST(DecoderTable, SizeUpdateUpToTheAnnouncedSize) {
  TestDecoder decoder({.max_table_bytes = 8192});
  EXPECT_TRUE(decoder.decode(size_update(8192)));
  EXPECT_FALSE(decoder.decode(size_update(8193)));
  // Before the peer knows of a smaller one, the initial size is its right.
  TestDecoder small({.max_table_bytes = 100});
  EXPECT_TRUE(small.decode(size_update(4096)));
  EXPECT_FALSE(small.decode(size_update(4097)));
}

TEST(DecoderTable, ShrinkingRequiresASizeUpdate) {
  TestDecoder missing;
  missing.decoder.set_max_table_bytes(100);
  EXPECT_FALSE(missing.decode(indexed(2)));
  EXPECT_EQ(missing.why(), "size update missing");

  TestDecoder empty;
  empty.decoder.set_max_table_bytes(100);
  EXPECT_FALSE(empty.decode({}));

  TestDecoder too_large;
  too_large.decoder.set_max_table_bytes(100);
  EXPECT_FALSE(too_large.decode(size_update(101)));
  EXPECT_EQ(too_large.why(), "size update too large");

  TestDecoder right;
  right.decoder.set_max_table_bytes(100);
  EXPECT_TRUE(right.decode(join({size_update(100), indexed(2)})));
  EXPECT_TRUE(right.decode(indexed(2)));
}

TEST(DecoderTable, ShrinkingAndGrowingRequiresTheSmallest) {
  for (const uint32_t first : {100u, 50u, 0u}) {
    TestDecoder decoder;
    decoder.decoder.set_max_table_bytes(100);
    decoder.decoder.set_max_table_bytes(2000);
    EXPECT_TRUE(decoder.decode(join({size_update(first), size_update(2000), indexed(2)})));
  }
  TestDecoder decoder;
  decoder.decoder.set_max_table_bytes(100);
  decoder.decoder.set_max_table_bytes(2000);
  EXPECT_FALSE(decoder.decode(join({size_update(2000), indexed(2)})));
}

TEST(DecoderTable, GrowingOrStayingRequiresNothing) {
  TestDecoder decoder;
  decoder.decoder.set_max_table_bytes(8192);
  decoder.decoder.set_max_table_bytes(4096);
  EXPECT_TRUE(decoder.decode(indexed(2)));
  ASSERT_TRUE(decoder.decode(size_update(1000)));
  decoder.decoder.set_max_table_bytes(1000);  // the peer already uses no more
  EXPECT_TRUE(decoder.decode(indexed(2)));
}

TEST(DecoderTable, DecodersShareAScratch) {
  DecoderScratch scratch;
  Decoder first({}, scratch);
  Decoder second({.max_list_bytes = 100000, .max_fields = 1000}, scratch);
  DecodedBlock out;
  Block block = from_hex("408825a849e95ba97d7f8925a849e95bb8e8b4bf");
  ASSERT_TRUE(first.decode(block, out));
  EXPECT_EQ(text_of(out.fields), (TextFields{{"custom-key", "custom-value"}}));
  ASSERT_TRUE(second.decode(block, out));
  ASSERT_TRUE(first.decode(from_hex("be"), out));
  EXPECT_EQ(text_of(out.fields), (TextFields{{"custom-key", "custom-value"}}));
}

}  // namespace
}  // namespace saker::hpack

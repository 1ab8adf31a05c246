// Over-limit blocks are decoded to their end, in linear time and bounded memory.
#include <gtest/gtest.h>

#include <string>

#include "saker/hpack/hpack_testing.h"
#include "saker/hpack/huffman.h"
#include "saker/hpack/integer.h"

namespace saker::hpack {
namespace {

TEST(DecoderLimits, FieldCountAtItsEdge) {
  for (const uint32_t max_fields : {0u, 1u, 3u, 128u}) {
    TestDecoder decoder({.max_list_bytes = 1 << 20, .max_fields = max_fields});
    ASSERT_TRUE(decoder.decode(Block(max_fields, 0x82)));
    EXPECT_EQ(decoder.out.fields.size(), max_fields);
    EXPECT_FALSE(decoder.out.truncated);
    ASSERT_TRUE(decoder.decode(Block(max_fields + 1, 0x82)));
    EXPECT_EQ(decoder.out.fields.size(), max_fields);
    EXPECT_TRUE(decoder.out.truncated);
  }
}

TEST(DecoderLimits, ListBytesAtTheirEdge) {
  // ":method: GET" counts 7 + 3 + 32 = 42.
  TestDecoder decoder({.max_list_bytes = 84});
  ASSERT_TRUE(decoder.decode(from_hex("8282")));
  EXPECT_FALSE(decoder.out.truncated);
  ASSERT_TRUE(decoder.decode(from_hex("828282")));
  EXPECT_EQ(decoder.out.fields.size(), 2u);
  EXPECT_TRUE(decoder.out.truncated);
  TestDecoder less({.max_list_bytes = 83});
  ASSERT_TRUE(less.decode(from_hex("8282")));
  EXPECT_EQ(less.out.fields.size(), 1u);
  EXPECT_TRUE(less.out.truncated);
}

TEST(DecoderLimits, NothingSmallerSlipsInBehindADroppedField) {
  TestDecoder decoder({.max_list_bytes = 100});
  Block block = from_hex("82 04 7f");  // :method, then a path of 128 bytes, then :method
  block.push_back(0x01);
  block.insert(block.end(), 128, 'p');
  block.push_back(0x82);
  ASSERT_TRUE(decoder.decode(block));
  EXPECT_EQ(decoder.fields(), (TextFields{{":method", "GET"}}));
  EXPECT_TRUE(decoder.out.truncated);
}

TEST(DecoderLimits, TablesStayEqualThroughATruncatedBlock) {
  DecoderScratch scratch;
  TestDecoder tight({.max_list_bytes = 200, .max_fields = 4});
  TestDecoder wide({.max_list_bytes = 1 << 20, .max_fields = 10000});
  Encoder encoder;
  for (int round = 0; round < 50; ++round) {
    std::vector<std::string> values;
    for (int i = 0; i < 30; ++i) {
      values.push_back(std::string(static_cast<size_t>(i * round % 70), 'v') + std::to_string(i));
    }
    std::vector<OutField> fields;
    for (const std::string& value : values) fields.push_back({"name", value, Indexing::kIndex});
    const Block block = encode_block(encoder, fields);
    ASSERT_TRUE(tight.decode(block));
    ASSERT_TRUE(wide.decode(block));
    EXPECT_TRUE(tight.out.truncated);
    ASSERT_EQ(wide.out.fields.size(), 30u);
    ASSERT_EQ(tight.decoder.table_bytes(), encoder.table_bytes());
    ASSERT_EQ(wide.decoder.table_bytes(), encoder.table_bytes());
    for (uint32_t age = 0; age < tight.decoder.table_entries(); ++age) {
      uint8_t bytes[kMaxIntegerBytes];
      const uint8_t* const end = encode_integer(bytes, 0x80, 7, 62 + age);
      const Block one(static_cast<const uint8_t*>(bytes), end);
      ASSERT_TRUE(tight.decode(one) && wide.decode(one));
      ASSERT_EQ(tight.fields(), wide.fields());
    }
  }
}

TEST(DecoderLimits, MalformedBehindTheLimitIsStillAnError) {
  TestDecoder decoder({.max_fields = 1});
  EXPECT_FALSE(decoder.decode(from_hex("828282be")));
  EXPECT_FALSE(decoder.decode(from_hex("8282 00 81 00 00")));
}

// Surplus fields are stepped over where that is safe: what is said of them stays what it was.
TEST(DecoderLimits, SurplusFieldsAreJudgedAsAnyOther) {
  const std::string x127 = "7f 00" + std::string(2 * 127, '7');
  const struct {
    std::string hex;
    bool sound;
  } kSurplus[] = {
      {"82 bd bd", true},              // the static table's ends
      {"be", true},                    // the entry that is in the table
      {"bf", false},                   // the one behind it
      {"80", false},                   // no index
      {"ff 00", false},                // 127
      {"00 01 61 01 62 82", true},     // a: b
      {"10 01 61 00", true},           // never indexed
      {"0f 11 00 0f 11 01 78", true},  // cookie
      {"0f 2f 00", true},              // a name that is in the table
      {"0f 30 00", false},             // behind it
      {"00 01 61 " + x127, true},      // lengths of more than one byte
      {"00 " + x127 + " 00", true},
      {"00 01 61 81 1f", true},            // Huffman code
      {"00 01 61 84 ff ff ff ff", false},  // ... that is none
      {"00 81 1f 00", true},
      {"40 01 61 01 62 bf", true},  // one more entry, and the one that moved
      {"20", false},                // no size update but at the start
      {"00", false},                // cut off
      {"0f", false},
      {"00 01", false},
      {"00 01 61", false},
      {"00 01 61 02 62", false},
      {"0f ff ff ff ff 7f 00", false},
  };
  for (const auto& [hex, sound] : kSurplus) {
    for (const std::string& before : {std::string("82"), std::string("82 82")}) {
      TestDecoder decoder({.max_fields = 1});
      ASSERT_TRUE(decoder.decode(from_hex("40 01 6b 01 76")));  // k: v
      EXPECT_EQ(decoder.decode(from_hex(before + hex)), sound) << before << " " << hex;
      if (!sound) continue;
      EXPECT_TRUE(decoder.out.truncated) << hex;
      EXPECT_EQ(decoder.fields(), (TextFields{{":method", "GET"}})) << hex;
    }
  }
}

// Names of 4000 bytes, referred to by one byte each.
TEST(DecoderLimits, IndexedBomb) {
  TestDecoder decoder;
  Block block = from_hex("40 7f a11e");  // a name of 127 + 0x21 + 0x1e * 128 = 4000 bytes
  block.insert(block.end(), 4000, 'n');
  block.push_back(0);
  ASSERT_TRUE(decoder.decode(block)) << decoder.why();
  ASSERT_EQ(decoder.decoder.table_entries(), 1u);
  const size_t memory = decoder.decoder.memory_bytes();
  ASSERT_TRUE(decoder.decode(Block(1 << 20, 0xbe)));
  EXPECT_TRUE(decoder.out.truncated);
  EXPECT_EQ(decoder.out.fields.size(), 4u);
  EXPECT_EQ(decoder.decoder.memory_bytes(), memory);
}

// Each insertion evicts the entry it takes the name from: dropped fields must not pile up copies.
TEST(DecoderLimits, InsertionBomb) {
  TestDecoder decoder({.max_list_bytes = 5000});
  Block block = from_hex("40 7f a11e");
  block.insert(block.end(), 4000, 'n');
  block.push_back(0);
  for (int i = 0; i < 5000; ++i) block.insert(block.end(), {0x7e, 0x00});
  ASSERT_TRUE(decoder.decode(block));
  ASSERT_EQ(decoder.out.fields.size(), 1u);
  EXPECT_EQ(decoder.out.fields[0].name, std::string(4000, 'n'));
  EXPECT_TRUE(decoder.out.truncated);
  EXPECT_EQ(decoder.decoder.table_entries(), 1u);
}

// A kept insertion whose name was saved from eviction, then dropped fields of both kinds.
TEST(DecoderLimits, DroppedFieldsLeaveKeptCopiesAlone) {
  TestDecoder decoder({.max_fields = 3});
  const std::string name(40, 'n');
  Block block = from_hex("3f 59");  // 120 bytes
  const auto insert = [&](const std::string& value) {
    block.push_back(0x7e);
    block.push_back(static_cast<uint8_t>(value.size()));
    block.insert(block.end(), value.begin(), value.end());
  };
  block.insert(block.end(), {0x40, 40});
  block.insert(block.end(), name.begin(), name.end());
  block.insert(block.end(), {1, 'v'});
  insert(std::string(30, 'a'));
  insert(std::string(30, 'b'));
  block.insert(block.end(), {0xbe, 0x82});
  for (char c = 'c'; c < 'z'; ++c) insert(std::string(30, c));
  block.insert(block.end(), {0x00, 0x81, 0x1f, 0x81, 0x1f, 0xbe});
  ASSERT_TRUE(decoder.decode(block)) << decoder.why();
  EXPECT_TRUE(decoder.out.truncated);
  EXPECT_EQ(decoder.fields(),
            (TextFields{{name, "v"}, {name, std::string(30, 'a')}, {name, std::string(30, 'b')}}));
}

TEST(DecoderLimits, ManyHuffmanStringsFitTheScratch) {
  TestDecoder decoder({.max_list_bytes = 1, .max_fields = 1});
  Block block;
  // Five bits a byte: the densest there is.
  const std::string text(1000, '0');
  for (int i = 0; i < 200; ++i) {
    block.insert(block.end(), {0x04, 0xff, 0xf2, 0x03});  // 127 + 498 = 625 bytes
    const size_t at = block.size();
    block.resize(at + huffman_encoded_bytes(text));
    huffman_encode(text, block.data() + at);
  }
  ASSERT_TRUE(decoder.decode(block)) << decoder.why();
  EXPECT_TRUE(decoder.out.truncated);
}

}  // namespace
}  // namespace saker::hpack

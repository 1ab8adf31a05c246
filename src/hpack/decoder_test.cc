// Representations, malformed input, and the truth about each field.
#include "saker/hpack/decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "saker/hpack/hpack_testing.h"
#include "saker/hpack/huffman.h"
#include "saker/hpack/static_table.h"

namespace saker::hpack {
namespace {

TEST(Decoder, EmptyBlockHasNoFields) {
  TestDecoder decoder;
  ASSERT_TRUE(decoder.decode({}));
  EXPECT_TRUE(decoder.out.fields.empty());
  EXPECT_FALSE(decoder.out.truncated);
  EXPECT_EQ(decoder.decoder.memory_bytes(), 0u);
}

TEST(Decoder, EveryStaticIndex) {
  TestDecoder decoder;
  for (uint32_t index = 1; index <= kStaticEntries; ++index) {
    ASSERT_TRUE(decoder.decode({static_cast<uint8_t>(0x80 | index)}));
    ASSERT_EQ(decoder.out.fields.size(), 1u);
    EXPECT_EQ(decoder.out.fields[0].name, kStaticTable[index].name);
    EXPECT_EQ(decoder.out.fields[0].value, kStaticTable[index].value);
    EXPECT_EQ(decoder.out.fields[0].token, kStaticTable[index].token);
  }
}

TEST(Decoder, RefusesMalformedBlocks) {
  struct Row {
    const char* hex;
    const char* why;
  };
  constexpr Row kRows[] = {
      {"80", "index 0"},
      {"be", "index beyond the table"},
      {"ff00", "index beyond the table"},
      {"82be", "index beyond the table"},
      {"ff", "index cut off or too large"},
      {"ff80", "index cut off or too large"},
      {"ffffffffff7f", "index cut off or too large"},
      {"ff808080808000", "index cut off or too large"},
      {"7e00", "name index beyond the table"},
      {"0f2f00", "name index beyond the table"},
      {"1f2f00", "name index beyond the table"},
      {"7f", "name index cut off or too large"},
      {"0fffffffffff01", "name index cut off or too large"},
      {"40", "string cut off"},
      {"00", "string cut off"},
      {"10", "string cut off"},
      {"04", "string cut off"},
      {"0001", "string longer than the block"},
      {"000261", "string longer than the block"},
      {"000161", "string cut off"},
      {"000161 01", "string longer than the block"},
      {"04 7f", "string length cut off or too large"},
      {"04 7fffffffff0f", "string length cut off or too large"},
      {"04 7f80ffffff07 00", "string longer than the block"},
      {"04 82f1", "string longer than the block"},
      {"04 81 00", "malformed Huffman code"},
      {"04 81 ff", "malformed Huffman code"},
      {"04 84 ffffffff", "malformed Huffman code"},
      {"00 81 00 00", "malformed Huffman code"},
      {"82 20", "size update after the start of the block"},
      {"20 82 20", "size update after the start of the block"},
      {"20 20 20", "more than two size updates"},
      {"3f", "size update cut off or too large"},
      {"3fffffffffff01", "size update cut off or too large"},
      {"3fe21f", "size update too large"},
      {"203fe21f", "size update too large"},
  };
  for (const Row& row : kRows) {
    TestDecoder decoder;
    EXPECT_FALSE(decoder.decode(from_hex(row.hex))) << row.hex;
    EXPECT_EQ(decoder.why(), row.why) << row.hex;
    EXPECT_TRUE(decoder.out.fields.empty());
  }
}

TEST(Decoder, MarksIllegalNamesAndValues) {
  struct Row {
    const char* hex;
    bool legal;
  };
  constexpr Row kRows[] = {
      {"00 0161 0162", true},
      {"00 00 0162", false},              // empty name
      {"00 0141 0162", false},            // upper case
      {"00 06677270632d41 0162", false},  // as a reserved name, too
      {"00 023a41 0162", false},          // ":A"
      {"00 023a61 0162", true},           // ":a" is the reader's business
      {"00 0161 00", true},               // empty value
      {"00 0161 0100", false},            // NUL
      {"00 0161 03620d63", false},        // CR
      {"00 0161 03620a63", false},        // LF
      {"00 0161 022062", false},          // leading space
      {"00 0161 026209", false},          // trailing tab
      {"00 0161 03622063", true},         // inner space
      {"00 0161 0180", true},             // obs-text
  };
  for (const Row& row : kRows) {
    TestDecoder decoder;
    ASSERT_TRUE(decoder.decode(from_hex(row.hex))) << row.hex << decoder.why();
    ASSERT_EQ(decoder.out.fields.size(), 1u);
    EXPECT_EQ(decoder.out.fields[0].legal, row.legal) << row.hex;
  }
}

TEST(Decoder, MarksIllegalHuffmanText) {
  // NUL is 13 bits: 1111111111000; a space 010100; 'A' 100001.
  struct Row {
    const char* hex;
    bool legal;
  };
  constexpr Row kRows[] = {
      {"00 0161 82 ffc7", false},  // NUL
      {"00 0161 81 53", false},    // a space
      {"00 0161 81 1f", true},     // 'a'
      {"00 81 1f 0162", true},     // name 'a'
      {"00 81 87 0162", false},    // name 'A'
      {"00 82 ffc7 0162", false},  // name NUL
  };
  for (const Row& row : kRows) {
    TestDecoder decoder;
    ASSERT_TRUE(decoder.decode(from_hex(row.hex))) << row.hex << decoder.why();
    EXPECT_EQ(decoder.out.fields[0].legal, row.legal) << row.hex;
  }
}

TEST(Decoder, DynamicEntriesRememberWhatIsIllegal) {
  TestDecoder decoder;
  ASSERT_TRUE(decoder.decode(from_hex("40 0141 0162  40 0161 0100")));  // (A, b) (a, NUL)
  // Both whole, then both names with a legal value.
  ASSERT_TRUE(decoder.decode(from_hex("be bf 0f2f0163 0f300163")));
  ASSERT_EQ(decoder.out.fields.size(), 4u);
  EXPECT_FALSE(decoder.out.fields[0].legal);
  EXPECT_FALSE(decoder.out.fields[1].legal);
  EXPECT_TRUE(decoder.out.fields[2].legal);
  EXPECT_FALSE(decoder.out.fields[3].legal);
  EXPECT_EQ(decoder.out.fields[3].name, "A");
}

TEST(Decoder, TokensComeWithEveryRepresentation) {
  TestDecoder decoder;
  const char* const hex =
      "40 02 7465 08 747261696c657273"  // te: trailers, inserted
      "be"                              // whole
      "0f2f 01 78"                      // its name
      "00 02 7465 01 78"                // its name spelled out
      "0f0d 01 37";                     // content-length: 7
  ASSERT_TRUE(decoder.decode(from_hex(hex)));
  ASSERT_EQ(decoder.out.fields.size(), 5u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(decoder.out.fields[i].token, Token::kTe) << i;
  EXPECT_EQ(decoder.out.fields[4].token, Token::kContentLength);
  EXPECT_EQ(decoder.out.fields[4].value, "7");
}

TEST(Decoder, NeverIndexIsOfTheFieldAlone) {
  TestDecoder decoder;
  ASSERT_TRUE(decoder.decode(from_hex("10 0161 0162 00 0161 0162 40 0161 0162 be")));
  ASSERT_EQ(decoder.out.fields.size(), 4u);
  EXPECT_TRUE(decoder.out.fields[0].never_index);
  for (size_t i = 1; i < 4; ++i) EXPECT_FALSE(decoder.out.fields[i].never_index);
  EXPECT_EQ(decoder.decoder.table_entries(), 1u);
}

// Paths that are Huffman coded come from a memory of the last ones.
TEST(Decoder, HuffmanPathsAreRightTheSecondTimeToo) {
  TestDecoder decoder;
  const auto literal = [](const std::string& path) {
    Block block = {0x04, static_cast<uint8_t>(0x80 | huffman_encoded_bytes(path))};
    block.resize(2 + huffman_encoded_bytes(path));
    huffman_encode(path, block.data() + 2);
    return block;
  };
  std::vector<std::string> paths;
  for (size_t size = 1; size <= 70; ++size) {
    for (const char fill : {'0', 'X', '\0', ' '}) paths.push_back("/" + std::string(size, fill));
    paths.push_back("/saker.echo.v1.Echo/Method" + std::to_string(size * 7919));
  }
  for (int round = 0; round < 3; ++round) {
    for (const std::string& path : paths) {
      if (huffman_encoded_bytes(path) > 100) continue;
      ASSERT_TRUE(decoder.decode(join({literal(path), literal(paths[7]), literal(path)})));
      EXPECT_EQ(decoder.fields(),
                (TextFields{{":path", path}, {":path", paths[7]}, {":path", path}}));
      EXPECT_EQ(decoder.out.fields[2].legal, is_legal_value(path)) << path;
    }
  }
}

// Cut anywhere, a block is an error or a shorter list; nothing is read behind its end (ASan).
TEST(Decoder, EveryTruncationOfABlock) {
  Block block = from_hex(
      "828684418cf1e3c2e5f23a6ba0ab90f4ff be5886a8eb10649cbf"
      "408825a849e95ba97d7f8925a849e95bb8e8b4bf 0f0d03313030 10 0161 7f0a");
  block.insert(block.end(), 137, 'v');
  block.insert(block.end(), {0xff, 0x00});  // index 127 does not exist
  TestDecoder whole;
  EXPECT_FALSE(whole.decode(block));
  block.erase(block.end() - 2, block.end());
  ASSERT_TRUE(TestDecoder().decode(block));
  const std::vector<size_t> ends = {0, 1, 2, 3, 17, 18, 26, 46, 52, block.size()};
  for (size_t size = 0; size <= block.size(); ++size) {
    TestDecoder decoder;
    const bool at_end = std::find(ends.begin(), ends.end(), size) != ends.end();
    EXPECT_EQ(decoder.decode(Block(block.begin(), block.begin() + size)), at_end) << size;
  }
}

}  // namespace
}  // namespace saker::hpack

// Huffman coding: the RFC's codes, round trips at every bit offset, and malformed input against a
// decoder that goes bit by bit.
#include "saker/hpack/huffman.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>

#include "saker/hpack/hpack_testing.h"
#include "saker/hpack/huffman_code.h"

namespace saker::hpack {
namespace {

Block coded(std::string_view text) {
  Block block(huffman_encoded_bytes(text));
  EXPECT_EQ(huffman_encode(text, block.data()), block.data() + block.size());
  return block;
}

// Input and output in buffers of exactly the promised sizes, for ASan.
std::optional<std::string> decoded(const Block& block) {
  const auto in = std::make_unique<uint8_t[]>(block.size());
  std::copy(block.begin(), block.end(), in.get());
  const auto out = std::make_unique<char[]>(max_huffman_decoded_bytes(block.size()));
  const HuffmanText text = huffman_decode({in.get(), block.size()}, out.get());
  if (!text.ok) return std::nullopt;
  const std::string result(out.get(), text.bytes);
  EXPECT_EQ(text.has_forbidden, result.find_first_of(std::string("\0\r\n", 3)) != result.npos);
  return result;
}

// Bits written one by one, for what the encoder never says.
class Bits {
 public:
  Bits& put(uint32_t code, unsigned length) {
    while (length-- > 0) text_.push_back((code >> length & 1) != 0 ? '1' : '0');
    return *this;
  }
  Bits& symbol(uint32_t value) { return put(kHuffmanCode.code[value], kHuffmanLengths[value]); }
  Bits& ones(unsigned count) {
    text_.append(count, '1');
    return *this;
  }
  Block pad() {
    while (text_.size() % 8 != 0) text_.push_back('1');
    return bytes();
  }
  Block bytes() const {
    EXPECT_EQ(text_.size() % 8, 0u);
    Block block;
    for (size_t i = 0; i < text_.size(); i += 8) {
      block.push_back(static_cast<uint8_t>(std::stoi(text_.substr(i, 8), nullptr, 2)));
    }
    return block;
  }

 private:
  std::string text_;
};

TEST(Huffman, CodesOfRfc7541AppendixB) {
  struct Row {
    uint32_t symbol;
    uint32_t code;
  };
  constexpr Row kRows[] = {{0, 0x1ff8},      {1, 0x7fffd8},    {10, 0x3ffffffc},  {'0', 0x0},
                           {'a', 0x3},       {'t', 0x9},       {' ', 0x14},       {'z', 0x7b},
                           {'~', 0x1ffd},    {127, 0xffffffc}, {128, 0xfffe6},    {255, 0x3ffffee},
                           {22, 0x3ffffffe}, {249, 0xffffffe}, {256, 0x3fffffff}, {'{', 0x7ffe}};
  for (const Row& row : kRows) EXPECT_EQ(kHuffmanCode.code[row.symbol], row.code) << row.symbol;
}

TEST(Huffman, KnownStrings) {
  EXPECT_EQ(coded("www.example.com"), from_hex("f1e3c2e5f23a6ba0ab90f4ff"));
  EXPECT_EQ(coded("no-cache"), from_hex("a8eb10649cbf"));
  EXPECT_EQ(coded(""), Block{});
  EXPECT_EQ(decoded({}), "");
}

TEST(Huffman, RoundTripsEverySymbolAtEveryBitOffset) {
  for (int symbol = 0; symbol < 256; ++symbol) {
    for (size_t before = 0; before < 20; ++before) {
      for (size_t after : {0, 1, 3, 17}) {
        std::string text(before, '0');  // five bits each
        text.push_back(static_cast<char>(symbol));
        text.append(after, 'X');  // eight bits each
        ASSERT_EQ(decoded(coded(text)), text) << symbol << " behind " << before;
      }
    }
  }
}

TEST(Huffman, RoundTripsEveryPairOfSymbols) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second)};
      ASSERT_EQ(decoded(coded(text)), text) << first << " " << second;
    }
  }
}

TEST(Huffman, RoundTripsRandomStrings) {
  std::mt19937 random(7541);
  const std::string_view base64 =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 90, ' ');
    const auto kind = random() % 3;
    for (char& c : text) {
      c = kind == 0 ? base64[random() % base64.size()] : static_cast<char>(random() % 256);
      if (kind == 1 && random() % 8 != 0) c = base64[random() % base64.size()];
    }
    ASSERT_EQ(decoded(coded(text)), text);
  }
}

TEST(Huffman, PaddingIsAtMostSevenOnes) {
  EXPECT_EQ(decoded(Bits().symbol('X').bytes()), "X");
  EXPECT_EQ(decoded(Bits().symbol('0').ones(3).bytes()), "0");
  EXPECT_EQ(decoded(Bits().symbol('!').ones(6).bytes()), "!");
  EXPECT_EQ(decoded(Bits().symbol('#').symbol('0').ones(7).bytes()), "#0");
  EXPECT_EQ(decoded(Bits().symbol('X').ones(8).bytes()), std::nullopt);
  EXPECT_EQ(decoded(Bits().symbol('0').ones(11).bytes()), std::nullopt);
  EXPECT_EQ(decoded(Bits().symbol('A').symbol('0').ones(13).bytes()), std::nullopt);
  EXPECT_EQ(decoded(Bits().ones(8).bytes()), std::nullopt);
  EXPECT_EQ(decoded(Bits().ones(24).bytes()), std::nullopt);
}

TEST(Huffman, PaddingOfOtherBitsIsRefused) {
  for (uint32_t padding = 0; padding < 8; ++padding) {
    const Block block = Bits().symbol('0').put(padding, 3).bytes();
    EXPECT_EQ(decoded(block).has_value(), padding == 7) << padding;
  }
  // Behind enough text for the word-wise loop.
  for (uint32_t padding = 0; padding < 8; ++padding) {
    Bits bits;
    for (int i = 0; i < 17; ++i) bits.symbol('a');
    EXPECT_EQ(decoded(bits.put(padding, 3).bytes()).has_value(), padding == 7) << padding;
  }
}

TEST(Huffman, EosIsRefusedAnywhere) {
  EXPECT_EQ(decoded(Bits().symbol(kHuffmanEos).pad()), std::nullopt);
  for (int before = 0; before < 40; ++before) {
    for (int after : {0, 1, 40}) {
      Bits bits;
      for (int i = 0; i < before; ++i) bits.symbol('0');
      bits.symbol(kHuffmanEos);
      for (int i = 0; i < after; ++i) bits.symbol('0');
      ASSERT_EQ(decoded(bits.pad()), std::nullopt) << before << " " << after;
    }
  }
}

TEST(Huffman, EveryTruncationIsRefusedOrAPrefix) {
  const std::string text("https://example.com/\x01\xff{}|~ and more", 36);
  const Block block = coded(text);
  for (size_t size = 0; size < block.size(); ++size) {
    const auto result = decoded(Block(block.begin(), block.begin() + size));
    EXPECT_TRUE(!result || text.starts_with(*result)) << size;
  }
}

// Against the plainest decoder there is, over random bytes.
std::optional<std::string> decoded_bit_by_bit(const Block& block) {
  std::string out;
  uint32_t code = 0;
  unsigned length = 0;
  for (size_t bit = 0; bit < block.size() * 8; ++bit) {
    code = code << 1 | (block[bit / 8] >> (7 - bit % 8) & 1u);
    ++length;
    for (uint32_t symbol = 0; symbol < kHuffmanSymbols; ++symbol) {
      if (kHuffmanLengths[symbol] != length || kHuffmanCode.code[symbol] != code) continue;
      if (symbol == kHuffmanEos) return std::nullopt;
      out.push_back(static_cast<char>(symbol));
      code = length = 0;
      break;
    }
  }
  if (length > 7 || code != (1u << length) - 1) return std::nullopt;
  return out;
}

TEST(Huffman, AgreesWithABitwiseDecoderOnRandomBytes) {
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    Block block(random() % 24);
    for (uint8_t& byte : block) {
      byte = static_cast<uint8_t>(random());
      if (random() % 4 == 0) byte = 0xff;
    }
    if (!block.empty() && random() % 2 == 0) block.back() |= 0x1f;
    ASSERT_EQ(decoded(block), decoded_bit_by_bit(block)) << round;
  }
}

}  // namespace
}  // namespace saker::hpack

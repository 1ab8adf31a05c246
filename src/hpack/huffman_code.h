// The Huffman code of RFC 7541 appendix B, made from its code lengths: the code is canonical, so
// symbols of one length have consecutive codes in the order of their values, and shorter codes come
// first. Everything here is computed at compile time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace saker::hpack {

constexpr size_t kHuffmanSymbols = 257;
constexpr uint32_t kHuffmanEos = 256;
constexpr unsigned kLongestHuffmanCodeBits = 30;

// clang-format off
constexpr std::array<uint8_t, kHuffmanSymbols> kHuffmanLengths = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
};
// clang-format on

struct HuffmanCode {
  std::array<uint32_t, kHuffmanSymbols> code{};      // right-aligned, by symbol
  std::array<uint16_t, kHuffmanSymbols> in_order{};  // symbols, shortest code first
  // By length: the first code, the position of its symbol in `in_order`, and the first code behind
  // the last one, left-aligned in 32 bits.
  std::array<uint32_t, kLongestHuffmanCodeBits + 1> first{};
  std::array<uint32_t, kLongestHuffmanCodeBits + 1> position{};
  std::array<uint64_t, kLongestHuffmanCodeBits + 1> limit{};
};

constexpr HuffmanCode kHuffmanCode = [] {
  HuffmanCode huffman;
  uint32_t code = 0;
  uint32_t position = 0;
  for (unsigned length = 1; length <= kLongestHuffmanCodeBits; ++length) {
    code <<= 1;
    huffman.first[length] = code;
    huffman.position[length] = position;
    for (uint32_t symbol = 0; symbol < kHuffmanSymbols; ++symbol) {
      if (kHuffmanLengths[symbol] != length) continue;
      huffman.code[symbol] = code++;
      huffman.in_order[position++] = static_cast<uint16_t>(symbol);
    }
    huffman.limit[length] = uint64_t{code} << (32 - length);
  }
  return huffman;
}();

static_assert(kHuffmanCode.limit[kLongestHuffmanCodeBits] == uint64_t{1} << 32, "complete");
static_assert(kHuffmanCode.code[kHuffmanEos] == 0x3fffffff, "EOS is all ones");

}  // namespace saker::hpack

// Huffman coding of string literals (RFC 7541 section 5.2 and appendix B).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "saker/base/bytes.h"

namespace saker::hpack {

struct HuffmanText {
  // False: EOS within, or padding of more than seven bits or of other bits than ones.
  bool ok = false;
  // NUL, CR or LF is among the bytes: all have long codes, so finding them costs nothing.
  bool has_forbidden = false;
  size_t bytes = 0;
};

// The most that huffman_decode() may write for `coded_bytes` of input:
// five bits make a byte, and it stores in pairs.
constexpr size_t max_huffman_decoded_bytes(size_t coded_bytes) {
  return coded_bytes * 8 / 5 + 2;
}

HuffmanText huffman_decode(Bytes coded, char* out);

size_t huffman_encoded_bytes(std::string_view text);
// Writes huffman_encoded_bytes(text) bytes; returns where they end.
uint8_t* huffman_encode(std::string_view text, uint8_t* out);

}  // namespace saker::hpack

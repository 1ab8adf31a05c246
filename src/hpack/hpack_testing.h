// What the tests of this folder share: hex, owned copies of fields, and a decoder with its scratch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saker/hpack/decoder.h"
#include "saker/hpack/encoder.h"

namespace saker::hpack {

using Block = std::vector<uint8_t>;
using TextField = std::pair<std::string, std::string>;
using TextFields = std::vector<TextField>;

// Blanks are skipped.
inline Block from_hex(std::string_view hex) {
  Block block;
  std::string digits;
  for (const char c : hex) {
    if (c != ' ' && c != '\n') digits.push_back(c);
  }
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    block.push_back(static_cast<uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return block;
}

inline Block join(std::initializer_list<Block> parts) {
  Block all;
  for (const Block& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

inline TextFields text_of(std::span<const Field> fields) {
  TextFields out;
  for (const Field& field : fields) out.emplace_back(field.name, field.value);
  return out;
}

// Decodes from a heap copy of exactly the block's size, so that ASan sees any over-read.
struct TestDecoder {
  explicit TestDecoder(const DecoderOptions& options = {}) : decoder(options, scratch) {}

  bool decode(const Block& bytes) {
    block = std::make_unique<uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), block.get());
    return decoder.decode({block.get(), bytes.size()}, out);
  }
  TextFields fields() const { return text_of(out.fields); }
  std::string why() const { return decoder.why(); }

  DecoderScratch scratch;
  Decoder decoder;
  std::unique_ptr<uint8_t[]> block;
  DecodedBlock out;
};

inline Block encode_block(Encoder& encoder, const std::vector<OutField>& fields) {
  Block block(Encoder::max_encoded_bytes(fields));
  block.resize(encoder.encode(fields, block.data()));
  return block;
}

}  // namespace saker::hpack

// Base64 as `-bin` metadata uses it: the standard alphabet (RFC 4648 section 4), written without
// padding, read with or without (gRPC PROTOCOL-HTTP2.md, Binary-Header). Pure functions into memory
// of the caller; nothing is allocated. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "saker/base/bytes.h"

namespace saker::grpc {

// How many characters base64_encode() writes for `size` bytes.
constexpr size_t base64_encoded_size(size_t size) {
  return size / 3 * 4 + (size % 3 * 4 + 2) / 3;
}
// The most bytes that base64_decode() writes for `size` characters.
constexpr size_t base64_max_decoded_size(size_t size) {
  return size / 4 * 3 + size % 4 * 3 / 4;
}

// Writes base64_encoded_size(bytes.size()) characters to `out` and returns their number.
size_t base64_encode(Bytes bytes, char* out);

// Writes at most base64_max_decoded_size(text.size()) bytes to `out` and returns their number;
// nothing when a character is outside the alphabet, padding is misplaced or incomplete, or the
// length is one that no bytes encode to. Unused bits of the last character are ignored (RFC 4648
// section 3.5 leaves that to the reader).
std::optional<size_t> base64_decode(std::string_view text, uint8_t* out);

}  // namespace saker::grpc

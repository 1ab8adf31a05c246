#include "printable.h"

#include <cstdint>

namespace saker::app {
namespace {

uint8_t byte_at(std::string_view text, size_t at) {
  return at < text.size() ? static_cast<uint8_t>(text[at]) : 0;
}

bool is_shown(char c) {
  return (c >= 0x20 && c < 0x7F) || c == '\n' || c == '\t';
}

void append_byte(std::string& out, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<uint8_t>(c);
  out += "\\x";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

}  // namespace

size_t utf8_length(std::string_view text, size_t at) {
  const uint8_t first = byte_at(text, at);
  const uint8_t second = byte_at(text, at + 1);
  size_t length = 0;
  uint8_t lowest = 0x80;
  uint8_t highest = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) length = 2;
  if (first >= 0xE0 && first <= 0xEF) length = 3;
  if (first >= 0xF0 && first <= 0xF4) length = 4;
  if (first == 0xE0) lowest = 0xA0;   // no overlong form
  if (first == 0xED) highest = 0x9F;  // no surrogate
  if (first == 0xF0) lowest = 0x90;   // no overlong form
  if (first == 0xF4) highest = 0x8F;  // nothing above U+10FFFF
  if (length == 0 || second < lowest || second > highest) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte_at(text, at + i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = static_cast<uint8_t>(text[at]) < 0x80 ? 1 : utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

bool is_c1_control(std::string_view text, size_t at) {
  return byte_at(text, at) == 0xC2 && byte_at(text, at + 1) >= 0x80 && byte_at(text, at + 1) < 0xA0;
}

std::string printable(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t length = is_c1_control(text, at) ? 0 : utf8_length(text, at);
    if (length != 0) {
      out += text.substr(at, length);
    } else if (is_shown(text[at])) {
      out += text[at];
    } else {
      append_byte(out, text[at]);
    }
    at += length == 0 ? 1 : length;
  }
  return out;
}

}  // namespace saker::app

// Base64 by table: three bytes to four characters and back. The decoding table maps a foreign
// character to a value with the top bit set, so that one test covers four
// characters. RFC 4648 section 4.
#include "saker/grpc/base64.h"

#include <array>

namespace saker::grpc {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kForeign = 0x80;

constexpr std::array<uint8_t, 256> make_values() {
  std::array<uint8_t, 256> values{};
  values.fill(kForeign);
  for (uint8_t i = 0; i < 64; ++i) values[static_cast<unsigned char>(kAlphabet[i])] = i;
  return values;
}
constexpr std::array<uint8_t, 256> kValues = make_values();

uint8_t value_of(char c) {
  return kValues[static_cast<unsigned char>(c)];
}

// `text` without its padding; nothing when there is padding but not the right amount of it.
std::optional<std::string_view> strip_padding(std::string_view text) {
  if (!text.ends_with('=')) return text;
  if (text.size() % 4 != 0) return std::nullopt;
  text.remove_suffix(1);
  if (text.ends_with('=')) text.remove_suffix(1);
  return text;
}

}  // namespace

size_t base64_encode(Bytes bytes, char* out) {
  char* at = out;
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t group = load_be24(bytes.data() + i);
    *at++ = kAlphabet[group >> 18];
    *at++ = kAlphabet[group >> 12 & 63];
    *at++ = kAlphabet[group >> 6 & 63];
    *at++ = kAlphabet[group & 63];
  }
  const size_t rest = bytes.size() - i;
  if (rest > 0) {
    const uint32_t group = uint32_t{bytes[i]} << 16 | (rest > 1 ? uint32_t{bytes[i + 1]} << 8 : 0);
    *at++ = kAlphabet[group >> 18];
    *at++ = kAlphabet[group >> 12 & 63];
    if (rest > 1) *at++ = kAlphabet[group >> 6 & 63];
  }
  return static_cast<size_t>(at - out);
}

std::optional<size_t> base64_decode(std::string_view text, uint8_t* out) {
  const auto stripped = strip_padding(text);
  if (!stripped || stripped->size() % 4 == 1) return std::nullopt;
  text = *stripped;
  uint8_t* at = out;
  uint32_t seen = 0;  // all values or-ed together: kForeign shows here
  for (; text.size() >= 4; text.remove_prefix(4)) {
    const uint32_t a = value_of(text[0]), b = value_of(text[1]);
    const uint32_t c = value_of(text[2]), d = value_of(text[3]);
    seen |= a | b | c | d;
    store_be24(at, a << 18 | b << 12 | c << 6 | d);
    at += 3;
  }
  if (text.size() >= 2) {
    const uint32_t a = value_of(text[0]), b = value_of(text[1]);
    const uint32_t c = text.size() == 3 ? value_of(text[2]) : 0;
    seen |= a | b | c;
    *at++ = static_cast<uint8_t>(a << 2 | b >> 4);
    if (text.size() == 3) *at++ = static_cast<uint8_t>(b << 4 | c >> 2);
  }
  if ((seen & kForeign) != 0) return std::nullopt;
  return static_cast<size_t>(at - out);
}

}  // namespace saker::grpc

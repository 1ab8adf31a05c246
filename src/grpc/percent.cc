// Percent-encoding: runs of clean bytes are copied whole, so that the ordinary message is one
// append. Unencoded are %x20-%x24 and %x26-%x7E; digits are written in upper case and read in
// either. gRPC PROTOCOL-HTTP2.md.
#include "saker/grpc/percent.h"

#include <cstddef>
#include <cstdint>

namespace saker::grpc {
namespace {

constexpr char kHexDigits[] = "0123456789ABCDEF";

constexpr bool is_clean(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte <= 0x7e && byte != '%';
}

// The position of the first byte at or after `at` that must be encoded.
size_t find_unclean(std::string_view message, size_t at) {
  for (; at < message.size(); ++at) {
    const bool at_an_end = at == 0 || at + 1 == message.size();
    if (!is_clean(message[at]) || (at_an_end && message[at] == ' ')) return at;
  }
  return message.size();
}

// The value of a hexadecimal digit, or -1.
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool is_percent_clean(std::string_view message) {
  return find_unclean(message, 0) == message.size();
}

void append_percent_encoded(std::string_view message, std::string& out) {
  for (size_t at = 0; at < message.size();) {
    const size_t unclean = find_unclean(message, at);
    out.append(message, at, unclean - at);
    if (unclean == message.size()) return;
    const auto byte = static_cast<unsigned char>(message[unclean]);
    const char triplet[3] = {'%', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
    out.append(triplet, sizeof triplet);
    at = unclean + 1;
  }
}

void append_percent_decoded(std::string_view value, std::string& out) {
  while (!value.empty()) {
    const size_t percent = value.find('%');
    out.append(value.substr(0, percent));
    if (percent == std::string_view::npos) return;
    value.remove_prefix(percent);
    const int high = value.size() > 2 ? hex_value(value[1]) : -1;
    const int low = value.size() > 2 ? hex_value(value[2]) : -1;
    const bool whole = high >= 0 && low >= 0;
    out.push_back(whole ? static_cast<char>(high << 4 | low) : '%');
    value.remove_prefix(whole ? 3 : 1);
  }
}

}  // namespace saker::grpc

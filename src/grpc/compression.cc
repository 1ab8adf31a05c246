// Names of encodings to values and back; the four possible accept lists are constants, so that none
// is ever built. Knows no zlib and no message. gRPC compression.md.
#include "saker/grpc/compression.h"

#include <array>

namespace saker::grpc {
namespace {

constexpr std::array<std::string_view, 3> kNames{"identity", "deflate", "gzip"};

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::string_view compression_name(Compression compression) {
  return kNames[static_cast<size_t>(compression)];
}

std::optional<Compression> parse_compression(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<Compression>(i);
  }
  return std::nullopt;
}

CompressionSet parse_accept_encoding(std::string_view value) {
  CompressionSet set;
  for (;;) {
    const size_t comma = value.find(',');
    if (const auto known = parse_compression(trimmed(value.substr(0, comma)))) set.add(*known);
    if (comma == std::string_view::npos) return set;
    value.remove_prefix(comma + 1);
  }
}

std::string_view encode_accept_encoding(CompressionSet set) {
  const bool deflate = set.contains(Compression::kDeflate);
  const bool gzip = set.contains(Compression::kGzip);
  if (deflate) return gzip ? "identity,deflate,gzip" : "identity,deflate";
  return gzip ? "identity,gzip" : "identity";
}

}  // namespace saker::grpc

// The names of message encodings: grpc-encoding and grpc-accept-encoding (gRPC compression.md).
// Names only: packing and unpacking happen where zlib is. Values only: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace saker::grpc {

enum class Compression : uint8_t { kIdentity, kDeflate, kGzip };

// "identity", "deflate", "gzip".
std::string_view compression_name(Compression compression);

// The value of grpc-encoding; nothing for an encoding that we don't know (the call ends
// UNIMPLEMENTED). Names are compared as they are: gRPC writes them in lower case.
std::optional<Compression> parse_compression(std::string_view name);

// What one side accepts; identity always is.
class CompressionSet {
 public:
  constexpr CompressionSet() = default;

  constexpr void add(Compression compression) { bits_ |= bit(compression); }
  constexpr bool contains(Compression compression) const { return (bits_ & bit(compression)) != 0; }
  constexpr bool operator==(const CompressionSet&) const = default;

 private:
  static constexpr uint8_t bit(Compression compression) {
    return static_cast<uint8_t>(1u << static_cast<unsigned>(compression));
  }

  uint8_t bits_ = bit(Compression::kIdentity);
};

// The value of grpc-accept-encoding: names split at commas,
// spaces around them ignored, unknown ones skipped.
CompressionSet parse_accept_encoding(std::string_view value);
// "identity,deflate,gzip" or the part of it that is in `set`.
std::string_view encode_accept_encoding(CompressionSet set);

}  // namespace saker::grpc

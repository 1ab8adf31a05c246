// Packer: packs and unpacks messages one by one (gRPC compression.md). gzip is RFC 1952; deflate is,
// as in HTTP, the zlib format of RFC 1950. Keeps zlib's state from one message to the next: a state
// costs some 260 KiB to pack and 40 KiB to unpack, and is made when the first message asks for it.
// Thread rule: belongs to one loop.
#pragma once

#include <memory>
#include <string>

#include "saker/base/chunk.h"
#include "saker/grpc/compression.h"
#include "saker/grpc/message.h"

struct z_stream_s;

namespace saker::rpc {

// What this library can unpack, and says so in grpc-accept-encoding.
inline constexpr grpc::CompressionSet supported_compressions() {
  grpc::CompressionSet all;
  all.add(grpc::Compression::kDeflate);
  all.add(grpc::Compression::kGzip);
  return all;
}

enum class Unpacked : uint8_t {
  kOk,
  kTooLarge,  // more than `max_bytes` are in it
  kBroken,    // it is not, or not only, what its encoding says
};

class Packer {
 public:
  Packer();
  ~Packer();
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  // Appends prefix and message: packed, or as it is where packing does not make it smaller.
  // `compression` is not kIdentity.
  void append(grpc::Compression compression, Bytes message, ChunkQueue& out);
  // Replaces `out` by what is in `packed`. `compression` is not kIdentity.
  Unpacked unpack(grpc::Compression compression, const grpc::ReceivedMessage& packed,
                  size_t max_bytes, std::string& out);
  // Frees zlib's states.
  void release_memory();
  bool holds_memory() const;

 private:
  struct EndPacking {
    void operator()(z_stream_s* stream) const;
  };
  struct EndUnpacking {
    void operator()(z_stream_s* stream) const;
  };
  z_stream_s* packing(grpc::Compression compression);
  z_stream_s* unpacking(grpc::Compression compression);

  // By encoding, null until they are needed.
  std::unique_ptr<z_stream_s, EndPacking> packing_[2];
  std::unique_ptr<z_stream_s, EndUnpacking> unpacking_[2];
  std::string scratch_;
};

}  // namespace saker::rpc

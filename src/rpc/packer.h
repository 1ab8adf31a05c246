// Packer and Unpacking: messages packed and unpacked one by one (gRPC compression.md). gzip is RFC 1952;
// deflate is, as in HTTP, the zlib format of RFC 1950. A Packer keeps zlib's state from one message to the
// next: a state costs some 260 KiB to pack and 40 KiB to unpack, and is made when the first message asks
// for it. Thread rule: belong to one loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

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
  kNotYet,    // go on
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
  // Frees zlib's states, but of what is under way.
  void release_memory();
  bool holds_memory() const;

 private:
  friend class Unpacking;
  struct EndPacking {
    void operator()(z_stream_s* stream) const;
  };
  struct EndUnpacking {
    void operator()(z_stream_s* stream) const;
  };
  using UnpackingState = std::unique_ptr<z_stream_s, EndUnpacking>;
  z_stream_s* packing(grpc::Compression compression);
  UnpackingState take_unpacking(grpc::Compression compression);
  void put_unpacking(grpc::Compression compression, UnpackingState state);

  // By encoding, null until they are needed and while they are lent.
  std::unique_ptr<z_stream_s, EndPacking> packing_[2];
  UnpackingState unpacking_[2];
  std::string scratch_;
};

// One message, unpacked in parts. What a part costs is told in bytes of a plain message that take about as
// long: unpacked ones four times, packed ones 256 times, for a block of twelve bytes may have tables of
// its own and yield next to nothing.
class Unpacking {
 public:
  static constexpr size_t kPackedCost = 256, kUnpackedCost = 4;
  static constexpr size_t kStateBytes = 40 * 1024;

  // `packer` and `out` outlive it; `packed` stays valid until it is done or keep_input() has been called.
  // `compression` is not kIdentity.
  Unpacking(Packer& packer, grpc::Compression compression, const grpc::ReceivedMessage& packed,
            size_t max_bytes, std::string& out);
  ~Unpacking();
  Unpacking(const Unpacking&) = delete;
  Unpacking& operator=(const Unpacking&) = delete;

  // Until `most` is used up, which it counts down, and by a little more.
  Unpacked go_on(size_t& most);
  // Copies what the caller lent for no longer than its event. Chunks of the message stay its own.
  void keep_input();
  size_t memory_bytes() const { return kStateBytes + kept_.size() + out_.capacity(); }

 private:
  bool next_input();
  void inflate_some(size_t& most);

  Packer& packer_;
  const grpc::Compression compression_;
  const size_t max_bytes_;
  std::string& out_;
  Packer::UnpackingState stream_;  // null: there was no memory for it
  Bytes input_;                    // of this chunk
  const Chunk* next_chunk_ = nullptr;
  const bool is_lent_;  // input_, with its event
  std::vector<uint8_t> kept_;
  bool has_filled_room_ = false;  // there may be more without any input
  bool ended_ = false;
  Unpacked result_ = Unpacked::kNotYet;
};

}  // namespace saker::rpc

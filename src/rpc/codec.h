// Codec<T>: how a message type becomes bytes and back. Specialised here for protobuf messages and
// for RawMessage (bytes in, bytes out). Deliberately knows nothing of calls or streams. A codec
// offers:
//   bool parse(const grpc::ReceivedMessage&, T&)      replaces what T held
//   size_t size(const T&)                             bytes that write() needs; must precede
//   write() void write(const T&, uint8_t* out)                exactly size() bytes void
//   write_chunks(const T&, ChunkQueue& out)      the same for large messages void recycle(T&)
//   empty, capacity kept for the next call
#pragma once

#include <google/protobuf/io/zero_copy_stream.h>
#include <google/protobuf/message_lite.h>

#include <cstring>
#include <string>
#include <utility>

#include "saker/base/chunk.h"
#include "saker/grpc/message.h"

namespace saker::rpc {

// A message object whose last message was larger than this is replaced, not reused.
inline constexpr size_t kKeptMessageBytes = 4096;

// Bytes as they are: for proxies, load generators, and methods whose payload is its own format.
struct RawMessage {
  // Not an aggregate: GCC 12 destroys one that is made of braces within a co_await expression twice
  // (GCC PR 107288).
  RawMessage() = default;
  RawMessage(std::string content) : bytes(std::move(content)) {}
  RawMessage(const char* content) : bytes(content) {}

  std::string bytes;
};

// Reads a ChunkQueue without copying it.
class ChunkInputStream final : public google::protobuf::io::ZeroCopyInputStream {
 public:
  explicit ChunkInputStream(const ChunkQueue& chunks) : at_(chunks.front()) {}
  bool Next(const void** data, int* size) override;
  void BackUp(int count) override { offset_ -= static_cast<size_t>(count); }
  bool Skip(int count) override;
  int64_t ByteCount() const override { return static_cast<int64_t>(before_ + offset_); }

 private:
  const Chunk* at_;
  size_t offset_ = 0;  // within at_
  size_t before_ = 0;  // bytes of the chunks before it
};

// Appends to a ChunkQueue.
class ChunkOutputStream final : public google::protobuf::io::ZeroCopyOutputStream {
 public:
  explicit ChunkOutputStream(ChunkQueue& chunks) : chunks_(&chunks) {}
  ~ChunkOutputStream() override { chunks_->commit_if(pending_); }
  bool Next(void** data, int* size) override;
  void BackUp(int count) override { pending_ -= static_cast<size_t>(count); }
  int64_t ByteCount() const override { return static_cast<int64_t>(written_ + pending_); }

 private:
  ChunkQueue* chunks_;
  size_t pending_ = 0;  // handed out, not yet committed
  size_t written_ = 0;
};

template <typename T>
struct Codec {
  // In two steps, because protobuf's own parse() logs a missing required field: no peer fills our
  // log.
  static bool parse(const grpc::ReceivedMessage& message, T& value) {
    return parse_partial(message, value) && value.IsInitialized();
  }
  static size_t size(const T& value) { return value.ByteSizeLong(); }
  static void write(const T& value, uint8_t* out) { value.SerializeWithCachedSizesToArray(out); }
  static void write_chunks(const T& value, ChunkQueue& out) {
    ChunkOutputStream output(out);
    value.SerializePartialToZeroCopyStream(&output);
  }
  static void recycle(T& value) { value.Clear(); }

 private:
  static bool parse_partial(const grpc::ReceivedMessage& message, T& value) {
    if (message.chunks == nullptr) {
      return value.ParsePartialFromArray(message.contiguous.data(),
                                         static_cast<int>(message.contiguous.size()));
    }
    ChunkInputStream input(*message.chunks);
    return value.ParsePartialFromZeroCopyStream(&input);
  }
};

template <>
struct Codec<RawMessage> {
  static bool parse(const grpc::ReceivedMessage& message, RawMessage& value) {
    value.bytes.resize(message.size);
    if (message.chunks != nullptr) {
      message.chunks->copy_to({reinterpret_cast<uint8_t*>(value.bytes.data()), message.size});
    } else if (message.size != 0) {
      std::memcpy(value.bytes.data(), message.contiguous.data(), message.size);
    }
    return true;
  }
  static size_t size(const RawMessage& value) { return value.bytes.size(); }
  static void write(const RawMessage& value, uint8_t* out) {
    std::memcpy(out, value.bytes.data(), value.bytes.size());
  }
  static void write_chunks(const RawMessage& value, ChunkQueue& out) {
    out.append(as_bytes(value.bytes));
  }
  static void recycle(RawMessage& value) { value.bytes.clear(); }
};

// Makes `value` ready for the next call; `last_bytes` is the wire size of what it held.
template <typename T>
void recycle_message(T& value, size_t last_bytes) {
  if (last_bytes > kKeptMessageBytes) {
    value = T();
  } else {
    Codec<T>::recycle(value);
  }
}

}  // namespace saker::rpc

// Codec<T>: how a message type becomes bytes and back. Specialised here for protobuf messages and
// for RawMessage (bytes in, bytes out). Deliberately knows nothing of calls or streams.
// A codec offers:
//   bool parse(const grpc::ReceivedMessage&, T&)  replaces what T held
//   size_t size(const T&)                         bytes that write() needs; must precede write()
//   void write(const T&, uint8_t* out)            exactly size() bytes
//   void write_chunks(const T&, ChunkQueue& out)  the same for large messages
//   void recycle(T&)                              empty, capacity kept for the next call
#pragma once

#include <google/protobuf/io/coded_stream.h>
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
  // Not an aggregate: GCC 12 destroys one that is made of braces within a co_await
  // expression twice (GCC PR 107288).
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
  ~ChunkOutputStream() override { flush(); }
  // What Next() handed out and BackUp() did not take back is in the queue afterwards.
  void flush() {
    chunks_->commit_if(pending_);
    written_ += std::exchange(pending_, 0);
  }
  bool Next(void** data, int* size) override;
  void BackUp(int count) override { pending_ -= static_cast<size_t>(count); }
  int64_t ByteCount() const override { return static_cast<int64_t>(written_ + pending_); }

 private:
  ChunkQueue* chunks_;
  size_t pending_ = 0;  // handed out, not yet committed
  size_t written_ = 0;
};

// A large message whose bytes are being sent from where they are. Lives until the last chunk that
// lends them has been written, and until its maker has dropped it.
template <typename T>
class LentMessage {
 public:
  explicit LentMessage(T&& message) : value(std::move(message)) {}

  T value;

  // Another chunk of `pool` that lends `bytes` of the value.
  Chunk* lend(ChunkPool& pool, Bytes bytes) {
    ++holders_;
    return pool.lend(bytes, [](void* self) { static_cast<LentMessage*>(self)->drop(); }, this);
  }
  bool is_lent() const { return holders_ > 1; }
  void drop() {
    if (--holders_ == 0) delete this;
  }

 private:
  ~LentMessage() = default;
  size_t holders_ = 1;
};

// Messages from this size on are lent, where their holder can wait for them.
inline constexpr size_t kLentMessageBytes = 32 * 1024;

// Appends to a ChunkQueue, long strings of a message as lent bytes.
template <typename T>
class LendingOutputStream final : public google::protobuf::io::ZeroCopyOutputStream {
 public:
  LendingOutputStream(ChunkQueue& chunks, LentMessage<T>& message)
      : chunks_(chunks), copied_(chunks), message_(message) {}
  bool Next(void** data, int* size) override { return copied_.Next(data, size); }
  void BackUp(int count) override { copied_.BackUp(count); }
  int64_t ByteCount() const override { return copied_.ByteCount() + lent_; }
  bool AllowsAliasing() const override { return true; }
  bool WriteAliasedRaw(const void* data, int size) override {
    copied_.flush();
    const Bytes bytes(static_cast<const uint8_t*>(data), static_cast<size_t>(size));
    chunks_.append(message_.lend(chunks_.pool(), bytes));
    lent_ += size;
    return true;
  }

 private:
  ChunkQueue& chunks_;
  ChunkOutputStream copied_;
  LentMessage<T>& message_;
  int64_t lent_ = 0;
};

template <typename T>
struct Codec {
  // In two steps, because protobuf's own parse() logs a missing required field:
  // no peer fills our log.
  static bool parse(const grpc::ReceivedMessage& message, T& value) {
    return parse_partial(message, value) && value.IsInitialized();
  }
  static size_t size(const T& value) { return value.ByteSizeLong(); }
  static void write(const T& value, uint8_t* out) { value.SerializeWithCachedSizesToArray(out); }
  static void write_chunks(const T& value, ChunkQueue& out) {
    ChunkOutputStream output(out);
    value.SerializePartialToZeroCopyStream(&output);
  }
  static void lend_chunks(LentMessage<T>& message, ChunkQueue& out) {
    LendingOutputStream<T> output(out, message);
    google::protobuf::io::CodedOutputStream coded(&output);
    coded.EnableAliasing(true);
    message.value.SerializePartialToCodedStream(&coded);
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
    if (message.chunks == nullptr) {
      value.bytes.assign(as_text(message.contiguous));
      return true;
    }
    // GCC 12 may pass more than was asked for, where the string grows: only our own size counts.
    value.bytes.resize_and_overwrite(message.size, [&](char* to, size_t) {
      message.chunks->copy_to({reinterpret_cast<uint8_t*>(to), message.size});
      return message.size;
    });
    return true;
  }
  static size_t size(const RawMessage& value) { return value.bytes.size(); }
  static void write(const RawMessage& value, uint8_t* out) {
    std::memcpy(out, value.bytes.data(), value.bytes.size());
  }
  static void write_chunks(const RawMessage& value, ChunkQueue& out) {
    out.append(as_bytes(value.bytes));
  }
  static void lend_chunks(LentMessage<RawMessage>& message, ChunkQueue& out) {
    out.append(message.lend(out.pool(), as_bytes(message.value.bytes)));
  }
  static void recycle(RawMessage& value) { value.bytes.clear(); }
};

// Appends prefix and message, `size` bytes of it, copied.
template <typename T>
void frame_message(const T& value, size_t size, ChunkQueue& out) {
  grpc::write_message_prefix(out.prepare(grpc::kMessagePrefixBytes), false,
                             static_cast<uint32_t>(size));
  out.commit(grpc::kMessagePrefixBytes);
  Codec<T>::write_chunks(value, out);
}

// Appends prefix and message, `size` bytes of it, lending what is long: the message is moved from.
// Null when everything was copied; otherwise the caller's to drop().
template <typename T>
LentMessage<T>* append_message(T& value, size_t size, ChunkQueue& out) {
  if (size < kLentMessageBytes) {
    frame_message(value, size, out);
    return nullptr;
  }
  grpc::write_message_prefix(out.prepare(grpc::kMessagePrefixBytes), false,
                             static_cast<uint32_t>(size));
  out.commit(grpc::kMessagePrefixBytes);
  auto* lent = new LentMessage<T>(std::move(value));
  Codec<T>::lend_chunks(*lent, out);
  return lent;
}

// For what is not sent as it is. `size`: as Codec<T>::size() has just said.
template <typename T>
std::string encode_message(const T& value, size_t size) {
  std::string bytes;
  bytes.resize_and_overwrite(size, [&](char* to, size_t) {
    Codec<T>::write(value, reinterpret_cast<uint8_t*>(to));
    return size;
  });
  return bytes;
}

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

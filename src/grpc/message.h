// Length-prefixed messages (gRPC PROTOCOL-HTTP2.md "Length-Prefixed-Message"): one flag byte, four
// bytes of length, the message. DATA boundaries mean nothing: MessageReader takes the bytes of one
// direction of one call however they are cut. A message that lies whole in what has just arrived is
// lent as a view and never copied; any other is assembled, charged to the MemoryBudget for what has
// arrived, never for what the prefix claims. Knows no compression, no HTTP/2, no codec.
//
//   kIdle ──prefix cut──▶ kPrefix ──5th byte──▶ kBody ──last byte──▶ kDelivered ──next()──▶ kIdle
//     └─── whole message in hand: lent, stays kIdle
//   any refusal ──▶ kFailed ──reset()──▶ kIdle
//
// Thread rule: a reader belongs to the loop whose ChunkPool it uses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "saker/base/bytes.h"
#include "saker/base/chunk.h"
#include "saker/base/memory_budget.h"

namespace saker::grpc {

inline constexpr size_t kMessagePrefixBytes = 5;
// Messages up to this size are always handed out contiguous.
inline constexpr size_t kMaxContiguousBytes = 64 * 1024;

// Writes the kMessagePrefixBytes that stand before a message of `size` bytes.
inline void write_message_prefix(uint8_t* out, bool compressed, uint32_t size) {
  out[0] = compressed ? 1 : 0;
  store_be32(out + 1, size);
}

// What the readers of one connection share; outlives them.
struct MessageContext {
  ChunkPool* pool = nullptr;
  MemoryBudget* budget = nullptr;
  uint32_t max_bytes = 4 << 20;  // the largest message accepted, as it stands on the wire
};

struct ReceivedMessage {
  bool compressed = false;
  Bytes contiguous;              // the message, when `chunks` is null
  ChunkQueue* chunks = nullptr;  // non-null only above kMaxContiguousBytes; may be moved from
  size_t size = 0;
};

enum class ReadResult : uint8_t {
  kNeedMore,  // all of the data was consumed
  kMessage,   // one message; the data behind it is left
  kTooLarge,  // RESOURCE_EXHAUSTED: past max_bytes, or the budget is spent (budget_refused())
  kBadFlag,   // INTERNAL: the flag byte is neither 0 nor 1
};

class MessageReader {
 public:
  MessageReader() = default;
  explicit MessageReader(const MessageContext& context) : context_(&context) {}
  ~MessageReader() { reset(); }
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  // For reuse by another connection's call: resets, then works with `context`.
  void bind(const MessageContext& context) {
    reset();
    context_ = &context;
  }

  // Of one message, as bound.
  size_t max_bytes() const { return context_->max_bytes; }

  // Consumes from `data`. What `out` shows is valid until the next call of next(), reset() or
  // bind(), and for a view into `data` as long as that is; budget is held for just as long.
  // kTooLarge leaves the claimed size in out.size; after it and after kBadFlag everything held is
  // given back, and further data is discarded with the same answer until reset().
  ReadResult next(Bytes& data, ReceivedMessage& out) {
    if (phase_ == Phase::kIdle) [[likely]] {
      if (data.size() >= kMessagePrefixBytes) [[likely]] {
        const size_t size = load_be32(data.data() + 1);
        if (size <= data.size() - kMessagePrefixBytes && size <= context_->max_bytes &&
            data[0] <= 1) [[likely]] {
          lend(data, data[0] != 0, kMessagePrefixBytes, size, out);
          return ReadResult::kMessage;
        }
      } else if (data.empty()) {
        return ReadResult::kNeedMore;
      }
    }
    return next_slow(data, out);
  }

  // True when the stream may end here: no message has begun and not come to its end.
  bool at_boundary() const { return phase_ == Phase::kIdle || phase_ == Phase::kDelivered; }
  // Bytes to come of a message that has begun and whose size is known.
  uint32_t missing_bytes() const { return phase_ == Phase::kBody ? size_ - filled_ : 0; }
  // Tells the two reasons of kTooLarge apart.
  bool budget_refused() const { return budget_refused_; }
  // Bytes charged to the budget at this moment.
  size_t charged_bytes() const { return charged_bytes_; }

  // Gives everything back and starts over.
  void reset() {
    if (phase_ != Phase::kIdle) [[unlikely]] {
      reset_slow();
    }
  }

 private:
  enum class Phase : uint8_t { kIdle, kPrefix, kBody, kDelivered, kFailed };

  // Hands out the `size` bytes that stand behind `skip` bytes of `data`.
  static void lend(Bytes& data, bool compressed, size_t skip, size_t size, ReceivedMessage& out) {
    out.compressed = compressed;
    out.contiguous = data.subspan(skip, size);
    out.chunks = nullptr;
    out.size = size;
    data = data.subspan(skip + size);
  }

  ReadResult next_slow(Bytes& data, ReceivedMessage& out);
  bool take_prefix(Bytes& data);
  ReadResult begin_body(Bytes& data, ReceivedMessage& out);
  ReadResult continue_body(Bytes& data, ReceivedMessage& out);
  void deliver(ReceivedMessage& out);
  bool append(Bytes part);
  bool append_contiguous(Bytes part);
  bool append_chunks(Bytes part);
  bool grow_buffer(size_t wanted);
  bool add_chunk(size_t arrived);
  bool try_charge(size_t bytes);
  void free_buffer();
  void release_all();
  ReadResult fail(ReadResult why, Bytes& data);
  void reset_slow();

  const MessageContext* context_ = nullptr;
  uint8_t* buffer_ = nullptr;  // contiguous assembly: chunk_'s storage; heap when chunk_ is null
  Chunk* chunk_ = nullptr;
  std::unique_ptr<ChunkQueue> queue_;  // assembly above kMaxContiguousBytes
  size_t charged_bytes_ = 0;
  uint32_t size_ = 0;    // of the message being assembled, as its prefix says
  uint32_t filled_ = 0;  // bytes of it that have arrived
  uint32_t room_ = 0;    // contiguous: capacity of buffer_; chunks: free bytes in the last chunk
  uint8_t prefix_[kMessagePrefixBytes] = {};
  uint8_t prefix_filled_ = 0;
  Phase phase_ = Phase::kIdle;
  ReadResult failure_ = ReadResult::kNeedMore;
  bool budget_refused_ = false;
};

}  // namespace saker::grpc

// CallRecord and CallRing: one fixed-size record a call, written by the call's loop into a ring
// without lock or allocation, formatted elsewhere by one log thread. A full ring drops the record
// and counts it: logging never slows a call down. Thread rule: one writer (the loop),
// one reader (the log thread).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "saker/grpc/status.h"
#include "saker/net/address.h"

namespace saker::rpc {

// Text of bounded length inside a record; what does not fit is cut off.
template <size_t kBytes>
struct BoundedText {
  uint8_t size = 0;
  char bytes[kBytes];

  void assign(std::string_view text) { size = static_cast<uint8_t>(text.copy(bytes, kBytes)); }
  std::string_view view() const { return {bytes, size}; }
};

struct CallRecord {
  int64_t received_wall_ns = 0;  // since the epoch
  uint64_t duration_ns = 0;      // from receipt of the request to the status
  uint64_t request_bytes = 0;    // messages with their prefixes
  uint64_t reply_bytes = 0;
  uint32_t method = 0;  // index in the dispatcher; beyond the last: no known method
  uint32_t loop = 0;
  grpc::StatusCode code = grpc::StatusCode::kOk;
  net::Transport transport = net::Transport::kTcp;
  BoundedText<63> peer;
  BoundedText<127> identity;    // by the peer's certificate; empty without one
  BoundedText<55> traceparent;  // W3C Trace Context, 55 characters in version 00
};

class CallRing {
 public:
  // `capacity`: a power of two.
  explicit CallRing(size_t capacity)
      : mask_(capacity - 1), records_(std::make_unique<CallRecord[]>(capacity)) {}

  // Writer: the record to fill in, or null when the ring is full; publish() hands it over.
  CallRecord* try_begin() {
    const size_t head = head_.load(std::memory_order_relaxed);
    if (head - tail_seen_ > mask_) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (head - tail_seen_ > mask_) return nullptr;
    }
    return &records_[head & mask_];
  }
  void publish() {
    head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  // Reader: calls visit(record) for all that are there; returns how many.
  template <typename Visit>
  size_t drain(Visit visit) {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    const size_t head = head_.load(std::memory_order_acquire);
    for (size_t at = tail; at != head; ++at) visit(records_[at & mask_]);
    tail_.store(head, std::memory_order_release);
    return head - tail;
  }

 private:
  const size_t mask_;
  std::unique_ptr<CallRecord[]> records_;
  alignas(64) std::atomic<size_t> head_{0};
  size_t tail_seen_ = 0;  // writer's
  alignas(64) std::atomic<size_t> tail_{0};
};

struct CallLogOptions {
  uint64_t sample = 0;  // record every so many calls; 0: none
  // A power of two.
  size_t ring_records = 16384;  // limit: records of one loop that wait for the log thread
};

}  // namespace saker::rpc

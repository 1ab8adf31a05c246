// Counters: what one loop counts, plain numbers written by that loop only. Readers on other threads take relaxed snapshots:
// each number is right, a set of them may be a moment apart.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "saker/grpc/status.h"

namespace saker::rpc {

inline constexpr uint32_t kNoMethod = 0xFFFFFFFF;

// A number with one writer: an increment costs no lock prefix.
class Counter {
 public:
  void operator+=(uint64_t by) {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  void operator-=(uint64_t by) {
    value_.store(value_.load(std::memory_order_relaxed) - by, std::memory_order_relaxed);
  }
  operator uint64_t() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct LoopCounters {
  using ByCode = std::array<Counter, grpc::kStatusCodeCount>;

  Counter connections_opened;
  Counter connections_open;
  Counter bytes_received;
  Counter bytes_sent;
  std::vector<ByCode> calls;  // by method index; the last entry: calls of no known method

  explicit LoopCounters(size_t methods) : calls(methods + 1) {}
  void count_call(uint32_t method, grpc::StatusCode code) {
    const size_t row = method == kNoMethod ? calls.size() - 1 : method;
    calls[row][static_cast<size_t>(code)] += 1;
  }
};

}  // namespace saker::rpc

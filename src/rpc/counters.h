// Counters: what one loop counts, plain numbers written by that loop only. Readers on other threads
// take relaxed snapshots: each number is right, a set of them may be a moment apart.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <vector>

#include "saker/base/time.h"
#include "saker/grpc/status.h"
#include "saker/net/address.h"

namespace saker::rpc {

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

// How transports are told apart in counters; names from transport_name().
inline constexpr std::array kCountedTransports = {net::Transport::kTcp, net::Transport::kUnix,
                                                  net::Transport::kVsock, net::Transport::kVsockMux,
                                                  net::Transport::kMemory};
inline size_t counted_transport(net::Transport transport) {
  switch (transport) {
    case net::Transport::kTcp:
      return 0;
    case net::Transport::kUnix:
    case net::Transport::kUnixAbstract:
      return 1;
    case net::Transport::kVsock:
      return 2;
    case net::Transport::kVsockMux:
      return 3;
    default:
      return 4;
  }
}

// Ended calls of one method over one transport.
struct CallCounters {
  // Latency bucket k counts calls of less than 2^k * 1.024 us and not less than half of that; the
  // last has no upper bound.
  static constexpr size_t kLatencyBuckets = 26;

  std::array<Counter, grpc::kStatusCodeCount> by_code;
  std::array<Counter, kLatencyBuckets> latency;
  Counter latency_sum_ns;

  // Upper bound of bucket k, in nanoseconds.
  static constexpr uint64_t latency_bound_ns(size_t k) { return uint64_t{1024} << k; }

  void count(grpc::StatusCode code, Duration duration) {
    const auto ns = static_cast<uint64_t>(std::max<int64_t>(duration.count(), 0));
    by_code[static_cast<size_t>(code)] += 1;
    latency[std::min<size_t>(static_cast<size_t>(std::bit_width(ns >> 10)), kLatencyBuckets - 1)] +=
        1;
    latency_sum_ns += ns;
  }
};

// Why a connection was closed as soon as it had been accepted.
enum class ConnectionRefusal : uint8_t {
  kFull,    // max_connections
  kMemory,  // MemoryGuard
  kPeer,    // allowed_vsock_cids
};
inline constexpr size_t kConnectionRefusals = 3;

struct LoopCounters {
  Counter connections_opened;
  Counter connections_open;
  std::array<Counter, kConnectionRefusals> connections_refused;  // on the loop that accepts
  Counter connections_shed;  // closed because memory was short, and they held most
  Counter calls_refused;     // because memory was short
  Counter tls_failures;      // connections that TLS ended: handshakes, mostly
  Counter calls_open;
  Counter bytes_received;
  Counter bytes_sent;
  Counter records_logged;
  Counter records_dropped;
  Counter invariants_broken;  // our own bugs, found in connections that have ended

  explicit LoopCounters(size_t methods)
      : methods_(methods), calls_((methods + 1) * kCountedTransports.size()) {}

  // `method`: its index; anything beyond the last stands for calls of no known method.
  CallCounters& calls(size_t method, size_t transport) {
    return calls_[std::min(method, methods_) * kCountedTransports.size() + transport];
  }
  const std::vector<CallCounters>& all_calls() const { return calls_; }

 private:
  size_t methods_;
  std::vector<CallCounters> calls_;
};

}  // namespace saker::rpc

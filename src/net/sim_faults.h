// SimFaults: what may go wrong in a simulated network, how likely it is, and how often it was done.
// Pure numbers; SimNetwork does what they say.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "saker/base/time.h"

namespace saker::net {

// Probabilities from 0 to 1. Without faults, and with equal latencies, the network is ideal.
struct SimFaults {
  double short_read = 0;   // a read gets only a part of what has arrived
  double short_write = 0;  // a write is taken in parts, with a latency between them
  double late_write = 0;   // a write is not taken at once, but a latency after submit()
  double delay = 0;        // per part: it, and what follows it, comes up to delay_max later
  double reset = 0;        // per part that arrives: the connection breaks instead
  // Per part that arrives: nothing more comes from that side, not even what it has sent.
  double half_close = 0;
  // Per part that arrives: from then on nothing arrives, either way, and neither side is told.
  double black_hole = 0;
  // Per side of a new connection: takes at most slow_bytes at a time, and rests slow_pause then.
  double slow_reader = 0;
  double slow_writer = 0;
  double refuse_connect = 0;  // ECONNREFUSED though somebody listens
  double lose_connect = 0;    // no answer, until the attempt times out
  double fail_connect = 0;    // EMFILE at once
  double fail_accept = 0;     // EMFILE: the newcomer stays in the backlog, the listener rests
  double fail_adopt = 0;      // the accepted connection cannot be watched, and is closed
  double fail_resolve = 0;    // a name is not found though it exists
  Duration latency_min = std::chrono::microseconds(10);
  Duration latency_max = std::chrono::microseconds(100);
  Duration delay_max = std::chrono::milliseconds(200);
  Duration slow_pause = std::chrono::milliseconds(5);
  size_t slow_bytes = 1024;
  size_t window_bytes = 256 * 1024;  // taken and not yet read, per direction
};

// What has been done to the programs, one by one.
enum class SimFault : uint8_t {
  kShortRead,
  kShortWrite,
  kLateWrite,
  kDelay,
  kReorder,  // a part overtook one that another connection had sent earlier
  kReset,
  kHalfClose,
  kBlackHole,
  kSlowReader,
  kSlowWriter,
  kRefusedConnect,
  kLostConnect,
  kFailedConnect,
  kFailedAccept,
  kFailedAdopt,
  kFailedResolve,
  kClockJump,
  kWallClockBack,
  kKilled,  // connections of a process that was killed, or whose machine lost power
};
inline constexpr std::array<std::string_view, 19> kSimFaultNames = {
    "short read",     "short write",     "late write",       "delay",
    "reorder",        "reset",           "half-close",       "black hole",
    "slow reader",    "slow writer",     "connect refused",  "connect timeout",
    "connect EMFILE", "accept EMFILE",   "adopt EMFILE",     "name not found",
    "clock jump",     "wall clock back", "killed connection"};
inline constexpr size_t kSimFaultCount = kSimFaultNames.size();

class SimFaultCounts {
 public:
  void add(SimFault fault, uint64_t count = 1) { counts_[static_cast<size_t>(fault)] += count; }
  uint64_t operator[](SimFault fault) const { return counts_[static_cast<size_t>(fault)]; }
  uint64_t at(size_t index) const { return counts_[index]; }
  void add(const SimFaultCounts& other) {
    for (size_t index = 0; index < kSimFaultCount; ++index) counts_[index] += other.counts_[index];
  }
  // Those after which a connection, or an attempt to make one, fails.
  uint64_t losses() const {
    using enum SimFault;
    uint64_t all = 0;
    for (const SimFault fault : {kReset, kHalfClose, kBlackHole, kRefusedConnect, kLostConnect,
                                 kFailedConnect, kFailedAdopt, kFailedResolve, kKilled}) {
      all += (*this)[fault];
    }
    return all;
  }

 private:
  std::array<uint64_t, kSimFaultCount> counts_{};
};

}  // namespace saker::net

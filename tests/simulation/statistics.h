// Statistics: what many seeds have come to, and their table.
#pragma once

#include <cstdint>
#include <string>

#include "world.h"

namespace saker::simulation {

class Statistics {
 public:
  void add(const RunResult& result);
  uint64_t seeds() const { return seeds_; }
  uint64_t calls() const { return calls_.started; }
  // Faults of the network and what its programs were done, oversize messages and cancellations too.
  uint64_t faults() const;
  // Several lines.
  std::string table(double seconds) const;

 private:
  uint64_t seeds_ = 0;
  Duration virtual_time_{};
  CallCounts calls_;
  net::SimFaultCounts faults_;
  BlowCounts blows_{};
  ConnectionCounts connections_;
  uint64_t failed_allocations_ = 0;
};

}  // namespace saker::simulation

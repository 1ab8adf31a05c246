// Allocations of the process. How many are alive, so that a run can prove that it leaves none: counted
// by replacing operator new; under a sanitizer, which finds leaks by itself, nothing is counted. And
// those that may fail, new (std::nothrow), do so by chance while there are AllocationFaults. The product
// has them where a peer decides on the size: in the assembly of messages that arrive in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "saker/net/random.h"

namespace saker::simulation {

int64_t live_allocations();

// One at a time.
class AllocationFaults {
 public:
  AllocationFaults(uint64_t seed, double probability);
  ~AllocationFaults();
  AllocationFaults(const AllocationFaults&) = delete;
  AllocationFaults& operator=(const AllocationFaults&) = delete;

  // None from now on.
  void end() { probability_ = 0; }
  uint64_t count() const { return count_; }
  // Told of the size of each that fails.
  void set_observer(std::function<void(size_t)> observer) { observer_ = std::move(observer); }

  // For operator new: whether this one fails.
  bool strikes(size_t size);

 private:
  net::Random random_;
  double probability_;
  uint64_t count_ = 0;
  std::function<void(size_t)> observer_;
};

}  // namespace saker::simulation

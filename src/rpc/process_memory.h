// ProcessMemory: what this process has in memory, and how much of it is in use. The two differ by what
// the C library keeps for its next allocations: give_back() returns that to the system, but for memory
// that is locked (mlockall(2), which a signing server does), which madvise(2) cannot take away. There,
// what was freed stays resident, is used again, and must not count. Thread rule: one thread's.
#pragma once

#include <cstdint>
#include <memory>

namespace saker::rpc {

class ProcessMemory {
 public:
  virtual ~ProcessMemory() = default;
  // A few microseconds.
  virtual uint64_t resident_bytes() = 0;
  // At most resident_bytes(). Looks at every free piece of the heap, and allocations wait meanwhile:
  // for when it matters.
  virtual uint64_t in_use_bytes() = 0;
  // Frees nothing that is in use. Milliseconds for each hundred MiB.
  virtual void give_back() = 0;
};

std::unique_ptr<ProcessMemory> own_process_memory();

}  // namespace saker::rpc

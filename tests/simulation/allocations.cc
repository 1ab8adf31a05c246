#include "allocations.h"

#include <cstdlib>
#include <new>

namespace {
int64_t live = 0;
saker::simulation::AllocationFaults* faults = nullptr;  // null: all that may fail succeed
}  // namespace

namespace saker::simulation {

int64_t live_allocations() {
  return live;
}

AllocationFaults::AllocationFaults(uint64_t seed, double probability)
    : random_(seed), probability_(probability) {
  faults = this;
}

AllocationFaults::~AllocationFaults() {
  faults = nullptr;
}

bool AllocationFaults::strikes(size_t size) {
  if (!random_.chance(probability_)) return false;
  ++count_;
  if (observer_) observer_(size);
  return true;
}

}  // namespace saker::simulation

void* operator new(size_t size, const std::nothrow_t&) noexcept {
  if (faults != nullptr && faults->strikes(size)) return nullptr;
  return operator new(size);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void* operator new(size_t size) {
  ++live;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();  // lint-allow: abort nothing is left to tell it with
}
void operator delete(void* memory) noexcept {
  live -= memory == nullptr ? 0 : 1;
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  operator delete(memory);
}
#endif

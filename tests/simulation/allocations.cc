#include "allocations.h"

#include <cstdlib>
#include <new>

namespace {
int64_t live = 0;
}

namespace saker::simulation {

int64_t live_allocations() {
  return live;
}

}  // namespace saker::simulation

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

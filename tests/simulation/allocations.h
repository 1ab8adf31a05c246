// How many allocations are alive, so that a run can prove that it leaves none. Counts by replacing
// operator new; under a sanitizer, which finds leaks by itself, it counts nothing.
#pragma once

#include <cstdint>

namespace saker::simulation {

int64_t live_allocations();

}  // namespace saker::simulation

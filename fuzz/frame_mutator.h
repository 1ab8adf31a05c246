// Mutations that know frames: libFuzzer's own break a length sooner or later, and nothing behind it
// is reached. A fuzzer whose input begins with frames defines its custom mutator and cross-over with
// these. The last kTailBytes of its input are choices of the fuzzer's and no frames.
#pragma once

#include <cstddef>
#include <cstdint>

namespace saker::fuzz {

inline constexpr size_t kTailBytes = 4;

// What LLVMFuzzerCustomMutator() and LLVMFuzzerCustomCrossOver() get and return.
size_t mutate_frames(uint8_t* data, size_t size, size_t max_size, unsigned seed);
size_t cross_frames(const uint8_t* one, size_t one_size, const uint8_t* other, size_t other_size,
                    uint8_t* out, size_t max_size, unsigned seed);

}  // namespace saker::fuzz

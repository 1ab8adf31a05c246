// Random: xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number generators"),
// seeded through splitmix64. For jitter, placement and simulation; never for secrets.
#pragma once

#include <bit>
#include <cstdint>

namespace saker::net {

class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) word = split_mix(seed);
  }

  uint64_t next() {
    const uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  // 0 … bound - 1 (bound > 0); the bias of the modulo is of no consequence here.
  uint64_t below(uint64_t bound) { return next() % bound; }
  // True with this probability.
  bool chance(double probability) {
    return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability;
  }

 private:
  static uint64_t split_mix(uint64_t& seed) {
    uint64_t z = (seed += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  uint64_t state_[4];
};

}  // namespace saker::net

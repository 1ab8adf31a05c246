// SignMix: several algorithms and keys in one load, as --mix takes them, and their order. Knows no
// server: that a key exists and goes with its algorithm is for whoever asks one.
//
//   mix   = entry {"," entry}
//   entry = ALGORITHM "@" KEY ["=" WEIGHT]        ECDSA_P256_SHA256@ec-p256=70
//
// Values only: any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saker/base/result.h"
#include "saker/services/crypto/algorithm.h"

namespace saker::app {

inline constexpr size_t kMaxMixEntries = 32;
inline constexpr uint64_t kMaxMixWeight = 1000;

struct SignMixEntry {
  crypto::Algorithm algorithm{};
  std::string key;
  uint64_t weight = 1;  // of all weights together, what share of the calls it has
};

// White space around the parts is allowed. Errors name the entry.
Result<std::vector<SignMixEntry>> parse_sign_mix(std::string_view text);

// Which entry each call takes, of a period that repeats: as often as its weight says, and as evenly
// spread as can be. One weight at least, none of them 0.
std::vector<uint8_t> mix_pattern(std::span<const uint64_t> weights);

}  // namespace saker::app

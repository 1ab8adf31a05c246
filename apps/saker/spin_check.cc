#include "spin_check.h"

#include <algorithm>

namespace saker::app {
namespace {

// The best of several, for an interrupt falls into one of them.
Duration spin_time() {
  constexpr int kTries = 5;
  constexpr int kSteps = 2'000'000;
  Duration best = Duration::max();
  for (int i = 0; i < kTries; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    volatile uint64_t state = 1;
    uint64_t value = state;
    for (int step = 0; step < kSteps; ++step) value = value * 6364136223846793005 + 1;
    state = value;
    best = std::min<Duration>(best, std::chrono::steady_clock::now() - begin);
  }
  return best;
}

}  // namespace

SpinCheck::SpinCheck() : before_(spin_time()) {}

bool SpinCheck::is_disturbed() const {
  return differ(before_, spin_time());
}

bool SpinCheck::differ(Duration before, Duration after) {
  const auto [low, high] = std::minmax(before, after);
  return static_cast<double>(high.count()) > static_cast<double>(low.count()) * (1 + kMostChange);
}

}  // namespace saker::app

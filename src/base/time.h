// Time as an argument: points on CLOCK_MONOTONIC in nanoseconds. Pure code is handed `now`; only
// net/ reads a clock, so this clock type deliberately has no now().
#pragma once

#include <chrono>
#include <cstdint>

namespace saker {

struct MonotonicClock {
  using rep = int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<MonotonicClock, duration>;
  static constexpr bool is_steady = true;
};

using Duration = MonotonicClock::duration;
using Time = MonotonicClock::time_point;

inline constexpr Time kNever = Time::max();

// now + delay, saturating at kNever.
constexpr Time time_after(Time now, Duration delay) {
  return delay >= kNever - now ? kNever : now + delay;
}

}  // namespace saker

// Schedule: when each call of an open loop should start, whatever the server does; latencies
// counted from these times show what coordinated omission hides. Arrival k is a function of start,
// rate, seed and k alone, never of when the one before was sent, so nothing drifts. One schedule
// serves T threads: thread i takes arrivals i, i + T, i + 2T, …, and their union is the same
// whatever T is. Knows no clock: the caller compares due() with its now.
//
//   arrival k ──▶ operational time (k, or the sum of k exponential gaps)
//             ──▶ Rate::time_of ──▶ start + offset
//
// Only the last step knows the rate: a ramp is another inverse in Rate, and Poisson arrivals follow
// it as constant ones do.
// Thread rule: one Schedule per thread, nothing shared.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saker/base/time.h"

namespace saker::bench {

enum class Arrivals : uint8_t {
  kConstant,  // evenly spaced
  kPoisson,   // independent users: exponentially distributed gaps
};

// How many arrivals are expected by when, and the inverse.
class Rate {
 public:
  // For so long, from one rate to the other, evenly; calls a second, 0 or more.
  struct Piece {
    double from = 0;
    double to = 0;
    Duration length{};
  };

  // Nothing ever arrives unless `per_second` is above 0.
  static Rate constant(double per_second) { return Rate(per_second); }
  // One piece after the other; nothing arrives behind the last.
  static Rate changing(std::span<const Piece> pieces);

  // How long after the start `arrivals` (which need not be whole) are expected;
  // Duration::max() for never.
  Duration time_of(double arrivals) const;

 private:
  struct PlacedPiece : Piece {
    Duration begin{};
    double arrivals_before = 0;
  };

  explicit Rate(double per_second) : per_second_(per_second) {}
  Duration time_among_pieces(double arrivals) const;

  double per_second_;                // where there are no pieces
  std::vector<PlacedPiece> pieces_;  // the last is an end: nothing arrives in it
};

struct ScheduleOptions {
  Time start{};
  Rate rate = Rate::constant(0);  // of all threads together
  Arrivals arrivals = Arrivals::kConstant;
  uint32_t thread = 0;   // which of
  uint32_t threads = 1;  // how many
  uint64_t seed = 1;     // of the exponential gaps; the same for all threads of a run
};

class Schedule {
 public:
  explicit Schedule(const ScheduleOptions& options);

  // When this thread's next call should start; kNever when there is none.
  Time due() const { return due_; }
  // Its number among the arrivals of all threads, from 0.
  uint64_t index() const { return index_; }
  // On to this thread's next arrival.
  void advance();

 private:
  void skip(uint64_t arrivals);

  ScheduleOptions options_;
  uint64_t index_ = 0;
  double operational_ = 0;  // Poisson: the sum of the gaps before arrival index_
  Time due_{};
};

}  // namespace saker::bench

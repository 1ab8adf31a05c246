// Intervals of 95 % confidence for ratios of two runs. Pure and repeatable: chance comes from a
// counter and a fixed seed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "saker/bench/compare.h"
#include "saker/bench/histogram.h"

namespace saker::bench {

// What a row of a timeline contributes to a figure that is a quotient of sums: calls over seconds,
// CPU over calls, or a percentile weighed by the calls that it is of.
struct Share {
  double above = 0;
  double below = 0;
};

// As few rows as there must be: with less, resampling knows nothing.
inline constexpr size_t kFewestRows = 5;

// Of the ratio (sum of b.above / sum of b.below) / (the same of a); nothing for fewer than
// kFewestRows on either side, or where a sum is 0.
std::optional<Interval> bootstrap_ratio(std::span<const Share> a, std::span<const Share> b);

// Between which latencies the percentile of what the histogram is a sample of lies, in nanoseconds;
// nothing while empty.
std::optional<Interval> percentile_interval(const Histogram& histogram, double percent);

}  // namespace saker::bench

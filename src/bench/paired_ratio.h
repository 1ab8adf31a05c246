// paired_ratio(): by how much B differs from A, from rounds that took turns. What the machine did to a
// round it did to both of a pair, so ratios within pairs vary less than the figures do.
#pragma once

#include <optional>
#include <span>

#include "saker/bench/compare.h"

namespace saker::bench {

struct PairedRatio {
  double ratio = 0;                  // the geometric mean of b[i] / a[i]; 0: not known
  std::optional<Interval> interval;  // of 95 % confidence, by Student's t over logarithms
};

// As many of both; pairs in which one is not above 0 are left out. An interval takes two pairs.
PairedRatio paired_ratio(std::span<const double> a, std::span<const double> b);

}  // namespace saker::bench

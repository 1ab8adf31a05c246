#include "saker/bench/paired_ratio.h"

#include <cmath>
#include <vector>

namespace saker::bench {
namespace {

// Student's t, 97.5 %, by degrees of freedom from 1 on; then the first terms of its expansion around
// the normal distribution, which are right to four digits there.
double student_t(size_t freedom) {
  static constexpr double kTable[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365,
                                      2.306,  2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
                                      2.131,  2.120, 2.110, 2.101, 2.093, 2.086};
  if (freedom <= std::size(kTable)) return kTable[freedom - 1];
  constexpr double kNormal = 1.959964;
  const auto n = static_cast<double>(freedom);
  return kNormal + (std::pow(kNormal, 3) + kNormal) / (4 * n) +
         (5 * std::pow(kNormal, 5) + 16 * std::pow(kNormal, 3) + 3 * kNormal) / (96 * n * n);
}

}  // namespace

PairedRatio paired_ratio(std::span<const double> a, std::span<const double> b) {
  std::vector<double> logs;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i] > 0 && b[i] > 0) logs.push_back(std::log(b[i] / a[i]));
  }
  if (logs.empty()) return {};
  const auto n = static_cast<double>(logs.size());
  double mean = 0;
  for (const double log : logs) mean += log / n;
  PairedRatio result{std::exp(mean), std::nullopt};
  if (logs.size() < 2) return result;
  double squares = 0;
  for (const double log : logs) squares += (log - mean) * (log - mean);
  const double half = student_t(logs.size() - 1) * std::sqrt(squares / (n - 1) / n);
  result.interval = Interval{std::exp(mean - half), std::exp(mean + half)};
  return result;
}

}  // namespace saker::bench

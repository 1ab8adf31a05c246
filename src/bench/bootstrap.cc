#include "saker/bench/bootstrap.h"

#include <algorithm>
#include <cmath>

namespace saker::bench {
namespace {

constexpr size_t kRounds = 2000;
constexpr uint64_t kSeed = 0x5AE12;
constexpr double kNormal = 1.96;  // 95 % of a normal distribution lie within so many deviations

// SplitMix64.
class Chance {
 public:
  size_t below(size_t limit) {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return static_cast<size_t>((z ^ z >> 31) % limit);
  }

 private:
  uint64_t state_ = kSeed;
};

std::optional<double> quotient(const Share& sum) {
  if (!(sum.above > 0) || !(sum.below > 0)) return std::nullopt;
  return sum.above / sum.below;
}

std::optional<double> resampled(std::span<const Share> rows, Chance& chance) {
  Share sum;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Share& row = rows[chance.below(rows.size())];
    sum.above += row.above;
    sum.below += row.below;
  }
  return quotient(sum);
}

}  // namespace

std::optional<Interval> bootstrap_ratio(std::span<const Share> a, std::span<const Share> b) {
  if (a.size() < kFewestRows || b.size() < kFewestRows) return std::nullopt;
  Chance chance;
  std::vector<double> ratios;
  for (size_t round = 0; round < kRounds; ++round) {
    const auto of_a = resampled(a, chance);
    const auto of_b = resampled(b, chance);
    if (of_a && of_b) ratios.push_back(*of_b / *of_a);
  }
  if (ratios.size() < kRounds * 9 / 10) return std::nullopt;  // seconds without any call
  std::ranges::sort(ratios);
  const size_t cut = ratios.size() / 40;  // 2.5 % at either end
  return Interval{ratios[cut], ratios[ratios.size() - 1 - cut]};
}

std::optional<Interval> percentile_interval(const Histogram& histogram, double percent) {
  if (histogram.empty()) return std::nullopt;
  const auto n = static_cast<double>(histogram.count());
  const double share = percent / 100;
  const double deviation = kNormal * std::sqrt(n * share * (1 - share));
  const auto latency = [&](double rank) {
    const double at = std::clamp(rank, 1.0, n) / n * 100;
    return static_cast<double>(histogram.percentile(at).count());
  };
  return Interval{latency(std::floor(n * share - deviation)),
                  latency(std::ceil(n * share + deviation) + 1)};
}

}  // namespace saker::bench

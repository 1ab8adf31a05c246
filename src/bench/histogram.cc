// Histogram's statistics. The counters come from calloc, because large zeroed blocks are mapped on
// demand: the pages of latencies that never occur are never touched, neither here nor by merge().
// Percentiles follow HdrHistogram, so that its tools agree with our reports.
#include "saker/bench/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "saker/base/check.h"

namespace saker::bench {
namespace {

Duration to_duration(uint64_t ns) {
  return Duration(
      static_cast<int64_t>(std::min<uint64_t>(ns, std::numeric_limits<int64_t>::max())));
}

double middle_of(uint64_t lowest_ns, uint64_t highest_ns) {
  return (static_cast<double>(lowest_ns) + static_cast<double>(highest_ns)) / 2;
}

}  // namespace

void Histogram::Free::operator()(uint64_t* counts) const {
  std::free(counts);
}

Histogram::Histogram() : counts_(static_cast<uint64_t*>(std::calloc(kBuckets, sizeof(uint64_t)))) {
  SAKER_CHECK(counts_ != nullptr);
}

void Histogram::add_to_bucket(uint64_t ns, uint64_t count) {
  if (count == 0) return;
  counts_[bucket_of(clamped(ns))] += count;
  count_ += count;
  sum_ns_ += ns * count;
  min_ns_ = std::min(min_ns_, ns);
  max_ns_ = std::max(max_ns_, ns);
}

// Extremes that lie outside of the buckets that are counted would make each_bucket() lose some.
void Histogram::set_exact(uint64_t min_ns, uint64_t max_ns, uint64_t sum_ns) {
  if (empty()) return;
  if (bucket_of(clamped(min_ns)) == bucket_of(clamped(min_ns_))) min_ns_ = min_ns;
  if (bucket_of(clamped(max_ns)) == bucket_of(clamped(max_ns_))) max_ns_ = max_ns;
  sum_ns_ = sum_ns;
}

void Histogram::merge(const Histogram& other) {
  if (other.empty()) return;
  const size_t last = bucket_of(clamped(other.max_ns_));
  for (size_t i = bucket_of(clamped(other.min_ns_)); i <= last; ++i) {
    if (other.counts_[i] > 0) counts_[i] += other.counts_[i];
  }
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
  min_ns_ = std::min(min_ns_, other.min_ns_);
  max_ns_ = std::max(max_ns_, other.max_ns_);
}

void Histogram::reset() {
  if (!empty()) {
    const size_t first = bucket_of(clamped(min_ns_));
    std::fill(&counts_[first], &counts_[bucket_of(clamped(max_ns_))] + 1, 0);
  }
  count_ = sum_ns_ = max_ns_ = 0;
  min_ns_ = UINT64_MAX;
}

Duration Histogram::min() const {
  return empty() ? Duration::zero() : to_duration(min_ns_);
}

Duration Histogram::max() const {
  return to_duration(max_ns_);
}

Duration Histogram::mean() const {
  return empty() ? Duration::zero() : to_duration((sum_ns_ + count_ / 2) / count_);
}

// Around the mean of the bucket middles, so that what lies in one bucket has no deviation.
Duration Histogram::stddev() const {
  if (empty()) return Duration::zero();
  const auto n = static_cast<double>(count_);
  double sum = 0, squares = 0;
  each_bucket([&](uint64_t lowest_ns, uint64_t highest_ns, uint64_t count) {
    sum += middle_of(lowest_ns, highest_ns) * static_cast<double>(count);
  });
  each_bucket([&](uint64_t lowest_ns, uint64_t highest_ns, uint64_t count) {
    const double deviation = middle_of(lowest_ns, highest_ns) - sum / n;
    squares += deviation * deviation * static_cast<double>(count);
  });
  return Duration(std::llround(std::sqrt(squares / n)));
}

Duration Histogram::percentile(double percent) const {
  if (empty() || !(percent > 0)) return min();
  if (percent >= 100) return max();
  // The next smaller double, lest rounding in 99.9 / 100 * 1000 push the rank past a whole number.
  const double exact_percent = std::nextafter(percent, 0.0);
  const double rank = std::ceil(exact_percent / 100 * static_cast<double>(count_));
  const auto wanted = std::clamp<uint64_t>(static_cast<uint64_t>(rank), 1, count_);
  uint64_t seen = 0;
  for (size_t i = bucket_of(clamped(min_ns_)); i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= wanted)
      return i + 1 == kBuckets ? max() : to_duration(std::min(highest_of(i), max_ns_));
  }
  return max();
}

uint64_t Histogram::count_up_to(Duration limit) const {
  uint64_t seen = 0;
  each_bucket([&](uint64_t, uint64_t highest_ns, uint64_t count) {
    if (static_cast<int64_t>(highest_ns) <= limit.count()) seen += count;
  });
  return seen;
}

}  // namespace saker::bench

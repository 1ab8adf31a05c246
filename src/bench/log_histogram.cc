#include "saker/bench/log_histogram.h"

#include <algorithm>
#include <cmath>

namespace saker::bench {
namespace {

// Of values from 1 on; not rounded down.
double position(double ns, double resolution) {
  return std::log(ns) / std::log1p(resolution);
}

}  // namespace

bool LogHistogramShape::is_valid() const {
  if (!std::isfinite(resolution) || !std::isfinite(max_possible)) return false;
  if (resolution <= 0 || max_possible < 1 + resolution) return false;
  return position(max_possible, resolution) < kMaxBuckets;
}

// The number of buckets is what the driver compares before it merges: as all workers compute it.
LogHistogram::LogHistogram(const LogHistogramShape& shape)
    : max_possible_(shape.max_possible),
      buckets_per_e_(1 / std::log(1 + shape.resolution)),
      min_(shape.max_possible) {
  buckets_.resize(static_cast<size_t>(std::log(max_possible_) * buckets_per_e_) + 1);
}

size_t LogHistogram::bucket_of(double ns) const {
  const auto bucket = static_cast<size_t>(std::log(std::max(ns, 1.0)) * buckets_per_e_);
  return std::min(bucket, buckets_.size() - 1);
}

void LogHistogram::record(Duration latency) {
  const double ns = std::max(static_cast<double>(latency.count()), 0.0);
  ++buckets_[bucket_of(ns)];
  ++count_;
  sum_ += ns;
  sum_of_squares_ += ns * ns;
  min_ = count_ == 1 ? ns : std::min(min_, ns);
  max_ = std::max(max_, ns);
}

void LogHistogram::merge(const LogHistogram& other) {
  if (other.count_ == 0) return;
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
  sum_ += other.sum_;
  sum_of_squares_ += other.sum_of_squares_;
}

void LogHistogram::reset() {
  std::ranges::fill(buckets_, 0);
  count_ = 0;
  max_ = sum_ = sum_of_squares_ = 0;
}

}  // namespace saker::bench

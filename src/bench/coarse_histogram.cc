#include "saker/bench/coarse_histogram.h"

#include <algorithm>
#include <cmath>

namespace saker::bench {

std::vector<uint64_t> CoarseHistogram::counts_of(const Histogram& histogram) {
  std::vector<uint64_t> counts(kBuckets);
  histogram.each_bucket([&](uint64_t lowest_ns, uint64_t, uint64_t count) {
    counts[Histogram::bucket_of(lowest_ns) / kFineBuckets] += count;
  });
  return counts;
}

CoarseHistogram CoarseHistogram::since(const std::vector<uint64_t>& before,
                                       const std::vector<uint64_t>& now) {
  CoarseHistogram result;
  for (size_t i = 0; i < now.size(); ++i) {
    const uint64_t count = now[i] - (i < before.size() ? before[i] : 0);
    if (count == 0) continue;
    result.buckets_.push_back({static_cast<uint32_t>(i), count});
    result.count_ += count;
  }
  return result;
}

void CoarseHistogram::merge(const CoarseHistogram& other) {
  std::vector<Bucket> merged;
  merged.reserve(buckets_.size() + other.buckets_.size());
  auto mine = buckets_.begin();
  auto theirs = other.buckets_.begin();
  while (mine != buckets_.end() || theirs != other.buckets_.end()) {
    if (theirs == other.buckets_.end() || (mine != buckets_.end() && mine->index < theirs->index)) {
      merged.push_back(*mine++);
    } else if (mine == buckets_.end() || theirs->index < mine->index) {
      merged.push_back(*theirs++);
    } else {
      merged.push_back({mine->index, mine->count + theirs->count});
      ++mine;
      ++theirs;
    }
  }
  merged.shrink_to_fit();
  buckets_ = std::move(merged);
  count_ += other.count_;
}

Duration CoarseHistogram::percentile(double percent, Duration max) const {
  if (count_ == 0) return Duration::zero();
  const double share = std::clamp(std::nextafter(percent, 0.0) / 100, 0.0, 1.0);
  const auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (const Bucket& bucket : buckets_) {
    seen += bucket.count;
    if (seen < rank) continue;
    const size_t last_fine = (size_t{bucket.index} + 1) * kFineBuckets - 1;
    return std::min(Duration(static_cast<int64_t>(Histogram::highest_of(last_fine))), max);
  }
  return max;
}

}  // namespace saker::bench

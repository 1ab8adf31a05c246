// CoarseHistogram: the latencies of a second, of which a run has many: 64 buckets for each doubling
// (at most 1.6 % wide), and only those that are not empty, sorted. 16 bytes a bucket; never more
// than 2,112 of them. Exact where it matters less than size is Histogram's business.
//
//   bucket index = Histogram's bucket index / 16
//
// Values only: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "saker/base/time.h"
#include "saker/bench/histogram.h"

namespace saker::bench {

class CoarseHistogram {
 public:
  static constexpr size_t kFineBuckets = 16;  // of Histogram, in one
  static constexpr size_t kBuckets = Histogram::kBuckets / kFineBuckets;

  // All counts of `histogram` by bucket, for since(): kBuckets numbers.
  static std::vector<uint64_t> counts_of(const Histogram& histogram);
  // What was counted between two looks at one histogram.
  static CoarseHistogram since(const std::vector<uint64_t>& before,
                               const std::vector<uint64_t>& now);

  void merge(const CoarseHistogram& other);
  uint64_t count() const { return count_; }
  // The upper end of the bucket that holds it, but never above `max`; 0 while empty.
  Duration percentile(double percent, Duration max) const;

 private:
  struct Bucket {
    uint32_t index;
    uint64_t count;
  };
  std::vector<Bucket> buckets_;
  uint64_t count_ = 0;
};

}  // namespace saker::bench

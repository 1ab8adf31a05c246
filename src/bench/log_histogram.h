// LogHistogram: latencies in nanoseconds in the shape of gRPC's performance tests (grpc/grpc:
// test/core/util/histogram.h), so that the driver can merge what workers of all languages send.
// Buckets grow by a constant factor, m = 1 + resolution:
//
//   bucket 0: [0, m)    bucket i: [m^i, m^(i+1))    the last holds `max_possible` and all beyond it
//
// Thread rule: one writer; merge after it is done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "saker/base/time.h"

namespace saker::bench {

struct LogHistogramShape {
  static constexpr double kMaxBuckets = 1e6;  // limit: 8 MiB a histogram

  double resolution = 0.01;
  double max_possible = 60e9;  // ns

  // Both are positive and finite, max_possible is above m, and there are no more than kMaxBuckets.
  bool is_valid() const;
};

class LogHistogram {
 public:
  // The shape must be valid.
  explicit LogHistogram(const LogHistogramShape& shape);

  // Negative counts as 0.
  void record(Duration latency);
  // Of the same shape: adds all that it has recorded.
  void merge(const LogHistogram& other);
  void reset();

  std::span<const uint64_t> buckets() const { return buckets_; }
  uint64_t count() const { return count_; }
  // Exact, in ns. While empty, min() is max_possible, and max() is 0: merging leaves others' alone.
  double min() const { return count_ == 0 ? max_possible_ : min_; }
  double max() const { return max_; }
  double sum() const { return sum_; }
  double sum_of_squares() const { return sum_of_squares_; }

 private:
  size_t bucket_of(double ns) const;

  double max_possible_;
  double buckets_per_e_;  // 1 / ln m
  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  double min_;
  double max_ = 0;
  double sum_ = 0;
  double sum_of_squares_ = 0;
};

}  // namespace saker::bench

// Histogram: latencies in nanoseconds, counted in the buckets of HdrHistogram (unit 1 ns, 3
// significant digits): exact below 2.048 us, then 1024 buckets for each doubling, up to 1.22 h. A
// bucket is at most 1/1024 = 0.098 % of its values wide. Corrects nothing: whoever records decides
// which moment a latency counts from.
//
//   bucket index = (b << 10) + (value >> b),  b = max(0, bits(value) - 11)
//
// Memory: one array of 33,792 counters, 264 KiB of address space, of which the kernel backs the
// touched pages only: 8 KiB for each doubling that occurs, so 10 us … 10 ms take 80 KiB. Thread
// rule: one writer; merge after it is done.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "saker/base/time.h"

namespace saker::bench {

class Histogram {
 public:
  static constexpr unsigned kHalfBits = 10;   // 1024 buckets a doubling: 3 significant digits
  static constexpr unsigned kDoublings = 32;  // the first holds twice as many, from 0 on
  static constexpr size_t kBuckets = (kDoublings + 1) << kHalfBits;
  static constexpr uint64_t kHighestNs = (uint64_t{1} << (kHalfBits + kDoublings)) - 1;  // 4,398 s

  Histogram();
  Histogram(Histogram&&) noexcept = default;
  Histogram& operator=(Histogram&&) noexcept = default;

  // Negative counts as 0. What exceeds kHighestNs is counted in the last bucket;
  // max() and mean() still see it whole.
  void record(Duration latency) {
    const uint64_t ns = latency.count() > 0 ? static_cast<uint64_t>(latency.count()) : 0;
    ++counts_[bucket_of(ns <= kHighestNs ? ns : kHighestNs)];
    ++count_;
    sum_ns_ += ns;
    if (ns < min_ns_) min_ns_ = ns;
    if (ns > max_ns_) max_ns_ = ns;
  }

  // From what a report has kept of a histogram: `count` values that lie in the bucket of `ns`, and
  // then, once, what buckets do not know. Values above kHighestNs count as that.
  void add_to_bucket(uint64_t ns, uint64_t count);
  void set_exact(uint64_t min_ns, uint64_t max_ns, uint64_t sum_ns);

  // Adds everything `other` has recorded: the same as if it had been recorded here.
  void merge(const Histogram& other);
  void reset();

  uint64_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  // All zero while empty. min, max and mean are exact (the sum may reach 584 years); stddev is
  // computed from the buckets.
  Duration min() const;
  Duration max() const;
  Duration mean() const;
  uint64_t sum_ns() const { return sum_ns_; }
  Duration stddev() const;
  // The value that `percent` % of all recorded ones do not exceed: the upper end of its bucket, as
  // HdrHistogram does, but never above max(). 0 gives min(), 100 max(); anything outside is taken
  // as the nearer of the two.
  Duration percentile(double percent) const;
  // How many values lie in buckets that end at or below `limit`.
  uint64_t count_up_to(Duration limit) const;

  // visit(lowest_ns, highest_ns, count) for each bucket that is not empty, from low to high.
  template <typename Visit>
  void each_bucket(Visit visit) const {
    if (empty()) return;
    for (size_t i = bucket_of(clamped(min_ns_)), last = bucket_of(clamped(max_ns_)); i <= last;
         ++i) {
      if (counts_[i] > 0) visit(lowest_of(i), highest_of(i), counts_[i]);
    }
  }

  static constexpr size_t bucket_of(uint64_t ns) {
    constexpr unsigned kExactBits = kHalfBits + 1;
    const unsigned shift =
        static_cast<unsigned>(std::bit_width(ns | ((1u << kExactBits) - 1))) - kExactBits;
    return (size_t{shift} << kHalfBits) + static_cast<size_t>(ns >> shift);
  }
  static constexpr uint64_t lowest_of(size_t bucket) {
    const size_t shift = shift_of(bucket);
    return (uint64_t{bucket} - (shift << kHalfBits)) << shift;
  }
  static constexpr uint64_t highest_of(size_t bucket) {
    return lowest_of(bucket) + (uint64_t{1} << shift_of(bucket)) - 1;
  }

 private:
  struct Free {
    void operator()(uint64_t* counts) const;
  };
  static constexpr size_t shift_of(size_t bucket) {
    const size_t doubling = bucket >> kHalfBits;
    return doubling > 0 ? doubling - 1 : 0;
  }
  static constexpr uint64_t clamped(uint64_t ns) { return ns <= kHighestNs ? ns : kHighestNs; }

  std::unique_ptr<uint64_t[], Free> counts_;
  uint64_t count_ = 0;
  uint64_t sum_ns_ = 0;
  uint64_t min_ns_ = UINT64_MAX;
  uint64_t max_ns_ = 0;
};

static_assert(Histogram::bucket_of(Histogram::kHighestNs) == Histogram::kBuckets - 1);
static_assert(Histogram::highest_of(Histogram::kBuckets - 1) == Histogram::kHighestNs);

}  // namespace saker::bench

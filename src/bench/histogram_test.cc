// Histogram against a sorted vector: every percentile within 0.1 %, merging the same as recording
// in one place, the bucket arithmetic at every edge. Distributions are seeded: log-uniform over the
// whole range, exponential, and the corners.
#include "saker/bench/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>
#include <vector>

namespace saker::bench {
namespace {

using namespace std::chrono_literals;

constexpr double kPercents[] = {0.001, 1,  10, 25,   50,    66.6,   75,
                                90,    95, 99, 99.9, 99.99, 99.999, 100};

std::vector<int64_t> log_uniform(size_t count, uint32_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> exponent(0, std::log(3.6e12));
  std::vector<int64_t> values(count);
  for (int64_t& value : values) value = static_cast<int64_t>(std::exp(exponent(random)));
  return values;
}

std::vector<int64_t> exponential(size_t count, double mean_ns, uint32_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> distribution(1 / mean_ns);
  std::vector<int64_t> values(count);
  for (int64_t& value : values) value = static_cast<int64_t>(distribution(random));
  return values;
}

Histogram recorded(const std::vector<int64_t>& values) {
  Histogram histogram;
  for (const int64_t value : values) histogram.record(Duration(value));
  return histogram;
}

// The smallest value that at least `percent` % of all do not exceed, in exact arithmetic.
int64_t oracle(const std::vector<int64_t>& sorted, double percent) {
  const auto millionths = static_cast<unsigned __int128>(std::llround(percent * 1'000'000));
  const unsigned __int128 product = millionths * sorted.size();
  const auto rank = static_cast<size_t>((product + 99'999'999) / 100'000'000);
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

void expect_like_oracle(std::vector<int64_t> values) {
  const Histogram histogram = recorded(values);
  std::ranges::sort(values);
  for (const double percent : kPercents) {
    const auto exact = static_cast<double>(oracle(values, percent));
    const auto found = static_cast<double>(histogram.percentile(percent).count());
    EXPECT_GE(found, exact) << percent;  // the upper end of the value's own bucket
    EXPECT_LE(found, exact * 1.001) << percent;
  }
  EXPECT_EQ(histogram.min().count(), values.front());
  EXPECT_EQ(histogram.max().count(), values.back());
  long double sum = 0, squares = 0;
  for (const int64_t value : values) sum += static_cast<long double>(value);
  const long double mean = sum / static_cast<long double>(values.size());
  for (const int64_t value : values)
    squares += (static_cast<long double>(value) - mean) * (static_cast<long double>(value) - mean);
  const auto stddev =
      static_cast<double>(std::sqrt(squares / static_cast<long double>(values.size())));
  EXPECT_NEAR(static_cast<double>(histogram.mean().count()), static_cast<double>(mean), 1);
  EXPECT_NEAR(static_cast<double>(histogram.stddev().count()), stddev, stddev * 0.001 + 1);
}

using Bucket = std::tuple<uint64_t, uint64_t, uint64_t>;
std::vector<Bucket> buckets(const Histogram& histogram) {
  std::vector<Bucket> all;
  histogram.each_bucket(
      [&](uint64_t low, uint64_t high, uint64_t count) { all.emplace_back(low, high, count); });
  return all;
}

TEST(Histogram, AgreesWithASortedVector) {
  expect_like_oracle(log_uniform(100'000, 1));
  expect_like_oracle(exponential(100'000, 85'000, 2));
  expect_like_oracle(exponential(1'000, 2e9, 3));
  expect_like_oracle(exponential(10'000, 300, 4));
  expect_like_oracle({1});
  expect_like_oracle({0, 0, 0, 1});
  expect_like_oracle(std::vector<int64_t>(1000, 123'456'789));
}

TEST(Histogram, WholeRanksAreNotPushedOnByRounding) {
  Histogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.record(Duration(i));
  EXPECT_EQ(histogram.percentile(99.9), 999ns);
  EXPECT_EQ(histogram.percentile(99.91), 1000ns);
  EXPECT_EQ(histogram.percentile(50), 500ns);
  EXPECT_EQ(histogram.percentile(0.1), 1ns);
  EXPECT_EQ(histogram.percentile(0.11), 2ns);
}

TEST(Histogram, PercentilesOutsideTheRangeAreItsEnds) {
  const Histogram histogram = recorded({5, 10, 1'000'003});
  EXPECT_EQ(histogram.percentile(0), 5ns);
  EXPECT_EQ(histogram.percentile(-1), 5ns);
  EXPECT_EQ(histogram.percentile(std::nan("")), 5ns);
  EXPECT_EQ(histogram.percentile(100), 1'000'003ns);
  EXPECT_EQ(histogram.percentile(1000), 1'000'003ns);
}

TEST(Histogram, EmptyIsAllZero) {
  Histogram histogram;
  EXPECT_TRUE(histogram.empty());
  EXPECT_EQ(histogram.count(), 0u);
  for (const Duration value :
       {histogram.min(), histogram.max(), histogram.mean(), histogram.stddev(),
        histogram.percentile(0), histogram.percentile(50), histogram.percentile(100)}) {
    EXPECT_EQ(value, 0ns);
  }
  EXPECT_TRUE(buckets(histogram).empty());
  histogram.reset();
  histogram.merge(Histogram());
  EXPECT_TRUE(histogram.empty());
}

TEST(Histogram, BucketsTileTheRange) {
  uint64_t next = 0;
  for (size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    ASSERT_EQ(Histogram::lowest_of(bucket), next);
    ASSERT_EQ(Histogram::bucket_of(Histogram::lowest_of(bucket)), bucket);
    ASSERT_EQ(Histogram::bucket_of(Histogram::highest_of(bucket)), bucket);
    const uint64_t width = Histogram::highest_of(bucket) - next + 1;
    ASSERT_TRUE(width == 1 || width * 1024 <= next) << bucket;
    next = Histogram::highest_of(bucket) + 1;
  }
  EXPECT_EQ(next, Histogram::kHighestNs + 1);
  EXPECT_GE(Histogram::kHighestNs, 3'600'000'000'000u);
}

TEST(Histogram, LayoutIsThatOfHdrHistogram) {
  EXPECT_EQ(Histogram::kBuckets, 33u * 1024);  // counts_len of hdr_init(1, 3'600'000'000'000, 3)
  EXPECT_EQ(Histogram::bucket_of(2047), 2047u);
  EXPECT_EQ(Histogram::bucket_of(2048), 2048u);
  EXPECT_EQ(Histogram::bucket_of(2049), 2048u);
  EXPECT_EQ(Histogram::bucket_of(4095), 3071u);
  EXPECT_EQ(Histogram::bucket_of(4096), 3072u);
}

TEST(Histogram, NegativeIsZeroAndTooLongIsTheLastBucket) {
  Histogram histogram;
  histogram.record(-5ns);
  histogram.record(100h);
  histogram.record(Duration::max());
  EXPECT_EQ(histogram.count(), 3u);
  EXPECT_EQ(histogram.min(), 0ns);
  EXPECT_EQ(histogram.percentile(30), 0ns);
  EXPECT_EQ(histogram.max(), Duration::max());
  EXPECT_EQ(histogram.percentile(60), Duration::max());
  EXPECT_EQ(buckets(histogram).back(), Bucket(Histogram::lowest_of(Histogram::kBuckets - 1),
                                              Histogram::kHighestNs, uint64_t{2}));
  histogram.reset();
  EXPECT_TRUE(buckets(histogram).empty());
}

TEST(Histogram, MergingIsRecordingInOnePlace) {
  const auto first = log_uniform(20'000, 1), second = exponential(5'000, 1e6, 2),
             third = exponential(5'000, 10, 3);
  std::vector<int64_t> together = first;
  together.insert(together.end(), second.begin(), second.end());
  together.insert(together.end(), third.begin(), third.end());
  Histogram merged;
  for (const auto& part : {second, third, first}) merged.merge(recorded(part));
  merged.merge(Histogram());
  const Histogram whole = recorded(together);
  EXPECT_EQ(buckets(merged), buckets(whole));
  EXPECT_EQ(merged.count(), whole.count());
  EXPECT_EQ(merged.min(), whole.min());
  EXPECT_EQ(merged.max(), whole.max());
  EXPECT_EQ(merged.mean(), whole.mean());
  EXPECT_EQ(merged.stddev(), whole.stddev());
  for (const double percent : kPercents)
    EXPECT_EQ(merged.percentile(percent), whole.percentile(percent));
}

TEST(Histogram, ResetForgetsEverything) {
  Histogram histogram = recorded(log_uniform(10'000, 1));
  histogram.reset();
  EXPECT_TRUE(histogram.empty());
  for (const int64_t value : exponential(10'000, 5e4, 2)) histogram.record(Duration(value));
  EXPECT_EQ(buckets(histogram), buckets(recorded(exponential(10'000, 5e4, 2))));
}

TEST(Histogram, CountsUpToALimit) {
  const Histogram histogram = recorded({1, 2, 2, 3, 1000, 5'000'000});
  EXPECT_EQ(histogram.count_up_to(0ns), 0u);
  EXPECT_EQ(histogram.count_up_to(2ns), 3u);
  EXPECT_EQ(histogram.count_up_to(1us), 5u);
  EXPECT_EQ(histogram.count_up_to(1s), 6u);
  EXPECT_EQ(histogram.count_up_to(-1ns), 0u);
}

}  // namespace
}  // namespace saker::bench

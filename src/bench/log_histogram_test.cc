#include "saker/bench/log_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace saker::bench {
namespace {

// The only bucket that is not empty.
size_t bucket_of(int64_t ns, const LogHistogramShape& shape = {}) {
  LogHistogram histogram(shape);
  histogram.record(Duration(ns));
  const auto buckets = histogram.buckets();
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (buckets[i] == 1) return i;
  }
  return SIZE_MAX;
}

TEST(LogHistogram, HasAsManyBucketsAsTheDriversOwn) {
  // floor(ln 60e9 / ln 1.01) + 1
  EXPECT_EQ(LogHistogram({}).buckets().size(), 2495u);
  EXPECT_EQ(LogHistogram({.resolution = 1, .max_possible = 1024}).buckets().size(), 11u);
}

TEST(LogHistogram, BucketsGrowByOneFactor) {
  const LogHistogramShape doubling{.resolution = 1, .max_possible = 1000};
  EXPECT_EQ(bucket_of(0, doubling), 0u);
  EXPECT_EQ(bucket_of(1, doubling), 0u);
  EXPECT_EQ(bucket_of(3, doubling), 1u);
  EXPECT_EQ(bucket_of(5, doubling), 2u);
  EXPECT_EQ(bucket_of(7, doubling), 2u);
  EXPECT_EQ(bucket_of(9, doubling), 3u);
  for (int64_t ns = 1; ns < 60'000'000'000; ns = ns * 17 / 10 + 1) {
    const auto exact = std::log(static_cast<double>(ns)) / std::log(1.01);
    EXPECT_NEAR(static_cast<double>(bucket_of(ns)), std::floor(exact), 1) << ns;
    EXPECT_LE(bucket_of(ns), exact + 1e-6) << ns;
  }
}

TEST(LogHistogram, TheLastBucketTakesWhatIsBeyond) {
  const LogHistogramShape doubling{.resolution = 1, .max_possible = 1000};
  EXPECT_EQ(bucket_of(999, doubling), 9u);
  EXPECT_EQ(bucket_of(1'000'000'000, doubling), 9u);
  EXPECT_EQ(bucket_of(-5, doubling), 0u);
}

TEST(LogHistogram, SumsAreExact) {
  LogHistogram histogram({});
  for (const int64_t ns : {30L, 10L, 70'000'000'000L, 20L}) histogram.record(Duration(ns));
  EXPECT_EQ(histogram.count(), 4u);
  EXPECT_EQ(histogram.min(), 10);
  EXPECT_EQ(histogram.max(), 70e9);
  EXPECT_EQ(histogram.sum(), 70e9 + 60);
  EXPECT_EQ(histogram.sum_of_squares(), 70e9 * 70e9 + 1400);
}

TEST(LogHistogram, MergesAsIfRecordedHere) {
  LogHistogram one({});
  LogHistogram other({});
  LogHistogram both({});
  for (int64_t ns = 1; ns < 1'000'000; ns = ns * 3 + 1) {
    (ns % 2 == 0 ? one : other).record(Duration(ns));
    both.record(Duration(ns));
  }
  one.merge(LogHistogram({}));
  one.merge(other);
  EXPECT_TRUE(std::ranges::equal(one.buckets(), both.buckets()));
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.min(), both.min());
  EXPECT_EQ(one.max(), both.max());
  EXPECT_EQ(one.sum(), both.sum());
  LogHistogram into_empty({});
  into_empty.merge(both);
  EXPECT_EQ(into_empty.min(), both.min());
}

TEST(LogHistogram, EmptyOnesDisturbNobody) {
  LogHistogram histogram({});
  EXPECT_EQ(histogram.min(), 60e9);
  EXPECT_EQ(histogram.max(), 0);
  histogram.record(Duration(5));
  histogram.reset();
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.min(), 60e9);
  EXPECT_EQ(histogram.sum_of_squares(), 0);
  histogram.record(Duration(7));
  EXPECT_EQ(histogram.min(), 7);
  EXPECT_EQ(histogram.max(), 7);
}

TEST(LogHistogram, ShapesThatAreNone) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(LogHistogramShape{}.is_valid());
  EXPECT_TRUE((LogHistogramShape{.resolution = 1, .max_possible = 2}.is_valid()));
  for (const double resolution : {0.0, -0.01, kNan, kInfinity, 1e-9}) {
    EXPECT_FALSE((LogHistogramShape{.resolution = resolution}.is_valid())) << resolution;
  }
  for (const double max_possible : {0.0, -1.0, 1.0, kNan, kInfinity}) {
    EXPECT_FALSE((LogHistogramShape{.max_possible = max_possible}.is_valid())) << max_possible;
  }
}

}  // namespace
}  // namespace saker::bench

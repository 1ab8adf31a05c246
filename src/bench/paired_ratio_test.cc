// Ratios of pairs: against values computed by hand and by R's t.test() over logarithms.
#include "saker/bench/paired_ratio.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace saker::bench {
namespace {

using Values = std::vector<double>;

TEST(PairedRatio, IsTheGeometricMeanOfPairs) {
  EXPECT_DOUBLE_EQ(paired_ratio(Values{1, 10}, Values{2, 80}).ratio, 4);
  EXPECT_DOUBLE_EQ(paired_ratio(Values{5}, Values{10}).ratio, 2);
  EXPECT_FALSE(paired_ratio(Values{5}, Values{10}).interval);
  EXPECT_EQ(paired_ratio(Values{}, Values{}).ratio, 0);
}

// t.test(log(c(1.1, 1.2, 1.3))) has 0.183..., sd 0.0836, t(2) = 4.303.
TEST(PairedRatio, IntervalIsStudents) {
  const PairedRatio result = paired_ratio(Values{1, 1, 1}, Values{1.1, 1.2, 1.3});
  EXPECT_NEAR(result.ratio, 1.1972, 1e-4);
  ASSERT_TRUE(result.interval);
  EXPECT_NEAR(result.interval->low, 0.9727, 3e-4);
  EXPECT_NEAR(result.interval->high, 1.4734, 3e-4);
}

TEST(PairedRatio, WhatTheMachineDoesToBothOfAPairDoesNotCount) {
  const PairedRatio result = paired_ratio(Values{100, 50, 200, 10}, Values{110, 55, 220, 11});
  ASSERT_TRUE(result.interval);
  EXPECT_NEAR(result.interval->low, 1.1, 1e-9);
  EXPECT_NEAR(result.interval->high, 1.1, 1e-9);
}

TEST(PairedRatio, LeavesOutPairsThatSayNothing) {
  EXPECT_DOUBLE_EQ(paired_ratio(Values{1, 0, 3}, Values{2, 5, 0}).ratio, 2);
  EXPECT_FALSE(paired_ratio(Values{1, 0, 3}, Values{2, 5, 0}).interval);
}

// Of many experiments with nothing but noise, 95 % of the intervals contain 1.
TEST(PairedRatio, IntervalsAreOf95Percent) {
  for (const size_t rounds : {3u, 5u, 25u, 60u}) {
    std::mt19937_64 random(rounds);
    std::normal_distribution<double> noise(0, 0.1);
    int contained = 0;
    constexpr int kExperiments = 4000;
    for (int i = 0; i < kExperiments; ++i) {
      Values a;
      Values b;
      for (size_t k = 0; k < rounds; ++k) {
        a.push_back(std::exp(noise(random)));
        b.push_back(std::exp(noise(random)));
      }
      const auto interval = paired_ratio(a, b).interval;
      contained += interval->low <= 1 && 1 <= interval->high ? 1 : 0;
    }
    EXPECT_NEAR(contained / double{kExperiments}, 0.95, 0.012) << rounds << " rounds";
  }
}

}  // namespace
}  // namespace saker::bench

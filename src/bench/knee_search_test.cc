// The search against servers that are a function of the rate: exact ones, whose knee must be found
// to the resolution, and noisy ones, where a round may lie.
#include "saker/bench/knee_search.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <vector>

namespace saker::bench {
namespace {

struct Outcome {
  double knee = 0;
  double first_broken = 0;
  std::vector<double> rounds;  // the rate of each
};

Outcome search(const KneeOptions& options, const std::function<bool(double)>& holds) {
  KneeSearch search(options);
  Outcome outcome;
  while (!search.done()) {
    outcome.rounds.push_back(search.rate());
    search.record(holds(search.rate()));
    if (outcome.rounds.size() > KneeSearch::kMostRates * KneeSearch::kMostRounds) {
      ADD_FAILURE() << "no end";
      break;
    }
  }
  outcome.knee = search.knee();
  outcome.first_broken = search.first_broken();
  return outcome;
}

TEST(KneeSearch, FindsTheKneeToTheResolution) {
  for (const double capacity : {17.0, 999.0, 1000.0, 1001.0, 12'345.0, 777'777.0, 2.9e6}) {
    for (const double resolution : {0.001, 0.02, 0.2}) {
      const Outcome found = search({.start_rate = 1000, .resolution = resolution},
                                   [&](double rate) { return rate <= capacity; });
      EXPECT_LE(found.knee, capacity);
      EXPECT_GT(found.first_broken, capacity);
      // Rates are whole from 1000 on.
      EXPECT_LE(found.first_broken, found.knee * (1 + resolution) + 1) << capacity;
      EXPECT_LT(found.rounds.size(), 2u * 30);
    }
  }
}

TEST(KneeSearch, DoublesThenHalvesTheRest) {
  const Outcome found =
      search({.start_rate = 1000, .resolution = 0.2}, [](double rate) { return rate <= 5000; });
  const std::vector<double> rounds = {1000, 1000, 2000, 2000, 4000, 4000,
                                      8000, 8000, 5657, 5657, 4757, 4757};
  EXPECT_EQ(found.rounds, rounds);
  EXPECT_EQ(found.knee, 4757);
  EXPECT_EQ(found.first_broken, 5657);
}

TEST(KneeSearch, GoesDownWhereTheFirstRateBreaks) {
  const Outcome found = search({.start_rate = 1000}, [](double rate) { return rate <= 150; });
  EXPECT_NEAR(found.knee, 150, 150 * 0.02);
  EXPECT_LE(found.knee, 150);
}

TEST(KneeSearch, NothingHolds) {
  const Outcome found = search({.start_rate = 6400}, [](double) { return false; });
  EXPECT_EQ(found.knee, 0);
  EXPECT_EQ(found.first_broken, 100);
  EXPECT_EQ(found.rounds.size(), 2u * 7);
}

TEST(KneeSearch, EverythingHolds) {
  const Outcome found = search({.start_rate = 1}, [](double) { return true; });
  EXPECT_EQ(found.first_broken, 0);
  EXPECT_EQ(found.knee, 536'870'912);  // the next is over kMaxRate
}

TEST(KneeSearch, AFineResolutionEnds) {
  const Outcome found =
      search({.start_rate = 1, .resolution = 0}, [](double rate) { return rate < 3.3; });
  EXPECT_NEAR(found.knee, 3.3, 1e-9);
}

TEST(KneeSearch, OneRoundOfThreeMayLie) {
  int round = 0;
  const Outcome found = search({.start_rate = 1000}, [&](double rate) {
    return round++ % 3 == 0 ? rate > 10'000 : rate <= 10'000;  // every third is wrong
  });
  EXPECT_NEAR(found.knee, 10'000, 10'000 * 0.02 + 1);
}

// A round's tail grows towards the knee, and chance moves it: near the knee either verdict is
// right, far from it one round in twenty is wrong.
TEST(KneeSearch, NoiseMovesTheKneeALittle) {
  std::mt19937_64 random(7);
  int near = 0;
  constexpr int kRuns = 200;
  for (int run = 0; run < kRuns; ++run) {
    const Outcome found = search({.start_rate = 1000}, [&](double rate) {
      std::normal_distribution<double> wander(1, 0.03);
      const bool truth = rate * wander(random) <= 50'000;
      return std::uniform_int_distribution(1, 20)(random) == 1 ? !truth : truth;
    });
    if (std::abs(found.knee / 50'000 - 1) < 0.1) ++near;
  }
  EXPECT_GT(near, kRuns * 8 / 10);
}

TEST(KneeSearch, WhatComesBehindTheEndIsIgnored) {
  KneeSearch search({.start_rate = 64});
  while (!search.done()) search.record(false);
  search.record(true);
  EXPECT_EQ(search.knee(), 0);
}

}  // namespace
}  // namespace saker::bench

// Schedules: exact times without drift, threads that share one sequence, and a Poisson process
// whose gaps are exponential. Statistical bounds are some five standard deviations wide and the
// seeds fixed: they fail on a mistake, not by chance.
#include "saker/bench/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

namespace saker::bench {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart = Time(1000s);

ScheduleOptions options(double per_second, Arrivals arrivals = Arrivals::kConstant) {
  return {.start = kStart, .rate = Rate::constant(per_second), .arrivals = arrivals};
}

std::vector<Duration> offsets(const ScheduleOptions& schedule_options, size_t count) {
  Schedule schedule(schedule_options);
  std::vector<Duration> all;
  for (size_t i = 0; i < count; ++i, schedule.advance()) all.push_back(schedule.due() - kStart);
  return all;
}

TEST(Schedule, ConstantRateIsEvenlySpacedFromTheStart) {
  const auto all = offsets(options(1000), 5);
  for (size_t k = 0; k < all.size(); ++k) EXPECT_EQ(all[k], static_cast<int64_t>(k) * 1ms);
}

TEST(Schedule, ConstantRateDoesNotDrift) {
  Schedule schedule(options(300'000));  // 3333.33… ns apart
  for (uint64_t k = 0; k < 3'000'000; ++k) {
    ASSERT_EQ(schedule.index(), k);
    const auto exact_ns = static_cast<int64_t>(k * 10'000 / 3);
    ASSERT_LE(std::abs((schedule.due() - kStart).count() - exact_ns), 1) << k;
    schedule.advance();
  }
  EXPECT_EQ(schedule.due() - kStart, 10s);
}

TEST(Schedule, ThreadsShareOneSequence) {
  for (const auto arrivals : {Arrivals::kConstant, Arrivals::kPoisson}) {
    const size_t count = 3000;
    const auto alone = offsets(options(77'777, arrivals), count);
    for (const uint32_t threads : {2u, 3u, 7u}) {
      for (uint32_t thread = 0; thread < threads; ++thread) {
        ScheduleOptions mine = options(77'777, arrivals);
        mine.thread = thread;
        mine.threads = threads;
        Schedule schedule(mine);
        for (size_t k = thread; k < count; k += threads, schedule.advance()) {
          ASSERT_EQ(schedule.index(), k);
          ASSERT_LE(std::abs((schedule.due() - kStart - alone[k]).count()), 1)
              << threads << ' ' << thread << ' ' << k;
        }
      }
    }
  }
}

TEST(Schedule, PoissonGapsAreExponential) {
  const size_t count = 200'000;
  const auto all = offsets(options(1e5, Arrivals::kPoisson), count + 1);
  EXPECT_EQ(all.front(), 0ns);
  EXPECT_TRUE(std::ranges::is_sorted(all));
  double squares = 0, above_mean = 0;
  for (size_t k = 0; k < count; ++k) {
    const double gap = static_cast<double>((all[k + 1] - all[k]).count()) / 10'000;  // in means
    squares += (gap - 1) * (gap - 1);
    above_mean += gap > 1 ? 1 : 0;
  }
  const double n = static_cast<double>(count);
  EXPECT_NEAR(static_cast<double>(all.back().count()) / 10'000 / n, 1, 0.012);  // mean
  EXPECT_NEAR(squares / n, 1, 0.035);                                           // variance
  EXPECT_NEAR(above_mean / n, std::exp(-1), 0.006);
}

// Counts in windows of ten mean gaps: mean and variance of a Poisson distribution are both ten.
TEST(Schedule, PoissonCountsHaveEqualMeanAndVariance) {
  std::map<int64_t, double> windows;
  for (const Duration offset : offsets(options(1e6, Arrivals::kPoisson), 500'000))
    windows[offset / 10us] += 1;
  windows.erase(windows.rbegin()->first);
  double sum = 0, squares = 0;
  const auto n = static_cast<double>(windows.rbegin()->first + 1);
  for (const auto& [window, calls] : windows) sum += calls, squares += calls * calls;
  const double mean = sum / n;
  EXPECT_NEAR(mean, 10, 0.1);
  EXPECT_NEAR(squares / n - mean * mean, 10, 0.4);
}

TEST(Schedule, SeedsDiffer) {
  ScheduleOptions other = options(1000, Arrivals::kPoisson);
  other.seed = 2;
  EXPECT_NE(offsets(options(1000, Arrivals::kPoisson), 10), offsets(other, 10));
  EXPECT_EQ(offsets(other, 10), offsets(other, 10));
}

TEST(Schedule, WithoutARateNothingIsEverDue) {
  for (const double rate : {0.0, -1.0, std::nan("")}) {
    Schedule schedule(options(rate));
    EXPECT_EQ(schedule.due(), kNever);
    schedule.advance();
    EXPECT_EQ(schedule.due(), kNever);
  }
}

TEST(Schedule, TimesBeyondTheClockAreNever) {
  Schedule slow(options(1e-12));
  EXPECT_EQ(slow.due(), kStart);
  slow.advance();
  EXPECT_EQ(slow.due(), kNever);
  EXPECT_EQ(Rate::constant(std::numeric_limits<double>::denorm_min()).time_of(1), Duration::max());
}

TEST(Schedule, NoThreadsCountsAsOne) {
  ScheduleOptions none = options(1000);
  none.threads = 0;
  Schedule schedule(none);
  schedule.advance();
  EXPECT_EQ(schedule.due() - kStart, 1ms);
}

}  // namespace
}  // namespace saker::bench

// Plans of rates: what is understood, where every mistake is, and how many calls start by when:
// threads together, arrivals of both kinds.
#include "saker/bench/rate_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace saker::bench {
namespace {

using namespace std::chrono_literals;

RatePlan plan_of(std::string_view text) {
  auto plan = RatePlan::parse(text);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? *plan : RatePlan();
}

std::string mistake(std::string_view text) {
  const auto plan = RatePlan::parse(text);
  return plan ? "none" : plan.error().message;
}

TEST(RatePlan, PhasesFollowEachOther) {
  const RatePlan plan = plan_of("ramp 1k..50k 30s; hold 60s; step 10k,20k,40k 10s");
  ASSERT_EQ(plan.phases().size(), 5u);
  const char* names[] = {"ramp 1k..50k", "hold 50k", "step 10k", "step 20k", "step 40k"};
  const Duration begins[] = {0s, 30s, 90s, 100s, 110s};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(phase_name(plan.phases()[i]), names[i]);
    EXPECT_EQ(plan.phases()[i].begin, begins[i]);
  }
  EXPECT_EQ(plan.length(), 120s);
  EXPECT_DOUBLE_EQ(plan.arrivals(), 25'500.0 * 30 + 50'000 * 60 + 70'000 * 10);
  EXPECT_DOUBLE_EQ(plan.mean_rate(), plan.arrivals() / 120);
}

TEST(RatePlan, WhiteSpaceAndNumbersAreFree) {
  for (const char* text : {"hold 2000 1s", "  hold\t2k   1s  ", "hold 0.002M 1000ms"}) {
    const RatePlan plan = plan_of(text);
    ASSERT_EQ(plan.phases().size(), 1u) << text;
    EXPECT_DOUBLE_EQ(plan.arrivals(), 2000) << text;
    EXPECT_EQ(plan.text(), text);
  }
  EXPECT_EQ(plan_of("ramp 0..1.5k 1s;hold 1s;ramp 1.5k..0 1s").phases().size(), 3u);
  EXPECT_EQ(plan_of("step 1 , 2,3 1s").phases().size(), 3u);
}

TEST(RatePlan, EveryMistakeHasItsPlace) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"", "at character 1, the end: a phase is"},
      {"1k 10s", "at character 1, '1k': a phase is"},
      {"Ramp 1..2 1s", "at character 1, 'Ramp': a phase is"},
      {"hold 1k 1s;", "at character 12, the end: a phase is"},
      {"hold 1k 1s;;hold 1s", "at character 12, ';': a phase is"},
      {"hold 1k 1s hold 1s", "at character 12, 'hold': the next phase begins behind a ';'"},
      {"hold 1k 1s, 2s", "at character 11, ',': the next phase"},
      {"ramp 1k 30s", "at character 6, '1k': a ramp goes from one rate to another"},
      {"ramp 1k..x 30s", "at character 6, '1k..x': not two rates"},
      {"ramp ..5k 30s", "at character 6, '..5k': not two rates"},
      {"ramp -1..5k 30s", "at character 6, '-1..5k': not two rates"},
      {"ramp 1..2e9 30s", "at character 6, '1..2e9': not two rates"},
      {"ramp 1..inf 30s", "at character 6, '1..inf': not two rates"},
      {"ramp 1..nan 30s", "at character 6, '1..nan': not two rates"},
      {"ramp 1k..5k", "at character 12, the end: a duration is missing"},
      {"ramp 1k..5k; hold 1s", "at character 12, ';': a duration is missing"},
      {"ramp 1k..5k 30", "at character 13, '30': not a duration"},
      {"ramp 1k..5k 0s", "at character 13, '0s': a phase lasts longer than 0"},
      {"hold 10s", "at character 6, '10s': the first phase has to name its rate"},
      {"hold", "at character 5, the end: hold takes a rate and a duration"},
      {"hold 1kk 10s", "at character 6, '1kk': hold takes a rate and a duration"},
      {"hold 1k", "at character 8, the end: a duration is missing"},
      {"step 10s", "at character 6, '10s': not a rate"},
      {"step 1k,,2k 10s", "at character 9, ',': not a rate"},
      {"step 1k, 10s", "at character 10, '10s': not a rate"},
      {"step 1k 2k 10s", "at character 9, '2k': not a duration"},
      {"hold 1 8000h; hold 8000h", "at character 20, '8000h': longer than a year"},
      {"hold 0 10s", "no call would start"},
      {"ramp 0..1 1s", "no call would start"},
  };
  for (const auto& [text, message] : mistakes) {
    EXPECT_TRUE(mistake(text).starts_with(message)) << text << "\n" << mistake(text);
    EXPECT_EQ(mistake(text).find('\n'), std::string::npos);
  }
}

TEST(RatePlan, PhasesAreLimited) {
  std::string text = "step 1";
  for (size_t i = 1; i < RatePlan::kMaxPhases; ++i) text += ",1";
  EXPECT_EQ(plan_of(text + " 1s").phases().size(), RatePlan::kMaxPhases);
  EXPECT_NE(mistake(text + ",1 1s").find("more than 100 phases"), std::string::npos);
}

TEST(RatePlan, Rates) {
  EXPECT_EQ(*parse_rate("50k"), 50'000);
  EXPECT_EQ(*parse_rate("1.5M"), 1'500'000);
  EXPECT_EQ(*parse_rate("1e5"), 100'000);
  for (const char* bad : {"", "k", "0", "-5", "1e10", "nan", "10 k", "10K", "x"}) {
    EXPECT_FALSE(parse_rate(bad)) << bad;
  }
  const std::pair<double, const char*> shown[] = {{50'000, "50k"}, {1'500'000, "1.5M"},
                                                  {1234, "1,234"}, {12.5, "12.5"},
                                                  {0, "0"},        {500, "500"}};
  for (const auto& [rate, text] : shown) EXPECT_EQ(format_rate(rate), text);
}

// ---- when calls start

std::vector<Duration> due_times(const RatePlan& plan, Arrivals arrivals, uint32_t thread,
                                uint32_t threads, Duration warmup = {}) {
  Schedule schedule({.start = Time(1000s),
                     .rate = plan.rate(warmup),
                     .arrivals = arrivals,
                     .thread = thread,
                     .threads = threads});
  std::vector<Duration> all;
  for (; schedule.due() != kNever; schedule.advance()) all.push_back(schedule.due() - Time(1000s));
  return all;
}

size_t count_within(const std::vector<Duration>& times, Duration begin, Duration end) {
  return static_cast<size_t>(
      std::ranges::count_if(times, [&](Duration at) { return at >= begin && at < end; }));
}

TEST(RatePlan, EachPhaseHasItsCalls) {
  const RatePlan plan =
      plan_of("ramp 0..4k 1s; hold 1s; hold 0 500ms; step 1k,3k 1s; ramp 3k..0 2s");
  const auto times = due_times(plan, Arrivals::kConstant, 0, 1);
  EXPECT_TRUE(std::ranges::is_sorted(times));
  for (const Phase& phase : plan.phases()) {
    EXPECT_EQ(count_within(times, phase.begin, phase.end()), phase.arrivals()) << phase_name(phase);
  }
  EXPECT_EQ(times.size(), plan.arrivals());
  // Half way up the ramp, a quarter of its calls.
  EXPECT_EQ(count_within(times, 0s, 500ms), 500u);
}

TEST(RatePlan, AHoldIsEvenlySpaced) {
  const auto times = due_times(plan_of("hold 1k 1s; hold 4k 1s"), Arrivals::kConstant, 0, 1);
  ASSERT_EQ(times.size(), 5000u);
  for (int k = 0; k < 1000; ++k) {
    ASSERT_LE(std::abs((times[static_cast<size_t>(k)] - k * 1ms).count()), 1);
  }
  for (int k = 0; k < 4000; ++k) {
    ASSERT_LE(std::abs((times[static_cast<size_t>(1000 + k)] - 1s - k * 250us).count()), 1);
  }
}

TEST(RatePlan, ThreadsTogetherAreTheSchedule) {
  const RatePlan plan = plan_of("ramp 1k..5k 1s; step 2k,7k 500ms");
  for (const auto arrivals : {Arrivals::kConstant, Arrivals::kPoisson}) {
    const auto alone = due_times(plan, arrivals, 0, 1);
    for (const uint32_t threads : {2u, 3u, 7u}) {
      std::vector<Duration> together;
      for (uint32_t thread = 0; thread < threads; ++thread) {
        const auto mine = due_times(plan, arrivals, thread, threads);
        EXPECT_NEAR(static_cast<double>(mine.size()), static_cast<double>(alone.size()) / threads,
                    1.0);
        together.insert(together.end(), mine.begin(), mine.end());
      }
      std::ranges::sort(together);
      ASSERT_EQ(together.size(), alone.size());
      for (size_t k = 0; k < alone.size(); ++k) {
        ASSERT_LE(std::abs((together[k] - alone[k]).count()), 1) << threads << ' ' << k;
      }
    }
  }
}

// Bounds of five standard deviations, which is the root of the number of calls.
TEST(RatePlan, PoissonArrivalsFollowTheRates) {
  const RatePlan plan = plan_of("ramp 0..80k 1s; hold 10k 2s; step 20k,40k 1s");
  const auto times = due_times(plan, Arrivals::kPoisson, 0, 1);
  EXPECT_TRUE(std::ranges::is_sorted(times));
  for (const Phase& phase : plan.phases()) {
    const double found = static_cast<double>(count_within(times, phase.begin, phase.end()));
    EXPECT_NEAR(found, phase.arrivals(), 5 * std::sqrt(phase.arrivals())) << phase_name(phase);
  }
}

TEST(RatePlan, TheWarmUpHasTheFirstRate) {
  const auto times =
      due_times(plan_of("ramp 1k..3k 1s"), Arrivals::kConstant, 0, 1, Duration(500ms));
  EXPECT_EQ(count_within(times, 0s, 500ms), 500u);
  EXPECT_EQ(count_within(times, 500ms, 1500ms), 2000u);
  EXPECT_EQ(times.size(), 2500u);
}

}  // namespace
}  // namespace saker::bench

// Comparisons of made-up runs, whose seconds vary as they are told to: what differs for certain is
// found, what only varies is not, and the same reports give the same answer.
#include "saker/bench/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "saker/bench/bootstrap.h"

namespace saker::bench {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Seconds of `rate` calls, up and down by `spread`, of about `latency`.
Report run(double rate, double spread, Duration latency, Duration cpu_per_call = 1us,
           int seconds = 20) {
  Report report;
  report.target = "127.0.0.1:50051";
  report.transport = "tcp";
  report.method = "/saker.echo.v1.Echo/Echo";
  report.connections = 10;
  report.streams_per_connection = 100;
  report.threads = 1;
  report.payload_bytes = 16;
  report.duration = seconds * 1s;
  report.interval = 1s;
  for (int second = 0; second < seconds; ++second) {
    const double factor = 1 + spread * ((second * 7 % 5) - 2) / 2.0;
    const auto calls = static_cast<uint64_t>(rate * factor);
    const auto median =
        Duration(static_cast<int64_t>(static_cast<double>(latency.count()) / factor));
    for (uint64_t i = 0; i < calls; ++i) {
      report.corrected.record(median / 2 + median * static_cast<int64_t>(i % 101) / 100);
    }
    report.calls += calls;
    report.timeline.push_back({.calls = calls,
                               .p50 = median,
                               .p99 = median * 149 / 100,
                               .max = median * 3 / 2,
                               .cpu = cpu_per_call * static_cast<int64_t>(calls)});
  }
  report.thread_cpu = {cpu_per_call * static_cast<int64_t>(report.calls)};
  return report;
}

const ComparedFigure& figure_of(const ReportComparison& comparison, const std::string& name) {
  for (const ComparedFigure& figure : comparison.figures) {
    if (figure.name == name) return figure;
  }
  ADD_FAILURE() << name;
  return comparison.figures.front();
}

Verdict verdict_of(const ReportComparison& comparison, const std::string& name) {
  return figure_of(comparison, name).verdict;
}

TEST(Compare, ARunWithItself) {
  const Report one = run(1000, 0.1, 1ms);
  const ReportComparison comparison = compare_reports(one, one, 0.05);
  EXPECT_FALSE(comparison.regressed());
  for (const ComparedFigure& figure : comparison.figures) {
    EXPECT_DOUBLE_EQ(figure.ratio, 1) << figure.name;
    ASSERT_TRUE(figure.interval) << figure.name;
    EXPECT_LE(figure.interval->low, 1) << figure.name;
    EXPECT_GE(figure.interval->high, 1) << figure.name;
    EXPECT_EQ(figure.verdict, Verdict::kSame) << figure.name;
  }
  EXPECT_EQ(format_json(comparison, 0.05), format_json(compare_reports(one, one, 0.05), 0.05));
}

TEST(Compare, WhatIsCertainlySlowerHasRegressed) {
  const ReportComparison worse =
      compare_reports(run(1000, 0.05, 1ms, 1us), run(800, 0.05, 1250us, 1300ns), 0.05);
  EXPECT_TRUE(worse.regressed());
  for (const char* name : {"rate", "p50", "p99", "p99.9", "client CPU"}) {
    EXPECT_EQ(verdict_of(worse, name), Verdict::kRegressed) << name;
  }
  EXPECT_NEAR(figure_of(worse, "rate").ratio, 0.8, 0.001);
  EXPECT_THAT(format_text(worse, 0.05),
              HasSubstr("regressed beyond 5%: rate, p50, p99, p99.9, client CPU\n"));
  const ReportComparison better =
      compare_reports(run(800, 0.05, 1250us, 1300ns), run(1000, 0.05, 1ms, 1us), 0.05);
  EXPECT_FALSE(better.regressed());
  for (const char* name : {"rate", "p50", "p99", "p99.9", "client CPU"}) {
    EXPECT_EQ(verdict_of(better, name), Verdict::kBetter) << name;
  }
}

TEST(Compare, WithinTheToleranceOrTheNoiseIsNoRegression) {
  const Report a = run(1000, 0.02, 1ms);
  EXPECT_FALSE(compare_reports(a, run(970, 0.02, 1030us), 0.05).regressed());
  EXPECT_TRUE(compare_reports(a, run(970, 0.005, 1030us), 0.01).regressed());
  // 6 % less in seconds that vary by 40 %: who knows.
  const Report noisy = run(1000, 0.4, 1ms);
  const ReportComparison comparison = compare_reports(noisy, run(940, 0.4, 1ms), 0.05);
  EXPECT_EQ(verdict_of(comparison, "rate"), Verdict::kSame);
  EXPECT_LT(figure_of(comparison, "rate").interval->low, 0.95);
}

TEST(Compare, ServersAreComparedWhereBothAreKnown) {
  Report a = run(1000, 0.1, 1ms);
  Report b = run(1000, 0.1, 1ms);
  EXPECT_EQ(compare_reports(a, b, 0.05).figures.size(), 5u);
  for (Report* report : {&a, &b}) {
    const int64_t factor = report == &b ? 2 : 1;
    report->server.emplace();
    for (TimelineRow& row : report->timeline) {
      row.server_cpu = factor * 500ns * static_cast<int64_t>(row.calls);
      report->server->cpu += row.server_cpu;
    }
  }
  const ReportComparison comparison = compare_reports(a, b, 0.05);
  EXPECT_EQ(verdict_of(comparison, "server CPU"), Verdict::kRegressed);
  EXPECT_NEAR(figure_of(comparison, "server CPU").ratio, 2, 0.01);
}

TEST(Compare, MoreErrorsAreARegression) {
  Report a = run(1000, 0.1, 1ms);
  Report b = run(1000, 0.1, 1ms);
  a.errors = 1;
  b.errors = 2;
  EXPECT_FALSE(compare_reports(a, b, 0.05).regressed());
  b.errors = 200;
  const ReportComparison comparison = compare_reports(a, b, 0.05);
  EXPECT_TRUE(comparison.more_errors);
  EXPECT_TRUE(comparison.regressed());
  EXPECT_THAT(format_text(comparison, 0.05), HasSubstr("regressed beyond 5%: errors\n"));
  EXPECT_THAT(comparison.notes, ElementsAre(HasSubstr("errors: 1 of ")));
}

TEST(Compare, WhatIsNotComparable) {
  const Report a = run(1000, 0.1, 1ms);
  EXPECT_THAT(why_not_comparable(a, run(500, 0, 2ms)), IsEmpty());
  Report b = run(1000, 0.1, 1ms, 1us, 4);
  b.method = "/x.Y/Z";
  b.payload_bytes = 1024;
  b.intended_rate = 5000;
  EXPECT_THAT(why_not_comparable(a, b),
              ElementsAre("method: /saker.echo.v1.Echo/Echo in A, /x.Y/Z in B",
                          "payload: 16B in A, 1KiB in B",
                          "load: 10 x 100 streams, 1 threads, closed loop in A, "
                          "10 x 100 streams, 1 threads, constant at 5,000 calls/s in B",
                          "B is too short: 4s, where intervals take 5s at least"));
  EXPECT_EQ(verdict_of(compare_reports(a, b, 0.05), "rate"), Verdict::kUnknown);
  EXPECT_FALSE(compare_reports(a, Report(), 0.05).regressed());
  EXPECT_FALSE(compare_reports(Report(), Report(), 0.05).regressed());
}

TEST(Compare, WhatElseDiffersIsNoted) {
  Report a = run(1000, 0.1, 1ms);
  Report b = run(1000, 0.1, 1ms);
  b.transport = "unix";
  a.environment = {{"cpu", "one"}};
  b.environment = {{"cpu", "other"}};
  EXPECT_THAT(why_not_comparable(a, b), IsEmpty());
  EXPECT_THAT(compare_reports(a, b, 0.05).notes,
              ElementsAre("transport: tcp in A, unix in B", "cpu: one in A, other in B"));
}

TEST(Compare, Json) {
  const Report a = run(1000, 0.1, 1ms);
  const auto json = nlohmann::json::parse(format_json(compare_reports(a, a, 0.05), 0.05));
  EXPECT_EQ(json["schema"], "saker.bench-compare/1");
  EXPECT_EQ(json["regressed"], false);
  EXPECT_EQ(json["figures"][0]["name"], "rate");
  EXPECT_EQ(json["figures"][0]["unit"], "calls/s");
  EXPECT_EQ(json["figures"][0]["interval"].size(), 2u);
}

// Of 400 pairs drawn from one distribution, some 95 % of the intervals hold the ratio 1.
TEST(Bootstrap, CoversTheTruthAsOftenAsItSays) {
  uint64_t state = 1;
  const auto chance = [&state] {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<double>(state >> 33) / static_cast<double>(1u << 31);
  };
  const auto rows = [&chance] {
    std::vector<Share> shares;
    for (int i = 0; i < 30; ++i) shares.push_back({1000 + 300 * (chance() + chance() - 1), 1});
    return shares;
  };
  int held = 0;
  for (int pair = 0; pair < 400; ++pair) {
    const auto interval = bootstrap_ratio(rows(), rows());
    ASSERT_TRUE(interval);
    if (interval->low <= 1 && interval->high >= 1) ++held;
  }
  EXPECT_GE(held, 400 * 90 / 100);
  EXPECT_LE(held, 400 * 98 / 100);
}

TEST(Bootstrap, NeedsRowsAndCalls) {
  const std::vector<Share> few(kFewestRows - 1, Share{1, 1});
  const std::vector<Share> enough(kFewestRows, Share{1, 1});
  const std::vector<Share> nothing(kFewestRows, Share{0, 1});
  EXPECT_FALSE(bootstrap_ratio(few, enough));
  EXPECT_FALSE(bootstrap_ratio(enough, few));
  EXPECT_FALSE(bootstrap_ratio(nothing, enough));
  EXPECT_TRUE(bootstrap_ratio(enough, enough));
}

TEST(PercentileInterval, FollowsTheBinomialDistribution) {
  Histogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.record(i * 1ns);
  // 1.96 * sqrt(1000 * 0.5 * 0.5) = 31
  const auto median = percentile_interval(histogram, 50);
  ASSERT_TRUE(median);
  EXPECT_NEAR(median->low, 469, 2);
  EXPECT_NEAR(median->high, 532, 2);
  EXPECT_EQ(percentile_interval(histogram, 99.99)->high, 1000);
  EXPECT_FALSE(percentile_interval(Histogram(), 50));
}

}  // namespace
}  // namespace saker::bench

// Timelines: seconds as one writer counts them, threads together, runs longer than they have points
// for; and how well coarse histograms keep what fine ones know.
#include "saker/bench/timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace saker::bench {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr Time kOrigin = Time(1000h);

CoarseHistogram coarse(const Histogram& histogram) {
  return CoarseHistogram::since({}, CoarseHistogram::counts_of(histogram));
}

TimelinePoint point(uint64_t calls, Duration latency = 1ms) {
  Histogram histogram;
  for (uint64_t i = 0; i < calls; ++i) histogram.record(latency);
  return {.calls = calls, .max = latency, .latencies = coarse(histogram)};
}

std::vector<uint64_t> calls_of(const Timeline& timeline) {
  std::vector<uint64_t> calls;
  for (size_t i = 0; i < timeline.size(); ++i) calls.push_back(timeline[i].calls);
  return calls;
}

TEST(CoarseHistogram, PercentilesAreWithinABucket) {
  Histogram fine;
  for (int i = 1; i <= 100'000; ++i) fine.record(i * 1us);
  const CoarseHistogram histogram = coarse(fine);
  EXPECT_EQ(histogram.count(), 100'000u);
  for (const double percent : {0.0, 1.0, 50.0, 90.0, 99.0, 99.99, 100.0}) {
    const auto exact = static_cast<double>(fine.percentile(percent).count());
    const auto kept = static_cast<double>(histogram.percentile(percent, fine.max()).count());
    EXPECT_GE(kept * 1.001, exact) << percent;
    EXPECT_LE(kept, exact * 1.016 + 16) << percent;
  }
  EXPECT_EQ(histogram.percentile(100, fine.max()), fine.max());
  EXPECT_EQ(CoarseHistogram().percentile(50, 1s), 0ns);
}

TEST(CoarseHistogram, MergesAndSubtracts) {
  Histogram one;
  Histogram two;
  for (int i = 0; i < 1000; ++i) (i % 3 == 0 ? one : two).record(i * i * 1us);
  CoarseHistogram both = coarse(one);
  both.merge(coarse(two));
  const auto before = CoarseHistogram::counts_of(one);
  one.merge(two);
  const CoarseHistogram all = coarse(one);
  const CoarseHistogram rest = CoarseHistogram::since(before, CoarseHistogram::counts_of(one));
  EXPECT_EQ(both.count(), 1000u);
  EXPECT_EQ(rest.count(), two.count());
  for (const double percent : {10.0, 50.0, 99.0}) {
    EXPECT_EQ(both.percentile(percent, 1h), all.percentile(percent, 1h));
    EXPECT_EQ(rest.percentile(percent, 1h), coarse(two).percentile(percent, 1h));
  }
}

TEST(Timeline, AddsToTheIntervalOfItsTime) {
  Timeline timeline;
  timeline.add(-5ms, point(1));
  timeline.add(999ms, point(2));
  timeline.add(3s, point(4, 9ms));
  EXPECT_THAT(calls_of(timeline), ElementsAre(3, 0, 0, 4));
  EXPECT_EQ(timeline[3].max, 9ms);
}

TEST(Timeline, ALongRunHasPointsOfTwiceTheLength) {
  constexpr auto kMost = static_cast<int>(Timeline::kMaxPoints);
  Timeline timeline;
  for (int second = 0; second < kMost; ++second) timeline.add(second * 1s, point(1));
  EXPECT_EQ(timeline.size(), Timeline::kMaxPoints);
  EXPECT_EQ(timeline.interval(), 1s);
  for (int second = kMost; second < 5 * kMost + 7; ++second) timeline.add(second * 1s, point(1));
  EXPECT_EQ(timeline.interval(), 8s);
  EXPECT_LE(timeline.size(), Timeline::kMaxPoints);
  uint64_t calls = 0;
  for (size_t i = 0; i < timeline.size(); ++i) {
    calls += timeline[i].calls;
    EXPECT_EQ(timeline[i].calls, i + 1 < timeline.size() ? 8u : 7u);
    EXPECT_EQ(timeline[i].latencies.count(), timeline[i].calls);
  }
  EXPECT_EQ(calls, 5u * kMost + 7);
  timeline.add(100'000h, point(1));  // a clock that leaps costs no memory
  EXPECT_LE(timeline.size(), Timeline::kMaxPoints);
}

TEST(Timeline, ThreadsOfDifferentLengthsTogether) {
  Timeline longer;
  Timeline shorter;
  for (int second = 0; second < 1500; ++second) longer.add(second * 1s, point(1));
  for (int second = 0; second < 3; ++second) shorter.add(second * 1s, point(10));
  Timeline one = longer;
  one.merge(shorter);
  Timeline other = shorter;
  other.merge(longer);
  for (const Timeline& merged : {one, other}) {
    EXPECT_EQ(merged.interval(), 2s);
    EXPECT_EQ(merged.size(), 750u);
    EXPECT_EQ(merged[0].calls, 22u);
    EXPECT_EQ(merged[1].calls, 12u);
    EXPECT_EQ(merged[2].calls, 2u);
  }
}

TEST(Timeline, RowsEndWithTheRun) {
  Timeline timeline;
  for (int second = 0; second < 4; ++second)
    timeline.add(second * 1s, point(1, (1 + second) * 1ms));
  const auto rows = timeline.rows(3400ms);  // the rest goes with the third second
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2].calls, 2u);
  EXPECT_EQ(rows[2].max, 4ms);
  EXPECT_EQ(rows[2].p99, 4ms);
  EXPECT_EQ(row_length(0, 3, 3400ms, 1s), 1s);
  EXPECT_EQ(row_length(2, 3, 3400ms, 1s), 1400ms);
  EXPECT_EQ(timeline.rows(3600ms).size(), 4u);
  EXPECT_EQ(timeline.rows(10ms).size(), 1u);
  EXPECT_EQ(timeline.rows(10ms)[0].calls, 4u);
  EXPECT_EQ(timeline.rows(0ms).size(), 1u);
  EXPECT_EQ(timeline.rows(6s).size(), 6u);  // a server that stood still
  EXPECT_EQ(timeline.rows(6s)[5].calls, 0u);
}

TEST(TimelineRecorder, CutsTotalsIntoSeconds) {
  TimelineRecorder recorder;
  EXPECT_EQ(recorder.next_cut(), kNever);
  recorder.start(kOrigin, {.cpu = 5ms});
  EXPECT_EQ(recorder.next_cut(), kOrigin + 1s);
  Histogram corrected;
  corrected.record(1ms);
  recorder.see_latency(1ms);
  EXPECT_EQ(recorder.cut(kOrigin + 1s, {.calls = 1, .cpu = 105ms}, corrected).calls, 1u);
  corrected.record(7ms);
  corrected.record(3ms);
  recorder.see_latency(7ms);
  recorder.see_latency(3ms);
  // Nothing was counted in the seconds that passed unseen.
  recorder.cut(kOrigin + 4200ms, {.calls = 3, .errors = 1, .cpu = 125ms}, corrected);
  EXPECT_EQ(recorder.next_cut(), kOrigin + 5s);
  recorder.cut(kOrigin + 4300ms, {.calls = 3, .errors = 1, .cpu = 125ms}, corrected);
  const auto rows = recorder.timeline().rows(5s);
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[0].cpu, 100ms);
  EXPECT_EQ(rows[0].max, 1ms);
  EXPECT_EQ(rows[1].calls, 2u);
  EXPECT_EQ(rows[1].errors, 1u);
  EXPECT_EQ(rows[1].cpu, 20ms);
  EXPECT_EQ(rows[1].max, 7ms);
  EXPECT_EQ(rows[1].p99, 7ms);
  EXPECT_LE(rows[1].p50, 3100us);
  EXPECT_EQ(rows[4].calls, 0u);
}

}  // namespace
}  // namespace saker::bench

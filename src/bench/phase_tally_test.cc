// Tallies of phases: latency where a call was due, throughput where it ended; and the rows of the
// report that come of them.
#include "saker/bench/phase_tally.h"

#include <gtest/gtest.h>

#include "saker/bench/report_phases.h"

namespace saker::bench {
namespace {

using namespace std::chrono_literals;

constexpr Time kBegin = Time(100s);

std::vector<Phase> two_phases() {
  return {{PhaseKind::kHold, 10, 10, 0s, 1s}, {PhaseKind::kStep, 20, 20, 1s, 2s}};
}

TEST(PhaseTally, CallsBelongToWhereTheyWereDue) {
  const auto phases = two_phases();
  PhaseTally tally(phases, kBegin);
  tally.record(kBegin, kBegin + 2ms, true);
  tally.record(kBegin + 999ms, kBegin + 1500ms, false);  // ends in the next one
  tally.record(kBegin + 1s, kBegin + 1001ms, true);
  tally.record(kBegin + 2999ms, kBegin + 3s, true);  // ends behind all
  tally.record_unfinished(kBegin + 2500ms);
  const PhaseFigures& first = tally.figures()[0];
  const PhaseFigures& second = tally.figures()[1];
  EXPECT_EQ(first.calls, 2u);
  EXPECT_EQ(first.errors, 1u);
  EXPECT_EQ(first.ended, 1u);
  EXPECT_EQ(first.corrected.max(), 501ms);
  EXPECT_EQ(second.calls, 2u);
  EXPECT_EQ(second.due(), 3u);
  EXPECT_EQ(second.ended, 2u);
  EXPECT_EQ(second.corrected.max(), 1ms);
}

TEST(PhaseTally, MergesAndMayBeEmpty) {
  EXPECT_TRUE(PhaseTally({}, kBegin).empty());
  const auto phases = two_phases();
  PhaseTally one(phases, kBegin);
  PhaseTally other(phases, kBegin);
  one.record(kBegin, kBegin + 2ms, true);
  other.record(kBegin, kBegin + 5ms, false);
  other.record_unfinished(kBegin);
  PhaseFigures sum;
  for (const PhaseTally* tally : {&one, &other}) sum.merge(tally->figures()[0]);
  EXPECT_EQ(sum.calls, 2u);
  EXPECT_EQ(sum.errors, 1u);
  EXPECT_EQ(sum.unfinished, 1u);
  EXPECT_EQ(sum.ended, 2u);
  EXPECT_EQ(sum.corrected.count(), 2u);
}

TEST(PhaseTally, RowsForPeople) {
  std::vector<PhaseReport> rows(2);
  rows[0].phase = {PhaseKind::kRamp, 1000, 50'000, 0s, 30s};
  rows[0].duration = 2s;
  rows[0].figures.calls = 51'000;
  rows[0].figures.ended = 40'000;
  rows[0].figures.corrected.record(1ms);
  rows[1].phase = {PhaseKind::kStep, 20, 20, 30s, 1s};
  rows[1].duration = 1s;
  rows[1].figures.calls = 20;
  rows[1].figures.errors = 3;
  std::string text;
  append_phases(text, rows);
  EXPECT_EQ(text, R"(
  phase         length  offered/s  achieved/s  p50  p99  p99.9  max  errors
  ramp 1k..50k      2s     25,500      20,000  1ms  1ms    1ms  1ms       0
  step 20           1s         20           0  0ns  0ns    0ns  0ns       3
)");
  text.clear();
  append_phases(text, {});
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace saker::bench

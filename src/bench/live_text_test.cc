// What a run shows of itself: as a whole, then where the terminal is narrow and the run young.
#include "saker/bench/live_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace saker::bench {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

TimelinePoint second(uint64_t calls, uint64_t errors) {
  Histogram histogram;
  for (uint64_t i = 1; i <= calls; ++i) histogram.record(i * 1us);
  return {.calls = calls,
          .errors = errors,
          .max = histogram.max(),
          .cpu = Duration(calls * 500us),
          .server_cpu = Duration(calls * 1ms),
          .latencies = CoarseHistogram::since({}, CoarseHistogram::counts_of(histogram))};
}

LiveView sample() {
  LiveView view;
  view.elapsed = 4300ms;
  view.done = 0.43;
  view.left = 5700ms;
  view.calls = 4'321;
  view.errors = 15;
  view.seconds = 4;
  view.last = second(1000, 3);
  view.run = second(4000, 15);
  view.by_status = {{"OK", 0, 4306}, {"DEADLINE_EXCEEDED", 4, 3}, {"UNAVAILABLE", 14, 12}};
  return view;
}

TEST(LiveText, Block) {
  EXPECT_THAT(
      live_block(sample(), 80),
      ElementsAre("  [#########################...................................]  43%  6s left",
                  "                      rate      p50      p90      p99    p99.9      max",
                  "  last second      1,000/s    504us    901us    991us    999us      1ms",
                  "  run              1,000/s   2.02ms    3.6ms   3.96ms      4ms      4ms",
                  "  CPU: client 50% (run 50%)",
                  "  4,321 calls, 15 errors: DEADLINE_EXCEEDED 3, UNAVAILABLE 12"));
}

TEST(LiveText, ServersCpuWhereItIsKnown) {
  LiveView view = sample();
  view.knows_server = true;
  view.last.server_cpu = 2500ms;
  EXPECT_EQ(live_block(view, 80)[4], "  CPU: client 50% (run 50%), server 250% (run 100%)");
  EXPECT_TRUE(live_line(view).ends_with(")  client CPU 50%  server CPU 250%"));
  view.seconds = 0;
  EXPECT_EQ(live_block(view, 80)[4], "  CPU: client - (run -), server - (run -)");
}

TEST(LiveText, StaysWithinItsColumns) {
  LiveView view = sample();
  view.calls = view.errors = UINT64_MAX;
  view.left = 100h;
  for (const size_t columns : {0u, 40u, 79u, 140u}) {
    const auto lines = live_block(view, columns);
    EXPECT_EQ(lines.size(), 6u);
    for (const std::string& line : lines) EXPECT_LE(line.size(), std::max<size_t>(columns, 40));
  }
  EXPECT_EQ(live_block(LiveView(), 80).size(), 6u);
}

TEST(LiveText, BeforeTheFirstSecondIsOver) {
  LiveView view;
  view.elapsed = -1s;
  view.left = 10s;
  auto lines = live_block(view, 80);
  EXPECT_TRUE(lines[0].ends_with("]   0%  warming up")) << lines[0];
  EXPECT_EQ(lines[2], "  last second            -        -        -        -        -        -");
  view.elapsed = 100ms;
  view.left = -1ns;  // nobody knows
  lines = live_block(view, 80);
  EXPECT_TRUE(lines[0].ends_with("]   0%  ")) << lines[0];
}

TEST(LiveText, Line) {
  EXPECT_EQ(live_line(sample()),
            "4s  1,000/s  p50 504us  p90 901us  p99 991us  p99.9 999us  max 1ms  3 errors "
            "(run: DEADLINE_EXCEEDED 3, UNAVAILABLE 12)  client CPU 50%");
  LiveView idle;
  idle.seconds = 2;
  EXPECT_EQ(live_line(idle), "2s  0/s  0 errors  client CPU 0%");
}

}  // namespace
}  // namespace saker::bench

#include "usage_timer.h"

#include <gtest/gtest.h>

namespace saker::app {
namespace {

TEST(UsageTimer, MachineTicks) {
  const auto ticks = parse_machine_ticks("cpu  10 2 30 400 5 0 6 7 0 0\ncpu0 1 1 1 1");
  ASSERT_TRUE(ticks);
  EXPECT_EQ(ticks->total, 442u);
  EXPECT_EQ(ticks->idle, 400u);
  for (const char* text : {"", "cpu", "cpu 1 2 3", "intr 1 2 3 4", "cpu a b c d"}) {
    EXPECT_FALSE(parse_machine_ticks(text)) << text;
  }
}

TEST(UsageTimer, CountsFromItsReset) {
  UsageTimer timer;
  const auto burn = [] {
    volatile uint64_t sum = 0;
    for (int i = 0; i < 20'000'000; ++i) sum = sum + 1;
  };
  burn();
  const Usage first = timer.look(true);
  EXPECT_GT(first.elapsed_seconds, 0);
  EXPECT_GT(first.user_seconds + first.system_seconds, 0);
  const Usage second = timer.look(false);
  EXPECT_LT(second.elapsed_seconds, first.elapsed_seconds);
  EXPECT_GE(timer.look(false).elapsed_seconds, second.elapsed_seconds);
}

}  // namespace
}  // namespace saker::app

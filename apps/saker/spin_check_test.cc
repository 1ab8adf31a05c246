// Whether a round was disturbed: three percent, either way.
#include "spin_check.h"

#include <gtest/gtest.h>

namespace saker::app {
namespace {

using namespace std::chrono_literals;

TEST(SpinCheck, ThreePercentEitherWay) {
  EXPECT_FALSE(SpinCheck::differ(1000us, 1000us));
  EXPECT_FALSE(SpinCheck::differ(1000us, 1030us));
  EXPECT_TRUE(SpinCheck::differ(1000us, 1031us));
  EXPECT_FALSE(SpinCheck::differ(1030us, 1000us));
  EXPECT_TRUE(SpinCheck::differ(1031us, 1000us));
}

// The loop is not optimised away, or both times were nothing, which never differ.
TEST(SpinCheck, TheLoopTakesItsTime) {
  const auto begin = std::chrono::steady_clock::now();
  const SpinCheck check;
  EXPECT_GT(std::chrono::steady_clock::now() - begin, 2ms);
  (void)check.is_disturbed();
}

}  // namespace
}  // namespace saker::app

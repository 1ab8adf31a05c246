#include "saker/rpc/connection_age.h"

#include <gtest/gtest.h>

namespace saker::rpc {
namespace {

using namespace std::chrono_literals;
using Action = ConnectionAge::Action;

constexpr Time kStart = Time(1000s);
constexpr uint64_t kMiddle = uint64_t{1} << 63;  // half way between 90 and 110 %

TEST(ConnectionAge, WithoutLimitsNothingIsEverDue) {
  ConnectionAge age({}, kStart, kMiddle);
  EXPECT_EQ(age.poll_timeout(false), kNever);
  EXPECT_EQ(age.handle_timeout(kStart + 10000h, false), Action::kNone);
}

TEST(ConnectionAge, IdleCountsFromTheEndOfTheLastCall) {
  ConnectionAge age({.max_idle = 10s}, kStart, kMiddle);
  EXPECT_EQ(age.poll_timeout(false), kStart + 10s);
  EXPECT_EQ(age.poll_timeout(true), kNever) << "a call is open";
  age.on_idle(kStart + 60s);
  EXPECT_EQ(age.handle_timeout(kStart + 69s, false), Action::kNone);
  EXPECT_EQ(age.handle_timeout(kStart + 70s, false), Action::kDrainIdle);
  EXPECT_EQ(age.poll_timeout(false), kNever) << "once";
}

TEST(ConnectionAge, OldOnesAreDrainedThenClosed) {
  ConnectionAge age({.max_age = 100s, .age_grace = 5s}, kStart, kMiddle);
  EXPECT_EQ(age.poll_timeout(true), kStart + 100s);
  EXPECT_EQ(age.handle_timeout(kStart + 100s, true), Action::kDrainOld);
  EXPECT_EQ(age.poll_timeout(true), kStart + 105s);
  EXPECT_EQ(age.handle_timeout(kStart + 104s, true), Action::kNone);
  EXPECT_EQ(age.handle_timeout(kStart + 105s, true), Action::kClose);
  EXPECT_EQ(age.poll_timeout(true), kNever);
}

TEST(ConnectionAge, WithoutGraceCallsMayTakeAllTheyNeed) {
  ConnectionAge age({.max_age = 100s}, kStart, kMiddle);
  EXPECT_EQ(age.handle_timeout(kStart + 100s, true), Action::kDrainOld);
  EXPECT_EQ(age.poll_timeout(true), kNever);
}

TEST(ConnectionAge, AgesSpreadTenPercentBothWays) {
  const ConnectionAgeOptions options{.max_age = 1000s};
  EXPECT_EQ(ConnectionAge(options, kStart, 0).poll_timeout(true), kStart + 900s);
  const Time latest = ConnectionAge(options, kStart, UINT64_MAX).poll_timeout(true);
  EXPECT_GT(latest, kStart + 1099s);
  EXPECT_LE(latest, kStart + 1100s);
}

TEST(ConnectionAge, ADrainForAnotherReasonIsNotLimited) {
  ConnectionAge age({.max_idle = 1s, .max_age = 10s, .age_grace = 1s}, kStart, kMiddle);
  age.stop();
  EXPECT_EQ(age.poll_timeout(false), kNever);
  EXPECT_EQ(age.handle_timeout(kStart + 100s, false), Action::kNone);
}

}  // namespace
}  // namespace saker::rpc

#include "saker/net/spin_budget.h"

#include <gtest/gtest.h>

namespace saker::net {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr Duration kMost = microseconds(100);
constexpr Time kNow{seconds(100)};

TEST(SpinBudget, SpinsAsLongAsItFindsSomethingNowAndThen) {
  SpinBudget budget(kMost);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(budget.next(kNow), kMost);
    budget.on_spin(i % SpinBudget::kFruitlessSpins == 0);
  }
}

TEST(SpinBudget, GivesUpWhenSpinsFindNothingUntilASleepWasShort) {
  SpinBudget budget(kMost);
  for (int i = 0; i < SpinBudget::kFruitlessSpins; ++i) {
    EXPECT_EQ(budget.next(kNow), kMost);
    budget.on_spin(false);
  }
  EXPECT_EQ(budget.next(kNow), Duration::zero());
  budget.on_woken(kMost);
  EXPECT_EQ(budget.next(kNow), Duration::zero());
  budget.on_woken(kMost - microseconds(1));
  EXPECT_EQ(budget.next(kNow), kMost);
}

TEST(SpinBudget, RestsWhileOthersWantTheCpu) {
  SpinBudget budget(kMost);
  const auto spin_with = [&](int64_t switches) {
    while (!budget.wants_switches()) budget.on_spin(true);
    budget.on_switches(kNow, switches);
  };
  spin_with(5000);  // what came before counts for nothing
  EXPECT_EQ(budget.next(kNow), kMost);
  spin_with(5000 + SpinBudget::kSpinsPerCheck / 4);
  EXPECT_EQ(budget.next(kNow), kMost);
  spin_with(6000);
  EXPECT_EQ(budget.next(kNow), Duration::zero());
  EXPECT_EQ(budget.next(kNow + SpinBudget::kRest), kMost);
}

TEST(SpinBudget, OfZeroNeverSpins) {
  SpinBudget budget(Duration::zero());
  EXPECT_EQ(budget.next(kNow), Duration::zero());
  budget.on_woken(Duration::zero());
  EXPECT_EQ(budget.next(kNow), Duration::zero());
}

}  // namespace
}  // namespace saker::net

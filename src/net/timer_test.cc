#include "saker/net/timer.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "saker/net/random.h"

namespace saker::net {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr Time kStart{hours(1000) + nanoseconds(123'456)};

struct CountingTimer final : Timer {
  void on_timer(Time now) override {
    ++fired;
    fired_at = now;
  }
  int fired = 0;
  Time fired_at{};
};

// The deadline in whole ticks, as the wheel promises to round it.
Time rounded_up(Time deadline) {
  return Time(std::chrono::ceil<milliseconds>(deadline.time_since_epoch()));
}

TEST(TimerWheel, FiresNeverEarlyAndAtMostOneTickLate) {
  for (const int64_t delay_us : {1, 999, 1000, 1001, 255'000, 256'000, 257'001, 65'535'999,
                                 65'536'000, 70'000'000, 16'777'216, 1'000'000'000}) {
    TimerWheel wheel(kStart);
    CountingTimer timer;
    const Time deadline = kStart + microseconds(delay_us);
    wheel.arm(timer, deadline);
    wheel.advance(deadline - nanoseconds(1));
    EXPECT_EQ(timer.fired, 0) << delay_us;
    EXPECT_TRUE(timer.armed());
    wheel.advance(deadline + TimerWheel::kTick);
    EXPECT_EQ(timer.fired, 1) << delay_us;
    EXPECT_FALSE(timer.armed());
    EXPECT_EQ(wheel.armed_count(), 0u);
  }
}

TEST(TimerWheel, FollowingNextDeadlineFiresInTime) {
  for (const Duration delay : {Duration(milliseconds(3)), Duration(hours(1)),
                               Duration(hours(24 * 48)), Duration(hours(24 * 120))}) {
    TimerWheel wheel(kStart);
    CountingTimer timer;
    wheel.arm(timer, kStart + delay);
    int wakes = 0;
    Time now = kStart;
    while (timer.fired == 0 && wakes < 20) {
      ++wakes;
      now = wheel.next_deadline();
      ASSERT_NE(now, kNever);
      wheel.advance(now);
    }
    EXPECT_EQ(now, rounded_up(kStart + delay));
    EXPECT_LE(wakes, 8);  // one a level, and one for each 49 days
    EXPECT_EQ(wheel.next_deadline(), kNever);
  }
}

TEST(TimerWheel, PastAndPresentDeadlinesFireWithTheNextTick) {
  TimerWheel wheel(kStart);
  CountingTimer past;
  CountingTimer present;
  wheel.arm(past, Time{});
  wheel.arm(present, kStart);
  EXPECT_LE(wheel.next_deadline() - kStart, TimerWheel::kTick);
  wheel.advance(wheel.next_deadline());
  EXPECT_EQ(past.fired, 1);
  EXPECT_EQ(present.fired, 1);
}

TEST(TimerWheel, APastDeadlineArmedJustBeforeASlotOfAHigherLevelFires) {
  for (const Duration block : {Duration(milliseconds(256)), Duration(milliseconds(65536))}) {
    const Time last_tick = Time(block * 1000) - TimerWheel::kTick;
    TimerWheel wheel(last_tick);
    CountingTimer timer;
    wheel.arm(timer, Time{});
    wheel.advance(last_tick + TimerWheel::kTick);
    EXPECT_EQ(timer.fired, 1);
  }
}

TEST(TimerWheel, NeverIsNotASpecialCase) {
  TimerWheel wheel(kStart);
  CountingTimer timer;
  wheel.arm(timer, kNever);
  wheel.advance(kStart + hours(24 * 365 * 10));
  EXPECT_EQ(timer.fired, 0);
  wheel.cancel(timer);
  EXPECT_EQ(wheel.next_deadline(), kNever);
}

TEST(TimerWheel, CancelAndDestructionDisarm) {
  TimerWheel wheel(kStart);
  CountingTimer cancelled;
  wheel.arm(cancelled, kStart + milliseconds(10));
  wheel.cancel(cancelled);
  wheel.cancel(cancelled);
  {
    CountingTimer destroyed;
    wheel.arm(destroyed, kStart + milliseconds(10));
  }
  EXPECT_EQ(wheel.next_deadline(), kNever);
  EXPECT_EQ(wheel.armed_count(), 0u);
  wheel.advance(kStart + milliseconds(20));
  EXPECT_EQ(cancelled.fired, 0);
}

TEST(TimerWheel, TimersOutliveTheirWheel) {
  CountingTimer near;
  CountingTimer far;
  {
    TimerWheel wheel(kStart);
    wheel.arm(near, kStart + milliseconds(1));
    wheel.arm(far, kNever);
  }
  EXPECT_FALSE(near.armed());
  EXPECT_FALSE(far.armed());
}

struct ScriptedTimer final : Timer {
  void on_timer(Time now) override {
    ++fired;
    if (action) action(now);
  }
  std::function<void(Time)> action;
  int fired = 0;
};

TEST(TimerWheel, OnTimerMayCancelItsNeighbourAndDestroyItself) {
  TimerWheel wheel(kStart);
  auto first = std::make_unique<ScriptedTimer>();
  auto second = std::make_unique<ScriptedTimer>();
  auto third = std::make_unique<ScriptedTimer>();
  const Time at = kStart + milliseconds(5);
  for (auto* timer : {first.get(), second.get(), third.get()}) wheel.arm(*timer, at);
  first->action = [&](Time) {
    second.reset();
    wheel.cancel(*third);
    wheel.arm(*third, at + milliseconds(50));
    first.reset();
  };
  wheel.advance(at + milliseconds(1));
  EXPECT_EQ(first, nullptr);
  EXPECT_EQ(third->fired, 0);
  wheel.advance(at + milliseconds(51));
  EXPECT_EQ(third->fired, 1);
}

TEST(TimerWheel, ATimerThatArmsItselfForNowFiresOncePerAdvance) {
  TimerWheel wheel(kStart);
  ScriptedTimer timer;
  timer.action = [&](Time now) { wheel.arm(timer, now); };
  wheel.arm(timer, kStart);
  for (int i = 1; i <= 10; ++i) {
    wheel.advance(kStart + milliseconds(i));
    EXPECT_EQ(timer.fired, i);
  }
}

// However many ticks one advance() makes up for: what it arms for a time that has passed waits.
TEST(TimerWheel, ATimerThatArmsItselfForThePastFiresOncePerAdvance) {
  for (const Duration late : {Duration(milliseconds(20)), Duration(hours(1))}) {
    TimerWheel wheel(kStart);
    ScriptedTimer timer;
    timer.action = [&](Time) { wheel.arm(timer, kStart + milliseconds(timer.fired)); };
    wheel.arm(timer, kStart);
    Time now = kStart;
    for (int i = 1; i <= 5; ++i) {
      wheel.advance(now += late);
      EXPECT_EQ(timer.fired, i);
      EXPECT_EQ(wheel.armed_count(), 1u);
      EXPECT_LE(wheel.next_deadline(), now + TimerWheel::kTick);
    }
  }
}

TEST(TimerWheel, WhatIsArmedForThePastMayBeCancelledWithinTheSameAdvance) {
  TimerWheel wheel(kStart);
  ScriptedTimer first, second;
  CountingTimer cancelled;
  first.action = [&](Time) { wheel.arm(cancelled, kStart); };
  second.action = [&](Time) { wheel.cancel(cancelled); };
  wheel.arm(first, kStart + milliseconds(1));
  wheel.arm(second, kStart + milliseconds(5));
  wheel.advance(kStart + milliseconds(10));
  EXPECT_EQ(wheel.armed_count(), 0u);
  wheel.advance(kStart + milliseconds(20));
  EXPECT_EQ(cancelled.fired, 0);
}

// Against a sorted map: the same timers fire at each step, whatever was armed,
// moved and cancelled before.
class ModelTest : public testing::TestWithParam<uint64_t> {
 protected:
  struct Item final : Timer {
    void on_timer(Time) override { owner->fired_.push_back(this); }
    ModelTest* owner = nullptr;
  };

  void arm(Item& item, Time deadline) {
    forget(item);
    wheel_.arm(item, deadline);
    due_.emplace(std::max(rounded_up(deadline), first_tick_), &item);
  }
  void cancel(Item& item) {
    forget(item);
    wheel_.cancel(item);
  }
  void forget(Item& item) {
    std::erase_if(due_, [&](const auto& entry) { return entry.second == &item; });
  }
  void advance(Time now) {
    now_ = now;
    fired_.clear();
    wheel_.advance(now);
    std::vector<Timer*> expected;
    while (!due_.empty() && due_.begin()->first <= now) {
      expected.push_back(due_.begin()->second);
      due_.erase(due_.begin());
    }
    EXPECT_EQ(std::multiset<Timer*>(fired_.begin(), fired_.end()),
              std::multiset<Timer*>(expected.begin(), expected.end()));
    first_tick_ = Time(std::chrono::floor<milliseconds>(now.time_since_epoch())) + milliseconds(1);
    EXPECT_EQ(wheel_.armed_count(), due_.size());
  }

  TimerWheel wheel_{kStart};
  Time now_ = kStart;
  Time first_tick_ =
      Time(std::chrono::floor<milliseconds>(kStart.time_since_epoch())) + milliseconds(1);
  std::multimap<Time, Timer*> due_;
  std::vector<Timer*> fired_;
};

Duration random_delay(Random& random) {
  const int shift = static_cast<int>(random.below(54));
  return Duration(static_cast<int64_t>(random.next() >> 10 >> shift) *
                  (random.chance(0.1) ? -1 : 1));
}

TEST_P(ModelTest, FiresWhatTheModelFires) {
  Random random(GetParam());
  std::vector<Item> items(64);
  for (Item& item : items) item.owner = this;
  for (int i = 0; i < 3000; ++i) {
    Item& item = items[random.below(items.size())];
    switch (random.below(4)) {
      case 0:
      case 1:
        arm(item, now_ + random_delay(random));
        break;
      case 2:
        cancel(item);
        break;
      default:
        if (due_.empty() || random.chance(0.5)) {
          advance(now_ + microseconds(random.below(5000)));
        } else if (random.chance(0.5)) {
          EXPECT_LE(wheel_.next_deadline(), due_.begin()->first);
          advance(std::max(now_, wheel_.next_deadline()));
        } else {
          advance(std::max(now_, due_.begin()->first - nanoseconds(1)));
          advance(std::max(now_, due_.begin()->first));
        }
    }
    if (::testing::Test::HasFailure()) FAIL() << "seed " << GetParam() << " step " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace saker::net

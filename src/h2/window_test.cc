#include "saker/h2/window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "saker/h2/bdp.h"

namespace saker::h2 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// ---- SendWindow

TEST(SendWindow, NeverPassesItsMaximum) {
  SendWindow window(kMaxWindowBytes);
  EXPECT_FALSE(window.try_add(1));
  EXPECT_EQ(window.value(), kMaxWindowBytes);
  window.take(5);
  EXPECT_FALSE(window.try_add(6));
  EXPECT_TRUE(window.try_add(5));
  EXPECT_FALSE(window.try_add(kMaxWindowBytes));
  EXPECT_EQ(window.available(), kMaxWindowBytes);
}

TEST(SendWindow, GoesNegativeAndComesBack) {
  SendWindow window(65535);
  window.take(65535);
  EXPECT_TRUE(window.try_add(-65535));
  EXPECT_EQ(window.value(), -65535);
  EXPECT_EQ(window.available(), 0u);
  EXPECT_TRUE(window.try_add(65535));
  EXPECT_EQ(window.available(), 0u);
  EXPECT_TRUE(window.try_add(1));
  EXPECT_EQ(window.available(), 1u);
  EXPECT_TRUE(window.try_add(-int64_t{kMaxWindowBytes}));
  EXPECT_TRUE(window.try_add(-int64_t{kMaxWindowBytes}));
  EXPECT_EQ(window.value(), 1 - 2 * int64_t{kMaxWindowBytes});
}

// ---- ReceiveWindow

TEST(ReceiveWindow, RefusesWhatItNeverAllowed) {
  ReceiveWindow window(10);
  EXPECT_FALSE(window.try_take(11));
  EXPECT_TRUE(window.try_take(10));
  EXPECT_TRUE(window.try_take(0));
  EXPECT_FALSE(window.try_take(1));
  window.give_back(10);
  EXPECT_FALSE(window.try_take(1));  // not yet announced
  EXPECT_EQ(window.take_update(), 10u);
  EXPECT_TRUE(window.try_take(10));
}

TEST(ReceiveWindow, AnnouncesInQuarters) {
  for (const uint32_t size : {1u, 2u, 3u, 65535u, kMaxWindowBytes}) {
    ReceiveWindow window(size);
    const uint32_t quarter = std::max(size / 4, 1u);
    ASSERT_TRUE(window.try_take(quarter));
    window.give_back(quarter - 1);
    EXPECT_EQ(window.take_update(), 0u) << size;
    window.give_back(1);
    EXPECT_EQ(window.take_update(), quarter) << size;
    EXPECT_EQ(window.take_update(), 0u) << size;
    EXPECT_EQ(window.available(), size);
  }
}

TEST(ReceiveWindow, AnEmptyOneAnnouncesNothing) {
  ReceiveWindow window(0);
  EXPECT_EQ(window.take_update(), 0u);
  EXPECT_FALSE(window.try_take(1));
}

TEST(ReceiveWindow, GrowsAndNeverShrinks) {
  ReceiveWindow window(100);
  window.set_target(50);
  EXPECT_EQ(window.target(), 100u);
  window.set_target(1000);
  EXPECT_EQ(window.unannounced(), 900u);
  EXPECT_EQ(window.take_update(), 900u);
  EXPECT_EQ(window.available(), 1000u);
}

TEST(ReceiveWindow, GrowsWithAnUpdateThatIsDue) {
  ReceiveWindow window(100);
  ASSERT_TRUE(window.try_take(60));
  window.give_back(24);
  EXPECT_EQ(window.take_update(120), 0u);
  EXPECT_EQ(window.target(), 100u);
  window.give_back(36);
  EXPECT_EQ(window.take_update(120), 80u);
  EXPECT_EQ(window.target(), 120u);
  EXPECT_EQ(window.available(), 120u);
}

// A peer that has not read our SETTINGS yet may send 65535 bytes;
// updates come by the size that it will learn.
TEST(ReceiveWindow, BeforeSettings) {
  ReceiveWindow small = ReceiveWindow::before_settings(100);
  EXPECT_TRUE(small.try_take(65535));
  EXPECT_FALSE(small.try_take(1));
  small.give_back(25);
  EXPECT_EQ(small.take_update(), 25u);
  EXPECT_EQ(ReceiveWindow::before_settings(1 << 20).available(), 1u << 20);
}

// ---- BdpEstimator

constexpr Time kStart = Time{seconds(1000)};
constexpr uint32_t kWindow = 65535;

// One round trip in which `bytes` arrive after the ping; true: a ping went out.
bool round_trip(BdpEstimator& bdp, uint32_t bytes, Time now) {
  bool pinged = bdp.on_data(kWindow, now);
  if (!pinged) return false;
  EXPECT_FALSE(bdp.on_data(bytes, now));  // never a second ping while one is out
  bdp.on_ping_ack(now + milliseconds(10));
  return true;
}

TEST(BdpEstimator, AsksOnlyWhenHalfAWindowCame) {
  BdpEstimator bdp(kWindow, 1 << 20);
  EXPECT_FALSE(bdp.on_data(kWindow / 2 - 1, kStart));
  EXPECT_TRUE(bdp.on_data(1, kStart));
  EXPECT_FALSE(bdp.on_data(kWindow * 4, kStart));
}

TEST(BdpEstimator, DoublesUpToItsMaximumWhileTheWindowIsTheLimit) {
  BdpEstimator bdp(kWindow, 300'000);
  uint32_t expected = kWindow;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(bdp.on_data(bdp.window(), kStart + seconds(100 * i)));
    bdp.on_data(bdp.window(), kStart + seconds(100 * i));
    expected = std::min(expected * 2, 300'000u);
    EXPECT_EQ(bdp.on_ping_ack(kStart + seconds(100 * i)), expected);
  }
  EXPECT_EQ(bdp.window(), 300'000u);
}

TEST(BdpEstimator, StaysWhereLittleCameDuringTheRoundTrip) {
  BdpEstimator bdp(kWindow, 1 << 24);
  ASSERT_TRUE(bdp.on_data(kWindow / 2, kStart));
  bdp.on_data(kWindow / 10, kStart);
  EXPECT_EQ(bdp.on_ping_ack(kStart + seconds(1)), kWindow);
}

TEST(BdpEstimator, AsksMoreSeldomWhileItFindsNothing) {
  BdpEstimator bdp(1 << 20, 1 << 24);
  int pings = 0;
  for (int ms = 0; ms < 60'000; ms += 10) {
    if (!bdp.on_data(1 << 19, kStart + milliseconds(ms))) continue;
    ++pings;
    bdp.on_ping_ack(kStart + milliseconds(ms));
  }
  EXPECT_EQ(bdp.window(), 1u << 20);
  EXPECT_GE(pings, 8);
  EXPECT_LE(pings, 16);
}

// Each 10 ms a burst that fills the window, in frames,
// its first half acknowledged before the second comes.
TEST(BdpEstimator, FindsTheLimitOfBursts) {
  BdpEstimator bdp(kWindow, 1 << 24);
  bool ping_out = false;
  for (int ms = 0; ms < 400; ms += 10) {
    const Time now = kStart + milliseconds(ms);
    if (std::exchange(ping_out, false)) bdp.on_ping_ack(now);
    const uint32_t window = bdp.window();
    for (uint32_t at = 0; at + 1000 <= window; at += 1000) ping_out |= bdp.on_data(1000, now);
  }
  EXPECT_EQ(bdp.window(), 1u << 24);
}

// The same bursts, a quarter of the window each: the path or the sender is the limit.
TEST(BdpEstimator, BurstsBelowTheWindowDoNotGrowIt) {
  BdpEstimator bdp(kWindow, 1 << 24);
  bool ping_out = false;
  for (int ms = 0; ms < 2000; ms += 10) {
    const Time now = kStart + milliseconds(ms);
    if (std::exchange(ping_out, false)) bdp.on_ping_ack(now);
    for (uint32_t at = 0; at < kWindow / 4; at += 1000) ping_out |= bdp.on_data(1000, now);
  }
  EXPECT_EQ(bdp.window(), kWindow);
}

// A larger window that only makes the round trip longer is of no use:
// a path of 8 MB/s with a queue.
TEST(BdpEstimator, DoesNotFillQueues) {
  BdpEstimator bdp(kWindow, 1 << 24);
  Time now = kStart;
  for (int i = 0; i < 50; ++i) {
    const bool pinged = bdp.on_data(bdp.window(), now);
    now += std::chrono::microseconds(bdp.window() / 8);
    if (pinged) bdp.on_ping_ack(now);
  }
  EXPECT_LE(bdp.window(), 2 * kWindow);
}

TEST(BdpEstimator, AnswersToNothingChangeNothing) {
  BdpEstimator bdp(kWindow, 1 << 24);
  bdp.on_data(kWindow / 2 - 1, kStart);
  EXPECT_EQ(bdp.on_ping_ack(kStart), kWindow);
  EXPECT_TRUE(round_trip(bdp, kWindow, kStart));
  EXPECT_EQ(bdp.window(), 2 * kWindow);
  EXPECT_EQ(bdp.on_ping_ack(kStart), 2 * kWindow);
}

}  // namespace
}  // namespace saker::h2

// How long a channel waits before it connects again (grpc/doc/connection-backoff.md), as arithmetic.
#include "saker/rpc/backoff.h"

#include <gtest/gtest.h>

namespace saker::rpc {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kLeast = 0;
constexpr uint64_t kMost = UINT64_MAX;
constexpr uint64_t kMiddle = uint64_t{1} << 63;

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// The document's own numbers are the defaults: INITIAL_BACKOFF, MULTIPLIER, MAX_BACKOFF.
TEST(Backoff, GrowsByThreeFifthsFromOneSecondToTwoMinutes) {
  const ChannelOptions defaults;
  Backoff backoff;
  double expected = 1;
  for (int failure = 0; failure < 30; ++failure) {
    EXPECT_NEAR(seconds(backoff.next(defaults, kMiddle)), expected, expected * 1e-6) << failure;
    expected = std::min(expected * 1.6, 120.0);
  }
  EXPECT_EQ(expected, 120.0);
}

// JITTER: 0.2 to either side, of the longest wait too. It does not add up.
TEST(Backoff, JitterIsAFifthToEitherSide) {
  const ChannelOptions defaults;
  Backoff least;
  Backoff most;
  double expected = 1;
  for (int failure = 0; failure < 30; ++failure) {
    EXPECT_NEAR(seconds(least.next(defaults, kLeast)), expected * 0.8, expected * 1e-6);
    EXPECT_NEAR(seconds(most.next(defaults, kMost)), expected * 1.2, expected * 1e-6);
    expected = std::min(expected * 1.6, 120.0);
  }
}

TEST(Backoff, BeginsAnewAfterASuccess) {
  const ChannelOptions defaults;
  Backoff backoff;
  for (int failure = 0; failure < 9; ++failure) (void)backoff.next(defaults, kMiddle);
  backoff.reset();
  EXPECT_NEAR(seconds(backoff.next(defaults, kMiddle)), 1.0, 1e-6);
  EXPECT_NEAR(seconds(backoff.next(defaults, kMiddle)), 1.6, 1e-6);
}

}  // namespace
}  // namespace saker::rpc

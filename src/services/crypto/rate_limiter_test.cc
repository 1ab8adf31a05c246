#include "saker/services/crypto/rate_limiter.h"

#include <gtest/gtest.h>

namespace saker::crypto {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time kStart{seconds(1000)};
constexpr RateLimit kTen{10, 3};

TEST(RateLimiterTest, ABurstAndThenTheRate) {
  RateLimiter limiter;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.take("a", "k", kTen, 1, kStart), Duration::zero());
  const Duration wait = limiter.take("a", "k", kTen, 1, kStart);
  EXPECT_GE(wait, milliseconds(100));
  EXPECT_LE(wait, milliseconds(102));
  EXPECT_NE(limiter.take("a", "k", kTen, 1, kStart + milliseconds(50)), Duration::zero());
  EXPECT_EQ(limiter.take("a", "k", kTen, 1, kStart + wait), Duration::zero());
}

TEST(RateLimiterTest, CallersAndKeysApart) {
  RateLimiter limiter;
  const RateLimit one{1, 1};
  EXPECT_EQ(limiter.take("a", "k", one, 1, kStart), Duration::zero());
  EXPECT_NE(limiter.take("a", "k", one, 1, kStart), Duration::zero());
  EXPECT_EQ(limiter.take("b", "k", one, 1, kStart), Duration::zero());
  EXPECT_EQ(limiter.take("a", "l", one, 1, kStart), Duration::zero());
}

TEST(RateLimiterTest, TimeThatGoesBackGivesNothing) {
  RateLimiter limiter;
  const RateLimit one{1, 1};
  EXPECT_EQ(limiter.take("a", "k", one, 1, kStart), Duration::zero());
  EXPECT_NE(limiter.take("a", "k", one, 1, kStart - seconds(9)), Duration::zero());
  EXPECT_NE(limiter.take("a", "k", one, 1, kStart), Duration::zero());
  EXPECT_EQ(limiter.take("a", "k", one, 1, kStart + seconds(1)), Duration::zero());
}

TEST(RateLimiterTest, BucketsAreBoundedAndFullOnesMakeWay) {
  RateLimiter limiter;
  const RateLimit one{1, 1};
  for (size_t i = 0; i < RateLimiter::kMaxBuckets; ++i)
    EXPECT_EQ(limiter.take(std::to_string(i), "k", one, 1, kStart), Duration::zero());
  EXPECT_NE(limiter.take("new", "k", one, 1, kStart), Duration::zero());
  EXPECT_EQ(limiter.buckets(), RateLimiter::kMaxBuckets);
  EXPECT_EQ(limiter.take("new", "k", one, 1, kStart + seconds(1)), Duration::zero());
  EXPECT_EQ(limiter.buckets(), 1u);
}

}  // namespace
}  // namespace saker::crypto

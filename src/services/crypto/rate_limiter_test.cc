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

// Verifying a thousand times a second buys no signature more than the one a second.
TEST(RateLimiterTest, RulesApart) {
  RateLimiter limiter;
  const RateLimit sign{1, 1, 1};
  const RateLimit verify{1000, 1000, 2};
  int signatures = 0;
  Time now = kStart;
  for (int i = 0; i < 20; ++i, now += milliseconds(10)) {
    EXPECT_EQ(limiter.take("a", "k", verify, 1, now), Duration::zero());
    if (limiter.take("a", "k", sign, 1, now) == Duration::zero()) ++signatures;
  }
  EXPECT_EQ(signatures, 1);
  const RateLimit same{1, 1, 3};
  EXPECT_EQ(limiter.take("a", "k", same, 1, now), Duration::zero()) << "another rule's own";
}

// Calls that began under the policy before pay by its rate, out of a bucket of their own.
TEST(RateLimiterTest, AChangedRuleHasABucketOfItsOwn) {
  RateLimiter limiter;
  const RateLimit before{1000, 1000, 1};
  const RateLimit after{1, 1, 1};
  EXPECT_EQ(limiter.take("a", "k", before, 1, kStart), Duration::zero());
  EXPECT_EQ(limiter.take("a", "k", after, 1, kStart), Duration::zero());
  EXPECT_EQ(limiter.take("a", "k", before, 1, kStart + milliseconds(10)), Duration::zero());
  EXPECT_NE(limiter.take("a", "k", after, 1, kStart + milliseconds(10)), Duration::zero());
}

class FullRateLimiterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (size_t i = 0; i < RateLimiter::kMaxBuckets; ++i)
      ASSERT_EQ(limiter_.take(std::to_string(i), "k", kOne, 1, kStart), Duration::zero());
    ASSERT_EQ(limiter_.buckets(), RateLimiter::kMaxBuckets);
  }

  static constexpr RateLimit kOne{1, 1};
  RateLimiter limiter_;
};

TEST_F(FullRateLimiterTest, BucketsAreBounded) {
  for (int i = 0; i < 100; ++i)
    EXPECT_NE(limiter_.take("new" + std::to_string(i), "k", kOne, 1, kStart), Duration::zero());
  EXPECT_EQ(limiter_.buckets(), RateLimiter::kMaxBuckets);
  EXPECT_NE(limiter_.take("7", "k", kOne, 1, kStart), Duration::zero());
  EXPECT_EQ(limiter_.take("7", "k", kOne, 1, kStart + seconds(1)), Duration::zero());
}

// However many are full, one call looks at a few; all of them are found in time.
TEST_F(FullRateLimiterTest, FullBucketsMakeWayPieceByPiece) {
  const Time later = kStart + seconds(1);
  EXPECT_EQ(limiter_.take("new", "k", kOne, 1, later), Duration::zero());
  EXPECT_LT(limiter_.buckets(), RateLimiter::kMaxBuckets);
  EXPECT_GT(limiter_.buckets(), RateLimiter::kMaxBuckets - 1024);
  constexpr size_t kCalls = 10'000;
  for (size_t i = 0; i < kCalls; ++i)
    EXPECT_EQ(limiter_.take("new" + std::to_string(i), "k", kOne, 1, later), Duration::zero());
  EXPECT_EQ(limiter_.buckets(), kCalls + 1);
}

}  // namespace
}  // namespace saker::crypto

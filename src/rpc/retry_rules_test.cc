// gRFC A6: back-off, pushback and throttling, as arithmetic.
#include "saker/rpc/retry_rules.h"

#include <gtest/gtest.h>

namespace saker::rpc {
namespace {

using namespace std::chrono_literals;

TEST(RetryRules, BackoffGrowsToItsMaximumWithAFifthOfJitter) {
  const RetryPolicy policy{.max_attempts = 5,
                           .initial_backoff = 100ms,
                           .max_backoff = 1s,
                           .backoff_multiplier = 2,
                           .retryable = {}};
  const Duration plain[] = {100ms, 200ms, 400ms, 800ms, 1s, 1s};
  for (uint32_t retry = 0; retry < std::size(plain); ++retry) {
    EXPECT_EQ(retry_backoff(policy, retry, 0), plain[retry] / 10 * 8);
    const Duration most = retry_backoff(policy, retry, UINT64_MAX);
    EXPECT_LE(most, plain[retry] / 10 * 12);
    EXPECT_GT(most, plain[retry] / 10 * 11);
  }
}

Pushback pushback_of(std::string_view value) {
  grpc::Metadata trailers;
  EXPECT_TRUE(trailers.add_received("grpc-retry-pushback-ms", value));
  return read_pushback(trailers);
}

TEST(RetryRules, Pushback) {
  EXPECT_FALSE(read_pushback({}).given);
  EXPECT_EQ(pushback_of("0").delay, 0ms);
  EXPECT_EQ(pushback_of("1500").delay, 1500ms);
  EXPECT_FALSE(pushback_of("1500").stops);
  for (const char* value : {"-1", "", "soon", "1s", "1.5", "99999999999"}) {
    EXPECT_TRUE(pushback_of(value).given) << value;
    EXPECT_TRUE(pushback_of(value).stops) << value;
  }
}

// "maxTokens 10, tokenRatio 0.1": below half of the tokens nothing is tried again.
TEST(RetryRules, ThrottleStopsAtHalfAndRecovers) {
  RetryThrottle throttle;
  EXPECT_TRUE(throttle.allows()) << "without throttling";
  throttle.configure({.max_millitokens = 10'000, .ratio_millitokens = 100});
  for (int failure = 0; failure < 4; ++failure) throttle.on_failure();
  EXPECT_TRUE(throttle.allows());
  throttle.on_failure();
  EXPECT_FALSE(throttle.allows()) << "5 of 10 is not more than half";
  throttle.on_success();
  EXPECT_TRUE(throttle.allows());
  for (int failure = 0; failure < 20; ++failure) throttle.on_failure();
  EXPECT_EQ(throttle.millitokens(), 0u);
  for (int success = 0; success < 200; ++success) throttle.on_success();
  EXPECT_EQ(throttle.millitokens(), 10'000u);
}

}  // namespace
}  // namespace saker::rpc

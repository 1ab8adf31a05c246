// Hedging (gRFC A6): several attempts of one call, the first response counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/rpc/client_testing.h"

namespace saker::rpc {
namespace {

using grpc::Status;
using grpc::StatusCode;
using testing::ElementsAre;

std::string hedging_config(std::string_view delay, std::string_view rest = "") {
  return R"({"methodConfig": [{"name": [{}], "hedgingPolicy": {"maxAttempts": 3,
    "hedgingDelay": ")" +
         std::string(delay) + R"(", "nonFatalStatusCodes": ["UNAVAILABLE"]}}])" +
         std::string(rest) + "}";
}

class Hedging : public testing::Test {
 protected:
  void start(std::string_view config) {
    cluster.configure(config);
    ASSERT_EQ(cluster.throw_away, "");
    cluster.start();
    EXPECT_NE(cluster.call(), "not ended") << "connected";
    server().calls = 0;
    server().called_at.clear();
    server().previous_attempts.clear();
  }
  SimBackend& server() { return cluster.backend(); }

  SimCluster cluster;
};

TEST_F(Hedging, AFastAnswerNeedsNoSecondAttempt) {
  start(hedging_config("1s"));
  EXPECT_EQ(cluster.call(), "s0");
  cluster.run_for(10s);
  EXPECT_EQ(server().calls, 1);
}

TEST_F(Hedging, ASlowAnswerIsOvertaken) {
  start(hedging_config("1s"));
  server().delays = {100s, 10ms};
  const Time begin = cluster.network.now();
  EXPECT_EQ(cluster.call(), "s0");
  EXPECT_GE(cluster.network.now() - begin, 1s);
  EXPECT_LE(cluster.network.now() - begin, 1100ms);
  EXPECT_THAT(server().previous_attempts, ElementsAre("", "1"));
  cluster.run_for(200s);
  EXPECT_EQ(server().calls, 2) << "committed: no third attempt";
  EXPECT_EQ(cluster.channel->backend_calls()[0].calls, 3u);
}

TEST_F(Hedging, WithoutADelayAllGoAtOnce) {
  start(hedging_config("0s"));
  server().delays = {3s, 1s, 2s};
  const Time begin = cluster.network.now();
  EXPECT_EQ(cluster.call(), "s0");
  EXPECT_LE(cluster.network.now() - begin, 1100ms);
  EXPECT_EQ(server().calls, 3);
}

TEST_F(Hedging, ANonFatalStatusSendsTheNextAtOnce) {
  start(hedging_config("10s"));
  server().on_call = fail_times(2, StatusCode::kUnavailable);
  const Time begin = cluster.network.now();
  EXPECT_EQ(cluster.call(), "request");
  EXPECT_LE(cluster.network.now() - begin, 100ms);
  EXPECT_EQ(server().calls, 3);
}

TEST_F(Hedging, TheLastFailureIsTheCalls) {
  start(hedging_config("10s"));
  server().on_call = fail_times(5, StatusCode::kUnavailable);
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_EQ(cluster.status.message, "not yet");
  EXPECT_EQ(server().calls, 3);
}

TEST_F(Hedging, AFatalStatusEndsTheCall) {
  start(hedging_config("1s"));
  server().delays = {100s, 10ms};
  server().on_call = [](ServerContext&, RawMessage&, RawMessage&) {
    return Status{StatusCode::kPermissionDenied, "no", {}};
  };
  EXPECT_EQ(cluster.call(), "PERMISSION_DENIED");
  EXPECT_EQ(server().calls, 2);
}

TEST_F(Hedging, PushbackSetsThePauseOrForbidsMore) {
  start(hedging_config("10s"));
  std::string pushback = "3000";
  server().on_call = [&](ServerContext& context, RawMessage&, RawMessage& reply) {
    if (server().calls > 1) {
      reply.bytes = "late";
      return Status{};
    }
    EXPECT_EQ(context.trailing_metadata().add("grpc-retry-pushback-ms", pushback),
              grpc::AddResult::kOk);
    return Status{StatusCode::kUnavailable, "later", {}};
  };
  EXPECT_EQ(cluster.call(), "late");
  EXPECT_GE(server().called_at[1] - server().called_at[0], 3s);
  EXPECT_LE(server().called_at[1] - server().called_at[0], 3100ms);
  server().calls = 0;
  pushback = "-1";
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_EQ(server().calls, 1);
}

TEST_F(Hedging, TheThrottleStopsAllButTheFirst) {
  start(hedging_config("1s", R"(, "retryThrottling": {"maxTokens": 2, "tokenRatio": 0.1})"));
  server().on_call = fail_times(100, StatusCode::kUnavailable);
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_EQ(server().calls, 1);
}

TEST_F(Hedging, SuccessesEarnTokens) {
  start(hedging_config("1s", R"(, "retryThrottling": {"maxTokens": 4, "tokenRatio": 0.5})"));
  server().on_call = fail_times(1, StatusCode::kUnavailable);
  EXPECT_EQ(cluster.call(), "request");
  EXPECT_EQ(cluster.channel->throttle().millitokens(), 3500u) << "one lost, half of one earned";
  for (int call = 0; call < 5; ++call) EXPECT_EQ(cluster.call(), "request");
  EXPECT_EQ(cluster.channel->throttle().millitokens(), 4000u);
}

TEST_F(Hedging, DeadlineCancelAndDestructionEndAllAttempts) {
  start(hedging_config("1s"));
  server().delays = {100s};
  EXPECT_EQ(cluster.call({.deadline = cluster.network.now() + 1500ms}), "DEADLINE_EXCEEDED");
  EXPECT_EQ(server().calls, 2);
  auto destroyed = std::make_unique<TestUnary>();
  destroyed->start(*cluster.channel, unary_method());
  TestUnary cancelled;
  cancelled.start(*cluster.channel, unary_method());
  cluster.run_for(1500ms);
  EXPECT_EQ(server().calls, 6);
  destroyed.reset();
  cancelled.cancel();
  cluster.run_for(1s);
  EXPECT_EQ(cancelled.done, 1);
  EXPECT_EQ(cancelled.status().code, StatusCode::kCancelled);
  cluster.run_for(200s);
  EXPECT_EQ(server().calls, 6);
}

TEST_F(Hedging, TheChannelMayGoWithAttemptsUnderWay) {
  start(hedging_config("1s"));
  server().delays = {100s};
  TestUnary call;
  call.start(*cluster.channel, unary_method());
  cluster.run_for(2500ms);
  EXPECT_EQ(server().calls, 3);
  cluster.channel.reset();
  EXPECT_EQ(call.done, 1);
  EXPECT_EQ(call.status().code, StatusCode::kUnavailable);
}

// Client streaming is made once (docs/limits.md).
TEST_F(Hedging, StreamsAreNotHedged) {
  start(hedging_config("1s"));
  TestStream call;
  call.when_writable = [&] { call.send("a", true); };
  call.start(*cluster.channel, collect_method());
  ASSERT_TRUE(cluster.run_until([&] { return call.done == 1; }));
  EXPECT_EQ(server().calls, 1);
}

}  // namespace
}  // namespace saker::rpc

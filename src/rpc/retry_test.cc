// Retries (gRFC A6) between a real channel and real servers, on virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/rpc/client_testing.h"
#include "saker/rpc/propagation.h"

namespace saker::rpc {
namespace {

using grpc::Status;
using grpc::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

std::string retry_config(std::string_view rest = "") {
  return R"({"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 4,
    "initialBackoff": "1s", "maxBackoff": "10s", "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"]}}])" +
         std::string(rest) + "}";
}

class Retry : public testing::Test {
 protected:
  void start(std::string_view config = retry_config()) {
    cluster.configure(config);
    ASSERT_EQ(cluster.throw_away, "");
    cluster.start();
  }
  SimBackend& server() { return cluster.backend(); }

  SimCluster cluster;
};

TEST_F(Retry, TriesAgainWithGrowingPauses) {
  server().on_call = fail_times(3, StatusCode::kUnavailable);
  start();
  EXPECT_EQ(cluster.call(), "request");
  ASSERT_EQ(server().calls, 4);
  EXPECT_THAT(server().previous_attempts, ElementsAre("", "1", "2", "3"));
  const auto pause = [&](size_t index) {
    return server().called_at[index + 1] - server().called_at[index];
  };
  for (const auto& [index, plain] : {std::pair<size_t, Duration>{0, 1s}, {1, 2s}, {2, 4s}}) {
    EXPECT_GE(pause(index), plain / 10 * 8);
    EXPECT_LE(pause(index), plain / 10 * 12 + 10ms);
  }
}

TEST_F(Retry, MaxAttemptsIsTheEnd) {
  server().on_call = fail_times(10, StatusCode::kUnavailable);
  start();
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_EQ(cluster.status.message, "not yet");
  EXPECT_EQ(server().calls, 4);
}

TEST_F(Retry, OtherCodesAreFinal) {
  server().on_call = fail_times(1, StatusCode::kInternal);
  start();
  EXPECT_EQ(cluster.call(), "INTERNAL");
  EXPECT_EQ(server().calls, 1);
}

TEST_F(Retry, WithoutAPolicyNothingIsTriedAgain) {
  server().on_call = fail_times(1, StatusCode::kUnavailable);
  start("{}");
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_EQ(server().calls, 1);
}

TEST_F(Retry, TheDeadlineHoldsForAllAttempts) {
  server().on_call = fail_times(10, StatusCode::kUnavailable);
  start();
  const Time begin = cluster.network.now();
  EXPECT_EQ(cluster.call({.deadline = begin + 500ms}), "DEADLINE_EXCEEDED");
  EXPECT_LE(cluster.network.now() - begin, 510ms);
  EXPECT_EQ(server().calls, 1);
}

// The pause between attempts ends in the tick in which the deadline passes, or the caller cancels.
TEST_F(Retry, AnEndInTheTickOfTheNextAttemptIsTheEnd) {
  net::SimFaults faults;
  faults.latency_min = faults.latency_max = 2ms;  // so the first attempt ends after 4 ms
  for (Duration rest = 2ms; rest <= 4ms; rest += 250us) {
    SimCluster world;
    world.network.set_faults(faults);
    world.backend().on_call = fail_times(100, StatusCode::kUnavailable);
    world.configure(R"({"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 5,
      "initialBackoff": "0.003s", "maxBackoff": "0.003s", "backoffMultiplier": 1,
      "retryableStatusCodes": ["UNAVAILABLE"]}}]})");
    world.start();
    ASSERT_EQ(world.call(), "UNAVAILABLE");
    for (int round = 0; round < 50; ++round) {
      const Time deadline = world.network.now() + 4ms + rest;
      const std::string end = world.call({.deadline = deadline});
      const Duration late = world.network.now() - deadline;
      ASSERT_EQ(end, "DEADLINE_EXCEEDED");
      ASSERT_LE(late, 2ms);
    }
  }
}

TEST_F(Retry, ACallThatWaitsToBeTriedAgainMayBeCancelledDestroyedOrClosed) {
  server().on_call = fail_times(100, StatusCode::kUnavailable);
  start();
  TestUnary cancelled;
  TestUnary closed;
  auto destroyed = std::make_unique<TestUnary>();
  for (TestUnary* call : {&cancelled, &closed, destroyed.get()}) {
    call->start(*cluster.channel, unary_method());
  }
  cluster.run_for(500ms);
  EXPECT_EQ(server().calls, 3);
  destroyed.reset();
  cancelled.cancel();
  cluster.run_for(10ms);
  EXPECT_EQ(cancelled.done, 1);
  EXPECT_EQ(cancelled.status().code, StatusCode::kCancelled);
  cluster.channel->close();
  cluster.run_for(100s);
  EXPECT_EQ(closed.done, 1);
  EXPECT_EQ(closed.status().code, StatusCode::kUnavailable);
  EXPECT_EQ(server().calls, 3);
}

TEST_F(Retry, PushbackSetsThePause) {
  server().on_call = [&](ServerContext& context, RawMessage& request, RawMessage& reply) {
    if (server().calls == 1) {
      EXPECT_EQ(context.trailing_metadata().add("grpc-retry-pushback-ms", "7000"),
                grpc::AddResult::kOk);
      return Status{StatusCode::kUnavailable, "later", {}};
    }
    reply.bytes = request.bytes;
    return Status{};
  };
  start();
  EXPECT_EQ(cluster.call(), "request");
  EXPECT_GE(server().called_at[1] - server().called_at[0], 7s);
  EXPECT_LE(server().called_at[1] - server().called_at[0], 7s + 10ms);
}

TEST_F(Retry, ANegativePushbackForbidsMore) {
  server().on_call = [&](ServerContext& context, RawMessage&, RawMessage&) {
    EXPECT_EQ(context.trailing_metadata().add("grpc-retry-pushback-ms", "-1"),
              grpc::AddResult::kOk);
    return Status{StatusCode::kUnavailable, "never", {}};
  };
  start();
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_EQ(server().calls, 1);
}

TEST_F(Retry, TokensRunOut) {
  server().on_call = fail_times(1000, StatusCode::kUnavailable);
  start(retry_config(R"(, "retryThrottling": {"maxTokens": 8, "tokenRatio": 1})"));
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_EQ(server().calls, 4) << "8 tokens, 4 left";
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_EQ(server().calls, 5) << "no more than half is left: one attempt a call";
  server().on_call = fail_times(0, StatusCode::kUnavailable);
  for (int call = 0; call < 8; ++call) EXPECT_EQ(cluster.call(), "request");
  server().on_call = fail_times(1, StatusCode::kUnavailable);
  EXPECT_EQ(cluster.call(), "request") << "successes have earned tokens";
}

TEST_F(Retry, AServerThatIsAwayIsTriedAgain) {
  server().stop();
  start();
  TestUnary call;
  call.start(*cluster.channel, unary_method());
  cluster.run_for(100ms);
  EXPECT_EQ(call.done, 0);
  server().start();
  ASSERT_TRUE(cluster.run_until([&] { return call.done == 1; }));
  EXPECT_TRUE(call.status().ok()) << call.status().message;
}

TEST_F(Retry, RequestsOfAStreamAreSentAgain) {
  server().on_call = fail_times(2, StatusCode::kUnavailable);
  start();
  TestStream call;
  call.when_writable = [&] {
    for (const char* text : {"a", "b", "c"}) call.send(text, *text == 'c');
  };
  call.start(*cluster.channel, collect_method());
  ASSERT_TRUE(cluster.run_until([&] { return call.done == 1; }));
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  EXPECT_THAT(call.replies, ElementsAre("a;b;c;"));
  EXPECT_EQ(call.writable_events, 1) << "who has written all need not write again";
  EXPECT_EQ(server().calls, 3);
}

// What is written between two attempts goes out with the next one.
TEST_F(Retry, AStreamMayBeWrittenBetweenAttempts) {
  start();
  server().stop();
  TestStream call;
  call.when_writable = [&] {
    if (call.writable_events == 1) call.send("first");
  };
  server().start();
  call.start(*cluster.channel, collect_method());
  ASSERT_TRUE(cluster.run_until([&] { return server().calls == 1; }));
  server().stop();  // UNAVAILABLE
  cluster.run_for(300ms);
  EXPECT_EQ(call.done, 0);
  server().on_call = fail_times(0, StatusCode::kUnavailable);
  server().start();
  EXPECT_FALSE(call.writable());
  EXPECT_TRUE(call.send("second", true));
  ASSERT_TRUE(cluster.run_until([&] { return call.done == 1; }));
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  EXPECT_THAT(call.replies, ElementsAre("first;second;"));
}

TEST_F(Retry, MoreRequestsThanTheBufferTakesCommitTheCall) {
  server().on_call = fail_times(1, StatusCode::kUnavailable);
  cluster.options.retry_buffer_bytes = 1000;
  start();
  TestStream call;
  call.when_writable = [&] { call.send(std::string(1000, 'x'), true); };
  call.start(*cluster.channel, collect_method());
  ASSERT_TRUE(cluster.run_until([&] { return call.done == 1; }));
  EXPECT_EQ(call.status().code, StatusCode::kUnavailable);
  EXPECT_EQ(server().calls, 1);
}

// Of a call's objects, and of its end, there is one.
TEST_F(Retry, TheSameObjectCallsAgain) {
  start();
  TestUnary call;
  for (int round = 1; round <= 3; ++round) {
    server().on_call = fail_times(1, StatusCode::kUnavailable);
    call.request().bytes = "round " + std::to_string(round);
    call.start(*cluster.channel, unary_method());
    ASSERT_TRUE(cluster.run_until([&] { return call.done == round; }));
    EXPECT_EQ(call.reply().bytes, "round " + std::to_string(round));
  }
  EXPECT_EQ(server().calls, 6);
}

// A transparent retry: what was still in this process when the connection broke has certainly not
// been seen. What had left may have been.
TEST_F(Retry, WhatNeverLeftIsSentElsewhereWithoutAnyPolicy) {
  start("{}");
  cluster.call();
  net::SimFaults slow;
  slow.late_write = 1;
  slow.latency_min = slow.latency_max = 50ms;
  cluster.network.set_faults(slow);
  server().stop();
  server().start();
  TestUnary left;
  TestUnary kept;
  cluster.run_for(10ms);
  left.start(*cluster.channel, unary_method());
  cluster.run_for(10ms);
  kept.start(*cluster.channel, unary_method());
  ASSERT_TRUE(cluster.run_until([&] { return left.done + kept.done == 2; }));
  EXPECT_EQ(left.status().code, StatusCode::kUnavailable);
  EXPECT_TRUE(kept.status().ok()) << kept.status().message;
}

// What a handler calls itself has no more time than its own caller has.
TEST_F(Retry, ADeadlineIsPassedOn) {
  CallOptions inner;
  Duration left{};
  server().on_call = [&](ServerContext& context, RawMessage&, RawMessage&) {
    inner = within(context, {.wait_for_ready = true});
    left = time_left(context);
    return Status{};
  };
  start("{}");
  const Time begin = cluster.network.now();
  cluster.call({.deadline = begin + 5s});
  EXPECT_TRUE(inner.wait_for_ready);
  EXPECT_GT(inner.deadline, begin + 4s);
  EXPECT_LE(inner.deadline, begin + 5s + 10ms);
  EXPECT_GT(left, 4s);
  EXPECT_LE(left, 5s);
  cluster.call();
  EXPECT_EQ(inner.deadline, kNever);
  EXPECT_EQ(left, Duration::max());
}

// doc/service_config.md
TEST_F(Retry, AMethodsTimeoutShortensTheDeadline) {
  server().delays = {10s};
  start(R"({"methodConfig": [{"name": [{"service": "t.T"}], "timeout": "1s"}]})");
  const Time begin = cluster.network.now();
  EXPECT_EQ(cluster.call({.deadline = begin + 5s}), "DEADLINE_EXCEEDED");
  EXPECT_LE(cluster.network.now() - begin, 1010ms);
}

TEST_F(Retry, LimitsOnMessages) {
  server().on_call = [](ServerContext&, RawMessage&, RawMessage& reply) {
    reply.bytes.assign(100, 'r');
    return Status{};
  };
  start(R"({"methodConfig": [{"name": [{}], "maxRequestMessageBytes": 6,
    "maxResponseMessageBytes": 99}]})");
  EXPECT_EQ(cluster.call(), "RESOURCE_EXHAUSTED");
  EXPECT_THAT(cluster.status.message, HasSubstr("request of 7 bytes is over the limit of 6"));
  TestUnary call;
  call.request().bytes = "small";
  call.start(*cluster.channel, unary_method());
  ASSERT_TRUE(cluster.run_until([&] { return call.done == 1; }));
  EXPECT_EQ(call.status().code, StatusCode::kResourceExhausted);
  EXPECT_THAT(call.status().message, HasSubstr("reply of 100 bytes"));
}

TEST_F(Retry, TheChannelsOwnLimitOnRequests) {
  cluster.options.max_send_message_bytes = 6;
  start("{}");
  EXPECT_EQ(cluster.call(), "RESOURCE_EXHAUSTED");
  TestStream stream;
  stream.when_writable = [&] {
    EXPECT_TRUE(stream.send("123456"));
    EXPECT_FALSE(stream.send("1234567"));
  };
  stream.start(*cluster.channel, collect_method());
  ASSERT_TRUE(cluster.run_until([&] { return stream.done == 1; }));
  EXPECT_EQ(stream.status().code, StatusCode::kResourceExhausted);
}

// wait-for-ready.md: such calls wait while the channel cannot connect.
TEST_F(Retry, WaitForReadyMayComeFromTheConfig) {
  server().stop();
  start(R"({"methodConfig": [{"name": [{}], "waitForReady": true}]})");
  TestUnary call;
  call.start(*cluster.channel, unary_method());
  cluster.run_for(5s);
  EXPECT_EQ(call.done, 0);
  server().start();
  ASSERT_TRUE(cluster.run_until([&] { return call.done == 1; }));
  EXPECT_TRUE(call.status().ok());
}

}  // namespace
}  // namespace saker::rpc

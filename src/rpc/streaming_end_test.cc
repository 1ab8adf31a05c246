// How streaming calls end before their time: cancellation, deadlines, lost connections, refusals,
// and the destruction of whatever they hang on.
// Each call is told of its end exactly once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/rpc/streaming_end_testing.h"

namespace saker::rpc {
namespace {

using grpc::Status;
using grpc::StatusCode;
using testing::ElementsAre;

// ---- cancellation

TEST_F(Ends, ClientCancelsMidStream) {
  serve_echo();
  call.when_writable = [&] { call.send("x"); };
  call.when_reply = [&](const std::string&) {
    call.cancel();
    EXPECT_FALSE(call.send("after cancel"));
  };
  start();
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kCancelled);
  EXPECT_EQ(seen.ended, 1);
  EXPECT_TRUE(seen.cancelled);
  EXPECT_EQ(call.replies.size(), 1u);
}

TEST_F(Ends, NothingIsDeliveredAfterCancel) {
  serve([](ServerContext&, Reader<RawMessage>&, Writer<RawMessage>& replies) -> Task<Status> {
    for (int index = 0; index < 10; ++index) co_await replies.write({"x"});
    co_return Status{};
  });
  call.when_reply = [&](const std::string&) { call.cancel(); };
  start();
  finish();
  // The status may have arrived together with the replies; then it was too late to cancel.
  EXPECT_TRUE(call.replies.size() == 1 || call.status().ok());
}

TEST_F(Ends, CancelBeforeTheConnectionIsThere) {
  serve_echo();
  start();
  call.cancel();
  call.cancel();
  EXPECT_EQ(call.done, 0) << "never inside cancel()";
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kCancelled);
  EXPECT_EQ(seen.started, 0);
}

TEST_F(Ends, CancelWakesASleepingHandler) {
  serve_sleeper(1h);
  call.when_writable = [&] { call.send("x"); };
  start();
  ASSERT_TRUE(world.run_until([&] { return seen.started == 1; }));
  call.cancel();
  finish();
  EXPECT_EQ(seen.ended, 1);
  EXPECT_TRUE(seen.cancelled);
}

TEST_F(Ends, CancelWakesABlockedWriter) {
  serve([this](ServerContext& context, Reader<RawMessage>&,
               Writer<RawMessage>& replies) -> Task<Status> {
    ++seen.started;
    while (co_await replies.write({std::string(10'000, 'x')})) {
    }
    note_end(context);
    co_return Status{};
  });
  call.pause(true);
  start();
  world.run_for(1s);
  EXPECT_EQ(seen.ended, 0);
  call.cancel();
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kCancelled);
  EXPECT_EQ(seen.ended, 1);
  EXPECT_TRUE(seen.cancelled);
}

TEST_F(Ends, DestroyingAnActiveCallResetsItsStream) {
  serve_echo();
  world.start();
  auto brief = std::make_unique<TestStream>();
  brief->when_writable = [&] { brief->send("x"); };
  brief->start(world.channel(), bidi_method());
  ASSERT_TRUE(world.run_until([&] { return seen.started == 1; }));
  brief.reset();
  ASSERT_TRUE(world.run_until([&] { return seen.ended == 1; }));
  EXPECT_TRUE(seen.cancelled);
}

// ---- deadlines

TEST_F(Ends, DeadlineOnTheClient) {
  serve_echo();
  start({.deadline = world.network.now() + 50ms});
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kDeadlineExceeded);
  EXPECT_EQ(seen.ended, 1);
  EXPECT_TRUE(seen.cancelled);
}

// The client's reset needs a second: the server has ended the call long before, by its own clock.
TEST_F(Ends, DeadlineOnTheServer) {
  serve_echo();
  const Time deadline = world.network.now() + 50ms;
  start({.deadline = deadline});
  ASSERT_TRUE(world.run_until([&] { return seen.started == 1; }));
  net::SimFaults slow;
  slow.latency_min = slow.latency_max = 1s;
  world.network.set_faults(slow);
  ASSERT_TRUE(world.run_until([&] { return seen.ended == 1; }));
  EXPECT_TRUE(seen.cancelled);
  EXPECT_LT(seen.ended_at, deadline + 5ms);
  world.run_for(3s);
  EXPECT_EQ(call.done, 1);
  EXPECT_EQ(call.status().code, StatusCode::kDeadlineExceeded);
  EXPECT_EQ(world.calls(StatusCode::kDeadlineExceeded), 1u);
}

// Which of the two clocks ends the call is chance, above all where bytes need no time; what the
// client reports is not.
TEST(Deadlines, BothClocksGiveTheSameStatus) {
  net::SimFaults instant;
  instant.latency_min = instant.latency_max = 0us;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SimWorld world(seed, instant);
    world.dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", echo_stream);
    world.start();
    TestStream call;
    const Duration timeout = 10ms + seed * 37us;
    call.start(world.channel(), bidi_method(), {.deadline = world.network.now() + timeout});
    ASSERT_TRUE(world.run_until([&] { return call.done == 1; }));
    EXPECT_EQ(call.status().code, StatusCode::kDeadlineExceeded) << "seed " << seed;
  }
}

TEST_F(Ends, DeadlinePassesWhileNobodyAnswersTheConnect) {
  net::SimFaults deaf;
  deaf.lose_connect = 1;
  world.network.set_faults(deaf);
  serve_echo();
  start({.deadline = world.network.now() + 50ms, .wait_for_ready = true});
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kDeadlineExceeded);
}

// ---- the connection

TEST_F(Ends, LostConnectionIsUnavailable) {
  serve_echo();
  call.when_writable = [&] { call.send("x"); };
  start();
  ASSERT_TRUE(world.run_until([&] { return !call.replies.empty(); }));
  net::SimFaults broken;
  broken.reset = 1;
  world.network.set_faults(broken);
  call.send("into the void");
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kUnavailable);
  EXPECT_EQ(seen.ended, 1);
  EXPECT_TRUE(seen.cancelled);
}

TEST_F(Ends, AHandlerMayOutliveItsConnection) {
  serve_deaf_sleeper(10s);
  start();
  ASSERT_TRUE(world.run_until([&] { return seen.started == 1; }));
  world.destroy_channel();
  EXPECT_EQ(call.done, 1);
  EXPECT_EQ(call.status().code, StatusCode::kUnavailable);
  world.run_for(1s);
  EXPECT_EQ(world.server().counters().connections_open, 1u) << "until its last handler has ended";
  world.run_for(20s);
  EXPECT_EQ(seen.ended, 1);
  EXPECT_EQ(world.server().counters().connections_open, 0u);
}

TEST_F(Ends, DestroyedServerDestroysWaitingHandlers) {
  auto alive = std::make_shared<int>(0);
  serve([alive](ServerContext& context, Reader<RawMessage>& requests,
                Writer<RawMessage>&) -> Task<Status> {
    const auto held = alive;
    RawMessage request;
    co_await requests.read(request);
    co_await sleep_for(context, 1h);
    co_return Status{};
  });
  call.when_writable = [&] { call.send("x"); };
  start();
  TestStream reading;
  reading.start(world.channel(), bidi_method());
  const long idle = alive.use_count();
  ASSERT_TRUE(world.run_until([&] { return alive.use_count() == idle + 2; }));
  world.destroy_server();
  EXPECT_EQ(alive.use_count(), idle);
  ASSERT_TRUE(world.run_until([&] { return call.done == 1 && reading.done == 1; }));
  EXPECT_EQ(call.status().code, StatusCode::kUnavailable);
}

// ---- refused streams: the one slot is held by a handler whose call is long gone

class Refused : public Ends {
 protected:
  void hold_the_slot() {
    world.server_options.connection.max_concurrent_streams = 1;
    serve_deaf_sleeper(10s);
    start();
    ASSERT_TRUE(world.run_until([&] { return seen.started == 1; }));
    call.cancel();
    ASSERT_TRUE(world.run_until([&] { return call.done == 1; }));
  }
};

TEST_F(Refused, AStreamThatWroteIsNotStartedOver) {
  hold_the_slot();
  TestStream next;
  next.when_writable = [&] { next.send("x"); };
  next.start(world.channel(), bidi_method());
  world.run_for(5s);
  EXPECT_EQ(next.done, 1);
  EXPECT_EQ(next.status().code, StatusCode::kUnavailable);
  EXPECT_EQ(next.writable_events, 1);
}

TEST_F(Refused, OneThatDidNotIsStartedOverOnce) {
  hold_the_slot();
  TestStream next;
  next.start(world.channel(), bidi_method());
  world.run_for(5s);
  EXPECT_EQ(next.done, 1);
  EXPECT_EQ(next.status().code, StatusCode::kUnavailable);
  EXPECT_EQ(next.writable_events, 2);
  EXPECT_EQ(seen.started, 1);
}

// Output is taken late, so that no write that ends makes the connection look at its calls.
TEST_F(Ends, ARequestOverTheLimitEndsItsCallAsSoonAsThereIsAStream) {
  net::SimFaults faults;
  faults.late_write = 1;
  faults.latency_min = faults.latency_max = 5ms;
  world.network.set_faults(faults);
  world.server_options.connection.max_concurrent_streams = 1;
  world.channel_options.max_send_message_bytes = 6;
  serve_echo();
  Time first_end{};
  Time next_end{};
  call.when_writable = [&] { call.send("x", true); };
  call.when_done = [&] { first_end = world.network.now(); };
  start();
  TestStream next;
  next.when_writable = [&] { next.send("request"); };
  next.when_done = [&] { next_end = world.network.now(); };
  next.start(world.channel(), bidi_method());
  finish();
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  ASSERT_TRUE(world.run_until([&] { return next.done == 1; }));
  EXPECT_EQ(next.status().code, StatusCode::kResourceExhausted) << next.status().message;
  EXPECT_EQ(next_end, first_end);
}

// ---- objects

TEST_F(Ends, AnObjectIsReusableAfterItsCallBroke) {
  serve([](ServerContext&, Reader<RawMessage>& requests,
           Writer<RawMessage>& replies) -> Task<Status> {
    RawMessage request;
    co_await requests.read(request);
    co_await replies.write({std::string(100'000, 'x')});  // cut by the window
    while (co_await requests.read(request)) {
    }
    co_return Status{};
  });
  call.pause(true);
  call.when_writable = [&] { call.send("x"); };
  start({.deadline = world.network.now() + 1s});
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(call.replies.empty());
  call.pause(false);
  call.when_reply = [&](const std::string&) { call.writes_done(); };
  call.start(world.channel(), bidi_method());
  ASSERT_TRUE(world.run_until([&] { return call.done == 2; }));
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  ASSERT_EQ(call.replies.size(), 1u);
  EXPECT_EQ(call.replies[0].size(), 100'000u);
}

TEST_F(Ends, ChannelMayBeClosedFromInsideAnEvent) {
  serve_echo();
  call.when_writable = [&] { call.send("x"); };
  call.when_reply = [&](const std::string&) { world.channel().close(); };
  TestStream other;
  start();
  other.start(world.channel(), bidi_method());
  finish();
  EXPECT_EQ(other.done, 1);
  EXPECT_EQ(call.status().code, StatusCode::kUnavailable);
  EXPECT_EQ(other.status().code, StatusCode::kUnavailable);
  call.when_done = [] {};
  call.start(world.channel(), bidi_method());
  ASSERT_TRUE(world.run_until([&] { return call.done == 2; }));
  EXPECT_EQ(call.status().code, StatusCode::kUnavailable);
}

TEST_F(Ends, ACallThatRestartsItselfOutlivesItsChannel) {
  serve_echo();
  start();
  Channel* const channel = &world.channel();
  call.when_done = [&] {
    if (call.done < 100) call.start(*channel, bidi_method());
  };
  world.run_for(1s);
  world.destroy_channel();
  EXPECT_GE(call.done, 1);
  EXPECT_LT(call.done, 100);
  EXPECT_FALSE(call.active());
}

}  // namespace
}  // namespace saker::rpc

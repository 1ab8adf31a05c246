// Streaming calls while their server drains: they finish, go elsewhere, or are aborted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/rpc/streaming_end_testing.h"

namespace saker::rpc {
namespace {

using testing::ElementsAre;

TEST_F(Ends, DrainLetsTheOpenStreamFinish) {
  serve_echo();
  call.when_writable = [&] { call.send("before"); };
  start();
  ASSERT_TRUE(world.run_until([&] { return !call.replies.empty(); }));
  world.server().drain();
  world.run_for(10s);
  EXPECT_EQ(call.done, 0);
  EXPECT_TRUE(call.send("during", true));
  finish();
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  EXPECT_THAT(call.replies, ElementsAre("before", "during"));
  EXPECT_EQ(world.server().counters().connections_open, 0u);
}

TEST_F(Ends, ACallDuringADrainGoesToANewConnection) {
  serve_echo();
  call.when_writable = [&] { call.send("x"); };
  start();
  ASSERT_TRUE(world.run_until([&] { return !call.replies.empty(); }));
  world.server().drain();
  world.run_for(1s);
  TestStream next;
  next.when_writable = [&] { next.send("y", true); };
  next.start(world.channel(), bidi_method());
  ASSERT_TRUE(world.run_until([&] { return next.done == 1; }));
  EXPECT_TRUE(next.status().ok()) << next.status().message;
  EXPECT_EQ(call.done, 0);
  EXPECT_EQ(world.server().counters().connections_opened, 2u);
  call.writes_done();
  finish();
  EXPECT_TRUE(call.status().ok());
}

TEST_F(Ends, DrainTimeoutAbortsTheOpenStream) {
  serve_echo();
  call.when_writable = [&] { call.send("x"); };
  start();
  ASSERT_TRUE(world.run_until([&] { return !call.replies.empty(); }));
  world.server().drain();
  world.run_for(1s);
  world.server().abort_all();
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kUnavailable);
  EXPECT_EQ(seen.ended, 1);
}

}  // namespace
}  // namespace saker::rpc

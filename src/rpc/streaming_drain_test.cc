// Streaming calls while their server drains: they finish, go elsewhere, or are aborted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/rpc/streaming_end_testing.h"

namespace saker::rpc {
namespace {

using testing::ElementsAre;

class Drains : public Ends {
 protected:
  // The call has been answered once, and stays open; the server has been draining for `time`.
  void drain_under_the_call(Duration time) {
    serve_echo();
    call.when_writable = [this] { call.send("before"); };
    start();
    ASSERT_TRUE(world.run_until([this] { return !call.replies.empty(); }));
    world.server().drain();
    world.run_for(time);
  }
};

TEST_F(Drains, DrainLetsTheOpenStreamFinish) {
  drain_under_the_call(10s);
  EXPECT_EQ(call.done, 0);
  EXPECT_TRUE(call.send("during", true));
  finish();
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  EXPECT_THAT(call.replies, ElementsAre("before", "during"));
  EXPECT_EQ(world.server().counters().connections_open, 0u);
}

TEST_F(Drains, ACallDuringADrainGoesToANewConnection) {
  drain_under_the_call(1s);
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

TEST_F(Drains, DrainTimeoutAbortsTheOpenStream) {
  drain_under_the_call(1s);
  world.server().abort_all();
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kUnavailable);
  EXPECT_EQ(seen.ended, 1);
}

}  // namespace
}  // namespace saker::rpc

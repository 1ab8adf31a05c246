// What a loop says at most: lines about peers, records of calls.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "saker/rpc/rpc_testing.h"

namespace saker::rpc {
namespace {

TEST(ServerLoop, SaysTenThingsAboutPeersAtOnceThenOneASecond) {
  SimWorld world;
  std::vector<std::string> said;
  world.server_options.report_peer = [&said](const net::Peer&, const std::string& why) {
    said.push_back(why);
  };
  world.start();
  const auto say = [&] { world.server().report_peer({}, "no TLS"); };
  const auto wait = [&](Duration time) {
    world.run_for(time);
    world.server_loop.run_once(world.network.now());  // nothing happens, but its clock is read
  };
  for (int at = 0; at < 10; ++at) say();
  EXPECT_EQ(said, std::vector<std::string>(10, "no TLS"));
  say();
  wait(1s - 1ms);
  say();
  EXPECT_EQ(said.size(), 10u);
  wait(1ms);
  say();
  EXPECT_EQ(said.size(), 11u);
  say();
  EXPECT_EQ(said.size(), 11u);
}

class CallRecords : public testing::Test {
 protected:
  void SetUp() override {
    world.server_options.call_log = {.sample = 1, .ring_records = 4};
    world.dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Unary", [](ServerContext&, RawMessage&, RawMessage&) -> grpc::Status { return {}; });
    world.start();
  }
  void call(int count) {
    for (int at = 0; at < count; ++at) {
      TestUnary unary;
      unary.start(world.channel(), unary_method());
      ASSERT_TRUE(world.run_until([&] { return unary.done == 1; }));
    }
  }
  size_t drain() {
    return world.server().call_ring().drain([](const CallRecord&) {});
  }
  uint64_t dropped() { return world.server().counters().records_dropped; }

  SimWorld world;
};

TEST_F(CallRecords, AreDroppedFromAFullRingAndCounted) {
  call(4);
  EXPECT_EQ(dropped(), 0u);
  call(1);
  EXPECT_EQ(dropped(), 1u);
  EXPECT_EQ(drain(), 4u);
  call(4);
  EXPECT_EQ(dropped(), 1u);
  EXPECT_EQ(drain(), 4u);
}

// docs/limits.md.
TEST(CallRing, HasRoomFor16384Records) {
  CallRing ring(CallLogOptions{}.ring_records);
  for (int at = 0; at < 16'384; ++at) {
    ASSERT_NE(ring.try_begin(), nullptr) << at;
    ring.publish();
  }
  EXPECT_EQ(ring.try_begin(), nullptr);
  EXPECT_EQ(ring.drain([](const CallRecord&) {}), 16'384u);
  EXPECT_NE(ring.try_begin(), nullptr);
}

}  // namespace
}  // namespace saker::rpc

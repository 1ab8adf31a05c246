// Connections that a client replaces by itself, by the number of their calls or by their age: no
// call fails by it, those under way end where they are, and the observer sees each new one.
#include <gtest/gtest.h>

#include <algorithm>

#include "saker/rpc/client_testing.h"

namespace saker::rpc {
namespace {

using namespace std::chrono_literals;

struct Connects final : ConnectionObserver {
  void on_connected(Duration took) override { all.push_back(took); }
  std::vector<Duration> all;
};

class Retire : public testing::Test {
 protected:
  void start() {
    cluster.options.observer = &connects;
    cluster.start();
  }

  Connects connects;
  SimCluster cluster;
};

TEST_F(Retire, AfterSoManyCalls) {
  cluster.options.connection_calls = 3;
  start();
  for (int i = 0; i < 30; ++i) ASSERT_EQ(cluster.call(), "s0") << i;
  EXPECT_EQ(connects.all.size(), 10u);
  for (const Duration took : connects.all) {
    EXPECT_GT(took, 0ns);
    EXPECT_LT(took, 1s);
  }
  EXPECT_EQ(cluster.backend().calls, 30);
}

TEST_F(Retire, EagerOnesAreReplacedAtOnce) {
  cluster.options.connection_calls = 1;
  cluster.options.connections = 2;
  cluster.options.connect_eagerly = true;
  start();
  const auto all_are_there = [&] { return cluster.channel->ready_connections() == 2; };
  EXPECT_TRUE(cluster.run_until(all_are_there));
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(cluster.call(), "s0") << i;
    EXPECT_TRUE(cluster.run_until(all_are_there)) << i;
  }
  EXPECT_EQ(connects.all.size(), 22u);
}

TEST_F(Retire, CallsInFlightEndWhereTheyAre) {
  cluster.options.connection_calls = 4;
  start();
  cluster.backend().delays = {5s};
  TestUnary calls[10];
  for (TestUnary& call : calls) {
    call.request().bytes = "request";
    call.start(*cluster.channel, unary_method());
  }
  const auto ended = [&] {
    return std::ranges::all_of(calls, [](auto& c) { return c.done == 1; });
  };
  EXPECT_TRUE(cluster.run_until(ended));
  for (const TestUnary& call : calls) EXPECT_TRUE(call.status().ok()) << call.status().message;
  EXPECT_EQ(connects.all.size(), 3u);
  EXPECT_EQ(cluster.backend().calls, 10);
}

TEST_F(Retire, ByAge) {
  cluster.options.connection_age = 10s;
  cluster.options.connect_eagerly = true;
  start();
  cluster.backend().delays = {25s};
  EXPECT_EQ(cluster.call(), "s0");  // outlives two others
  cluster.run_for(76s);
  EXPECT_GE(connects.all.size(),
            9u);  // 101 s: one for each 9 to 11, whether they took calls or not
  EXPECT_LE(connects.all.size(), 13u);
  EXPECT_EQ(cluster.channel->last_error(), "");
}

TEST_F(Retire, ManyCallsUnderManySeeds) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimCluster world(2, seed);
    world.options.connection_calls = 1 + seed % 5;
    world.options.connection_age = 30ms;
    world.options.connections = 1 + seed % 3;
    world.options.connect_eagerly = seed % 2 == 0;
    world.start();
    for (int i = 0; i < 100; ++i) {
      const std::string backend = world.call();
      ASSERT_TRUE(backend == "s0" || backend == "s1") << seed << ' ' << i << ' ' << backend;
    }
    EXPECT_EQ(world.backend(0).calls + world.backend(1).calls, 100);
  }
}

}  // namespace
}  // namespace saker::rpc

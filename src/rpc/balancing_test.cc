// Which backend takes a call, and what becomes of backends that die, come back, or are no longer
// what a name stands for (gRPC doc/load-balancing.md, naming.md, connection-backoff.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/rpc/client_testing.h"

namespace saker::rpc {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

class Balance : public testing::Test {
 protected:
  void start(Balancing balancing) {
    cluster.options.balancing = balancing;
    cluster.start();
  }
  // What answers so many calls, one after the other.
  std::vector<std::string> answers(int count) {
    std::vector<std::string> all;
    for (int call = 0; call < count; ++call) all.push_back(cluster.call());
    return all;
  }
  void connect_all() {
    cluster.call();
    cluster.run_for(100ms);
    ASSERT_EQ(cluster.channel->ready_connections(), cluster.backends.size());
  }

  SimCluster cluster{3};
};

TEST_F(Balance, PickFirstSticksToTheFirst) {
  start(Balancing::kPickFirst);
  EXPECT_THAT(answers(4), testing::Each("s0"));
  EXPECT_EQ(cluster.channel->ready_connections(), 1u);
}

TEST_F(Balance, PickFirstTakesTheNextThatCanBeReached) {
  cluster.backend(0).stop();
  cluster.backend(1).stop();
  start(Balancing::kPickFirst);
  EXPECT_THAT(answers(2), testing::Each("s2"));
  cluster.backend(0).start();
  EXPECT_EQ(cluster.call(), "s2") << "it sticks while it works";
  cluster.backend(2).stop();
  cluster.run_for(5s);
  EXPECT_EQ(cluster.call(), "s0") << "and starts over when that is lost";
}

TEST_F(Balance, PickFirstFailsWhenAllHaveFailed) {
  for (auto& backend : cluster.backends) backend->stop();
  start(Balancing::kPickFirst);
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_THAT(cluster.status.message, HasSubstr("memory://s2"));
  EXPECT_EQ(cluster.call(), "UNAVAILABLE") << "while all wait";
  cluster.backend(1).start();
  EXPECT_EQ(cluster.call({.wait_for_ready = true}), "s1");
}

TEST_F(Balance, RoundRobinTakesTurns) {
  start(Balancing::kRoundRobin);
  connect_all();
  const auto seen = answers(6);
  EXPECT_THAT(std::vector(seen.begin(), seen.begin() + 3),
              testing::UnorderedElementsAre("s0", "s1", "s2"));
  EXPECT_EQ(seen[0], seen[3]);
  EXPECT_EQ(seen[1], seen[4]);
  EXPECT_EQ(seen[2], seen[5]);
}

TEST_F(Balance, AListsDefaultGoesWhereTheFewestAreUnderWay) {
  cluster.backend(0).delays = {50s};
  start(Balancing::kDefault);
  EXPECT_EQ(cluster.channel->balancing(), Balancing::kLeastOutstanding);
  std::vector<std::unique_ptr<TestUnary>> calls;
  for (int index = 0; index < 30; ++index) {
    calls.push_back(std::make_unique<TestUnary>());
    calls.back()->start(*cluster.channel, unary_method());
    cluster.run_for(100ms);
  }
  EXPECT_LE(cluster.backend(0).calls, 2) << "who is slow gets no more";
  EXPECT_GE(cluster.backend(1).calls, 12);
  EXPECT_GE(cluster.backend(2).calls, 12);
  uint64_t counted = 0;
  for (const BackendCalls& backend : cluster.channel->backend_calls()) counted += backend.calls;
  EXPECT_EQ(counted, 30u);
  calls.clear();
}

TEST_F(Balance, ABackendThatDiesIsLeftAndFoundAgain) {
  for (const Balancing balancing : {Balancing::kRoundRobin, Balancing::kLeastOutstanding}) {
    start(balancing);
    connect_all();
    cluster.backend(1).stop();
    cluster.run_for(100ms);
    EXPECT_THAT(answers(6), testing::Not(testing::Contains("s1")));
    cluster.run_for(3s);
    cluster.backend(1).start();
    cluster.run_for(20s);
    EXPECT_THAT(answers(6), testing::Contains("s1")) << "nobody had to wait for it";
    cluster.channel.reset();
  }
}

// connection-backoff.md, for each address on its own: 1 s, 1.6 s, 2.56 s …, 20 % to either side.
TEST_F(Balance, BackoffIsEachAddressesOwn) {
  cluster.backend(1).stop();
  start(Balancing::kRoundRobin);
  EXPECT_NE(cluster.call(), "UNAVAILABLE");
  cluster.run_for(100ms);
  cluster.backend(1).start();
  cluster.run_for(500ms);
  EXPECT_EQ(cluster.channel->ready_connections(), 2u) << "it waits";
  cluster.run_for(1s);
  EXPECT_EQ(cluster.channel->ready_connections(), 3u);
}

TEST_F(Balance, OnlyWhenAllAreAwayDoCallsFail) {
  start(Balancing::kRoundRobin);
  connect_all();
  for (auto& backend : cluster.backends) backend->stop();
  cluster.run_for(1ms);
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  cluster.backend(2).start();
  EXPECT_EQ(cluster.call({.wait_for_ready = true}), "s2");
}

// RFC 9113 section 6.8: calls above GOAWAY's last stream are the client's to send elsewhere.
TEST_F(Balance, ADrainLosesNoCall) {
  start(Balancing::kRoundRobin);
  connect_all();
  std::vector<std::unique_ptr<TestUnary>> calls;
  for (int index = 0; index < 60; ++index) {
    calls.push_back(std::make_unique<TestUnary>());
    calls.back()->start(*cluster.channel, unary_method());
    if (index == 20) cluster.backend(0).stop_listening();
    if (index == 20) cluster.backend(0).server().drain();
    cluster.run_for(20us);
  }
  cluster.run_for(30s);
  for (const auto& call : calls) {
    EXPECT_EQ(call->done, 1);
    EXPECT_TRUE(call->status().ok()) << call->status().message;
  }
}

TEST_F(Balance, TheServiceConfigChoosesUnlessTheOptionsDo) {
  cluster.configure(R"({"loadBalancingConfig": [{"round_robin": {}}]})");
  cluster.start();
  EXPECT_EQ(cluster.channel->balancing(), Balancing::kRoundRobin);
  start(Balancing::kPickFirst);
  EXPECT_EQ(cluster.channel->balancing(), Balancing::kPickFirst);
}

// ---- names

class Names : public Balance {
 protected:
  void start_name() { cluster.start(net::Target(*net::parse_address("dns:///pair.test:1"))); }
  void script(std::vector<size_t> stands_for) {
    std::vector<net::Address> addresses;
    for (const size_t index : stands_for) addresses.push_back(cluster.backend(index).address());
    cluster.client_loop.script_name("pair.test", addresses);
  }
};

TEST_F(Names, AreLookedUpOnceAndPickedFromTheFirst) {
  script({1, 2});
  start_name();
  EXPECT_EQ(cluster.client_loop.lookups(), 0u) << "not before it is needed";
  EXPECT_THAT(answers(3), testing::Each("s1"));
  EXPECT_EQ(cluster.client_loop.lookups(), 1u);
  EXPECT_EQ(cluster.channel->backend_calls()[0].backend, "memory://s1 (pair.test:1)");
}

TEST_F(Names, AnUnknownNameIsUnavailableAndAskedForAgainWithBackoff) {
  start_name();
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_THAT(cluster.status.message, HasSubstr("pair.test"));
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_EQ(cluster.client_loop.lookups(), 1u) << "it waits";
  script({0});
  EXPECT_EQ(cluster.call({.wait_for_ready = true}), "s0");
  EXPECT_LE(cluster.client_loop.lookups(), 3u);
}

// naming.md: the client asks again when a connection is lost, at most every 30 s.
TEST_F(Names, AreAskedForAgainWhenAConnectionIsLost) {
  script({0});
  start_name();
  EXPECT_EQ(cluster.call(), "s0");
  script({1});
  cluster.backend(0).stop();
  cluster.run_for(10s);
  EXPECT_EQ(cluster.client_loop.lookups(), 1u) << "too early";
  cluster.run_for(25s);
  EXPECT_EQ(cluster.client_loop.lookups(), 2u);
  EXPECT_EQ(cluster.call(), "s1");
}

TEST_F(Names, WhatANameNoLongerStandsForFinishesItsCalls) {
  cluster.options.balancing = Balancing::kRoundRobin;
  cluster.options.min_resolution_interval = 0s;
  script({0, 1});
  start_name();
  cluster.call();
  cluster.run_for(100ms);
  cluster.backend(0).delays = cluster.backend(1).delays = {20s};
  TestUnary first;
  TestUnary second;
  first.start(*cluster.channel, unary_method());
  second.start(*cluster.channel, unary_method());
  cluster.run_for(1s);
  script({1, 2});
  cluster.backend(1).stop();  // something has to be lost
  cluster.backend(1).start();
  cluster.run_for(60s);
  EXPECT_EQ(first.done + second.done, 2);
  EXPECT_TRUE(first.status().ok() || second.status().ok()) << "the one on s0 was finished";
  cluster.backend(1).delays.clear();
  EXPECT_THAT(answers(4), testing::Not(testing::Contains("s0")));
}

TEST_F(Names, ListsMayHaveThem) {
  script({1, 2});
  net::Target target(cluster.backend(0).address());
  target.addresses.push_back(*net::parse_address("pair.test:1"));
  cluster.options.balancing = Balancing::kRoundRobin;
  cluster.start(target);
  cluster.call();
  cluster.run_for(100ms);
  EXPECT_EQ(cluster.channel->ready_connections(), 3u);
}

// ---- idleness

TEST_F(Balance, ConnectionsCloseWithoutCallsAndComeBack) {
  start(Balancing::kRoundRobin);
  connect_all();
  cluster.run_for(29min);
  EXPECT_EQ(cluster.channel->ready_connections(), 3u);
  cluster.run_for(6min);
  EXPECT_EQ(cluster.channel->ready_connections(), 0u);
  cluster.run_for(60min);
  EXPECT_EQ(cluster.channel->ready_connections(), 0u) << "and none comes by itself";
  EXPECT_THAT(answers(1), testing::Each(HasSubstr("s")));
}

TEST_F(Balance, ACallOrACallUnderWayKeepsConnections) {
  cluster.options.idle_timeout = 10s;
  start(Balancing::kPickFirst);
  cluster.backend(0).delays = {60s};
  EXPECT_EQ(cluster.call(), "s0");
  cluster.backend(0).delays.clear();
  for (int round = 0; round < 5; ++round) {
    cluster.run_for(8s);
    EXPECT_EQ(cluster.channel->ready_connections(), 1u);
    EXPECT_EQ(cluster.call(), "s0");
  }
  cluster.run_for(12s);
  EXPECT_EQ(cluster.channel->ready_connections(), 0u);
}

// gRFC A8: pings without calls only where the option says so.
TEST_F(Balance, KeepaliveWithoutCalls) {
  for (const bool permitted : {false, true}) {
    cluster.options.keepalive = {.time = 10s, .timeout = 1s, .permit_without_calls = permitted};
    cluster.backend(0).options.pings.permit_without_calls = true;
    start(Balancing::kPickFirst);
    EXPECT_EQ(cluster.call(), "s0");
    const uint64_t before = cluster.channel->bytes_sent();
    cluster.run_for(15s);
    EXPECT_EQ(cluster.channel->bytes_sent() > before, permitted);
  }
}

}  // namespace
}  // namespace saker::rpc

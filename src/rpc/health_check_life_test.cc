// Health checks (gRFC A17) beside everything else that a connection goes through: idleness, drains,
// GOAWAY, keepalive, counters, names, several connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/rpc/health_check_testing.h"

namespace saker::rpc {
namespace {

using grpc::StatusCode;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;

// gRFC A17: Watch streams count in no statistics of calls.
TEST_F(Health, WatchStreamsCountAsNoCalls) {
  cluster.options.connection_calls = 3;
  start();
  ASSERT_TRUE(wait_for_ready(2));
  uint64_t calls = 0;
  for (const BackendCalls& backend : cluster.channel->backend_calls()) calls += backend.calls;
  EXPECT_EQ(calls, 1u) << "that of start()";
  EXPECT_THAT(answers(4), Each(HasSubstr("s")));
  EXPECT_EQ(backend(0).watches + backend(1).watches, 2) << "no connection is used up yet";
}

// An idle channel ends its Watch streams and connections, and asks again with the next call.
TEST_F(Health, WatchStreamsKeepNoChannelFromGoingIdle) {
  cluster.options.idle_timeout = 10s;
  start();
  ASSERT_TRUE(wait_for_ready(2));
  cluster.run_for(15s);
  EXPECT_EQ(ready(), 0u);
  EXPECT_EQ(service(0).open + service(1).open, 0);
  EXPECT_EQ(backend(0).server().connection_count(), 0u);
  cluster.run_for(60s);
  EXPECT_EQ(backend(0).watches, 1);
  EXPECT_THAT(cluster.call(), HasSubstr("s"));
  EXPECT_TRUE(cluster.status.ok()) << cluster.status.message;
}

// The same for one that is not healthy: nobody waits for it.
TEST_F(Health, UnhealthyBackendsKeepNoChannelFromGoingIdle) {
  cluster.options.idle_timeout = 10s;
  service(0).status = service(1).status = Serving::kNotServing;
  start();
  cluster.run_for(15s);
  EXPECT_EQ(service(0).open + service(1).open, 0);
  service(0).status = Serving::kServing;
  EXPECT_EQ(cluster.call(), "s0") << "what was said before it was idle is forgotten";
}

// gRFC A17: on GOAWAY the Watch is cancelled. It holds up no drain, and calls under way end well.
TEST_F(Health, WatchStreamsHoldUpNoDrain) {
  backend(0).delays = backend(1).delays = {2s};
  start();
  ASSERT_TRUE(wait_for_ready(2));
  TestUnary calls[2];
  for (TestUnary& call : calls) call.start(*cluster.channel, unary_method());
  cluster.run_for(1s);
  backend(0).stop_listening();
  backend(0).server().drain();
  ASSERT_TRUE(cluster.run_until([&] { return service(0).open == 0; }, 500ms));
  ASSERT_TRUE(cluster.run_until([&] { return backend(0).server().connection_count() == 0; }, 3s));
  for (TestUnary& call : calls) EXPECT_TRUE(call.status().ok()) << call.status().message;
}

// So it is where the connection's time is over by our own rule.
TEST_F(Health, WatchStreamsHoldUpNoRetirement) {
  cluster.options.connection_age = 5s;
  start();
  ASSERT_TRUE(wait_for_ready(2));
  cluster.run_for(20s);
  EXPECT_EQ(service(0).open, 1);
  EXPECT_GE(service(0).asked_at.size(), 3u) << "each connection has its own";
  EXPECT_EQ(ready(), 2u);
}

// gRFC A17: a server that has stopped to poll is found by keepalive, for which a Watch is a stream
// like any other, at the server's end too.
TEST_F(Health, WatchedConnectionsAreKeptAlive) {
  cluster.options.keepalive = {.time = 10s, .timeout = 1s};
  start();
  ASSERT_TRUE(wait_for_ready(2));
  const uint64_t before = cluster.channel->bytes_sent();
  cluster.run_for(15s);
  EXPECT_GT(cluster.channel->bytes_sent(), before);
}

// A method's rules do not hold for it, and it is never started over elsewhere.
TEST_F(Health, WatchStreamsAreUnderNoMethodConfig) {
  cluster.configure(R"({"healthCheckConfig": {"serviceName": "a.S"}, "methodConfig": [{"name": [{}],
    "timeout": "0.5s", "maxRequestMessageBytes": 1, "retryPolicy": {"maxAttempts": 4,
    "initialBackoff": "0.01s", "maxBackoff": "0.01s", "backoffMultiplier": 1,
    "retryableStatusCodes": ["UNAVAILABLE"]}}]})");
  start();
  cluster.run_for(30s);
  EXPECT_EQ(ready(), 2u);
  EXPECT_EQ(backend(0).watches, 1);
  service(0).fails = StatusCode::kUnavailable;
  service(0).ends_now = true;
  cluster.run_for(500ms);
  EXPECT_EQ(backend(1).watches, 1);
}

// A backend that counts as healthy for want of a health service has one stream less than another.
TEST_F(Health, TheFewestUnderWayAreCountedWithoutThem) {
  cluster.options.balancing = Balancing::kLeastOutstanding;
  service(1).fails = StatusCode::kUnimplemented;
  start();
  ASSERT_TRUE(wait_for_ready(2));
  backend(1).delays = {60s};
  const int before = backend(1).calls;
  TestUnary calls[6];
  for (TestUnary& call : calls) {
    call.start(*cluster.channel, unary_method());
    cluster.run_for(100ms);
  }
  EXPECT_EQ(backend(1).calls - before, 1) << "with one under way it is never the one with fewer";
}

// gRFC A17: a connection that is made anew is asked anew.
TEST_F(Health, ABackendThatComesBackIsAskedAgain) {
  start();
  ASSERT_TRUE(wait_for_ready(2));
  backend(0).stop();
  ASSERT_TRUE(wait_for_ready(1));
  service(0).status = Serving::kNotServing;
  backend(0).start();
  ASSERT_TRUE(cluster.run_until([&] { return service(0).open == 1; }));
  cluster.run_for(100ms);
  EXPECT_EQ(ready(), 1u);
  EXPECT_THAT(answers(4), Each("s1"));
}

// One that is gone and one that is ill are as good as none.
TEST_F(Health, OneGoneAndOneIllIsUnavailable) {
  service(1).status = Serving::kNotServing;
  start();
  backend(0).stop();
  cluster.run_for(100ms);
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_NE(cluster.status.message, "");
}

// Each connection to a backend has its own Watch stream.
TEST_F(Health, EveryConnectionIsWatched) {
  cluster.options.connections = 3;
  cluster.options.connect_eagerly = true;
  start();
  ASSERT_TRUE(wait_for_ready(6));
  EXPECT_EQ(service(0).open, 3);
  service(0).status = Serving::kNotServing;
  ASSERT_TRUE(wait_for_ready(3));
  EXPECT_THAT(answers(6), Each("s1"));
}

// A name that stands for healthy backends no more leaves its calls to those that it has.
TEST_F(Health, WhenOnlyIllBackendsAreLeftCallsAreUnavailable) {
  const auto script = [&](std::vector<size_t> stands_for) {
    std::vector<net::Address> addresses;
    for (const size_t index : stands_for) addresses.push_back(backend(index).address());
    cluster.client_loop.script_name("pair.test", addresses);
  };
  cluster.options.min_resolution_interval = 0s;
  service(1).status = Serving::kNotServing;
  script({0, 1});
  cluster.start(net::Target(*net::parse_address("dns:///pair.test:1")));
  EXPECT_EQ(cluster.call(), "s0");
  cluster.run_for(100ms);
  script({1});
  service(1).status = Serving::kUnknown;  // another answer, another question to the name server
  ASSERT_TRUE(cluster.run_until([&] { return cluster.channel->backend_calls().size() == 1; }));
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_THAT(cluster.status.message, HasSubstr("is not healthy"));
}

TEST_F(Health, WhenTheOneThatWasAwaitedLeavesCallsAreUnavailable) {
  cluster.options.min_resolution_interval = 0s;
  service(0).delay = 1h;
  service(1).status = Serving::kNotServing;
  const std::vector both{backend(0).address(), backend(1).address()};
  cluster.client_loop.script_name("pair.test", both);
  cluster.start(net::Target(*net::parse_address("dns:///pair.test:1")));
  TestUnary call;
  call.start(*cluster.channel, unary_method());
  cluster.run_for(1s);
  ASSERT_EQ(call.done, 0);
  cluster.client_loop.script_name("pair.test", std::vector{backend(1).address()});
  service(1).status = Serving::kUnknown;  // another answer, another question to the name server
  ASSERT_TRUE(cluster.run_until([&] { return call.done == 1; }));
  EXPECT_THAT(call.status().message, HasSubstr("memory://s1"));
  EXPECT_EQ(call.status().code, StatusCode::kUnavailable);
}

// The channel may close, or be destroyed, at any point of it.
TEST_F(Health, AChannelMayCloseInEveryState) {
  for (const Duration after : {0ms, 1ms, 50ms, 400ms, 2000ms}) {
    for (const StatusCode fails : {StatusCode::kOk, StatusCode::kInternal}) {
      service(0).fails = fails;
      service(1).delay = 100ms;
      cluster.start();
      TestUnary call;
      call.start(*cluster.channel, unary_method(), {.wait_for_ready = true});
      cluster.run_for(after);
      if (after != 50ms) cluster.channel->close();
      cluster.channel.reset();
      EXPECT_TRUE(after == 50ms || call.done == 1);
      cluster.run_for(1s);
      EXPECT_EQ(service(0).open + service(1).open, 0);
    }
  }
}

// Under every seed: statuses that change and servers that go away. All calls end, and none that the
// client should have kept from an ill server is sent there.
TEST(HealthSeeds, CallsEndHoweverBackendsFeel) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimCluster world(3, seed);
    std::vector<std::unique_ptr<TestHealth>> services;
    for (auto& backend : world.backends) {
      services.push_back(std::make_unique<TestHealth>(world.server_loop, *backend));
    }
    world.options.balancing = seed % 2 == 0 ? Balancing::kRoundRobin : Balancing::kLeastOutstanding;
    world.configure(R"({"healthCheckConfig": {"serviceName": ""}})");
    world.start();
    for (size_t round = 0; round < 60; ++round) {
      const size_t which = (round * 7 + seed) % 3;
      services[which]->status = round % 3 == 0 ? Serving::kNotServing : Serving::kServing;
      if (round % 11 == 5) world.backend(which).stop();
      if (round % 11 == 5) world.backend(which).start();
      world.run_for(30ms);
      const std::string result = world.call();
      ASSERT_TRUE(result.starts_with("s") || result == "UNAVAILABLE") << seed << ' ' << result;
    }
    for (auto& service : services) service->status = Serving::kServing;
    EXPECT_TRUE(world.run_until([&] { return world.channel->ready_connections() == 3; }, 200s));
    world.channel.reset();
    for (auto& backend : world.backends) backend->stop();
  }
}

}  // namespace
}  // namespace saker::rpc

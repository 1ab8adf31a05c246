// The simulator itself: that a seed replays a run, that each fault happens, and that it holds its
// users to the contract.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "saker/net/sim_loop.h"
#include "saker/net/transport_harness.h"

namespace saker::net::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Address kName{.transport = Transport::kMemory, .path = "server"};

SimFaults rough() {
  SimFaults faults;
  faults.short_read = faults.short_write = faults.late_write = 0.3;
  faults.window_bytes = 20'000;
  return faults;
}

// One server, some clients, every byte echoed.
struct EchoRun {
  EchoRun(uint64_t seed, const SimFaults& faults) : network(seed, faults) {
    events.setup = [](TestStream& stream) {
      stream.echo();
      stream.start();
    };
    listener = must(server.listen(kName, {}, events), "listen");
    for (int i = 0; i < 4; ++i) {
      clients.push_back(std::make_unique<TestConnect>(client, kName));
      TestConnect& one = *clients.back();
      one.hook = [&one, i] {
        if (!one.stream) return;
        one.stream->start();
        one.stream->send(pattern(50'000, static_cast<uint64_t>(i)));
      };
    }
  }
  bool finish() {
    return network.run_until(
        [&] {
          return std::ranges::all_of(clients, [](const auto& one) {
            return one->count == 1 && (!one->stream || one->stream->end_count == 1 ||
                                       one->stream->received.size() == 50'000);
          });
        },
        seconds(100));
  }

  SimNetwork network;
  SimLoop server{network};
  SimLoop client{network};
  TestListener events{server};
  std::unique_ptr<Listener> listener;
  std::vector<std::unique_ptr<TestConnect>> clients;
};

TEST(Sim, ASeedReplaysARunExactly) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    EchoRun first(seed, rough());
    EchoRun second(seed, rough());
    ASSERT_TRUE(first.finish());
    ASSERT_TRUE(second.finish());
    EXPECT_EQ(first.network.trace_hash(), second.network.trace_hash());
    EXPECT_EQ(first.network.now(), second.network.now());
    hashes.insert(first.network.trace_hash());
  }
  EXPECT_EQ(hashes.size(), 10u);
}

TEST(Sim, EchoIsRightUnderEveryKindOfSlowness) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    EchoRun run(seed, rough());
    ASSERT_TRUE(run.finish()) << seed;
    for (size_t i = 0; i < run.clients.size(); ++i) {
      EXPECT_TRUE(run.clients[i]->stream->received == pattern(50'000, i)) << seed;
    }
  }
}

// What arrives is a prefix of what was sent, and a stream that does not get everything ends.
TEST(Sim, BrokenConnectionsEndAndDeliverAPrefix) {
  SimFaults faults = rough();
  faults.reset = 0.05;
  faults.half_close = 0.05;
  faults.refuse_connect = 0.1;
  faults.lose_connect = 0.1;
  int whole = 0;
  int resets = 0;
  int ends = 0;
  int refused = 0;
  int lost = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    EchoRun run(seed, faults);
    run.finish();
    for (size_t i = 0; i < run.clients.size(); ++i) {
      const TestConnect& one = *run.clients[i];
      refused += one.error.system_error == ECONNREFUSED;
      lost += one.error.system_error == ETIMEDOUT;
      if (!one.stream) continue;
      EXPECT_TRUE(pattern(50'000, i).starts_with(one.stream->received));
      whole += one.stream->received.size() == 50'000;
      resets += one.stream->error.system_error == ECONNRESET;
      ends += one.stream->end_count == 1 && one.stream->error.system_error == 0;
    }
  }
  for (const int count : {whole, resets, ends, refused, lost}) EXPECT_GT(count, 0);
}

TEST(Sim, LateWritesCompleteAfterTheTurn) {
  SimFaults faults;
  faults.late_write = 1;
  EchoRun run(1, faults);
  ASSERT_TRUE(run.network.run_until([&] { return run.clients[0]->count == 1; }, seconds(1)));
  const Time submitted = run.network.now();
  TestStream& stream = *run.clients[0]->stream;
  ASSERT_TRUE(run.network.run_until([&] { return stream.sent_count == 1; }, seconds(1)));
  EXPECT_GE(run.network.now() - submitted, faults.latency_min);
}

// Nothing is lost by them, only late: every byte comes back.
TEST(Sim, DelaysAndSlowPeersAreOnlySlow) {
  SimFaults faults = rough();
  faults.delay = faults.slow_reader = faults.slow_writer = 0.3;
  SimFaultCounts counts;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    EchoRun run(seed, faults);
    ASSERT_TRUE(run.finish()) << seed;
    for (size_t i = 0; i < run.clients.size(); ++i) {
      EXPECT_TRUE(run.clients[i]->stream->received == pattern(50'000, i)) << seed;
    }
    counts.add(run.network.counts());
  }
  for (const SimFault fault :
       {SimFault::kShortRead, SimFault::kShortWrite, SimFault::kLateWrite, SimFault::kDelay,
        SimFault::kReorder, SimFault::kSlowReader, SimFault::kSlowWriter}) {
    EXPECT_GT(counts[fault], 0u) << kSimFaultNames[static_cast<size_t>(fault)];
  }
  EXPECT_EQ(counts.losses(), 0u);
}

// Nothing arrives any more, and nobody is told.
TEST(Sim, BlackHolesAreSilent) {
  SimFaults faults;
  faults.black_hole = 1;
  EchoRun run(1, faults);
  EXPECT_FALSE(run.finish());
  EXPECT_EQ(run.network.counts()[SimFault::kBlackHole], 4u);
  for (const auto& one : run.clients) {
    EXPECT_EQ(one->stream->received, "");
    EXPECT_EQ(one->stream->end_count, 0);
  }
}

TEST(Sim, ProcessesAreKilledLoudlyAndMachinesSilently) {
  for (const SimKill how : {SimKill::kProcess, SimKill::kMachine}) {
    EchoRun run(1, {});
    ASSERT_TRUE(run.finish());
    run.network.kill(run.server, how);
    EXPECT_EQ(run.network.counts()[SimFault::kKilled], 4u);
    run.network.run_until([] { return false; }, seconds(1));
    const int told = how == SimKill::kProcess ? 1 : 0;
    for (const auto& one : run.clients) EXPECT_EQ(one->stream->end_count, told);
  }
}

TEST(Sim, DescriptorsRunOut) {
  SimFaults faults;
  faults.fail_accept = 0.5;
  faults.fail_connect = 0.3;
  SimFaultCounts counts;
  int failed = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    EchoRun run(seed, faults);
    run.network.run_until([] { return false; }, seconds(10));
    for (const auto& one : run.clients) failed += one->error.system_error == EMFILE;
    counts.add(run.network.counts());
  }
  EXPECT_EQ(counts[SimFault::kFailedConnect], static_cast<uint64_t>(failed));
  EXPECT_GT(failed, 0);
  EXPECT_GT(counts[SimFault::kFailedAccept], 0u);
}

// An accepted connection that cannot be watched is closed, as its peer sees.
TEST(Sim, WhatCannotBeAdoptedIsClosed) {
  SimFaults faults;
  faults.fail_adopt = 1;
  SimNetwork network(1, faults);
  SimLoop loop(network);
  TestListener events(loop);
  bool failed = false;
  events.instead = [&](Accepted accepted) { failed = !loop.adopt(std::move(accepted)); };
  auto listener = must(loop.listen(kName, {}, events), "listen");
  TestConnect one(loop, kName);
  one.hook = [&] { one.stream->start(); };
  ASSERT_TRUE(
      network.run_until([&] { return one.stream && one.stream->end_count == 1; }, seconds(1)));
  EXPECT_TRUE(failed);
  EXPECT_EQ(network.counts()[SimFault::kFailedAdopt], 1u);
}

struct Alarm final : Timer {
  void on_timer(Time now) override { fired_at = now; }
  Time fired_at{};
};

TEST(Sim, TimersFireOnVirtualTimeAtOnce) {
  SimNetwork network(1);
  SimLoop loop(network);
  Alarm timer;
  const Time deadline = network.now() + std::chrono::hours(1000);
  loop.arm(timer, deadline);
  loop.run();  // ends when nothing is left to happen
  EXPECT_GE(timer.fired_at, deadline);
  EXPECT_LE(timer.fired_at, deadline + TimerWheel::kTick);
  EXPECT_FALSE(network.step());
}

TEST(Sim, AClockThatJumpsTakesTimersAlong) {
  SimNetwork network(1);
  SimLoop loop(network);
  Alarm timer;
  loop.arm(timer, network.now() + std::chrono::hours(1));
  network.jump(std::chrono::hours(2));
  const Time jumped = network.now();
  ASSERT_TRUE(network.step());
  EXPECT_EQ(timer.fired_at, jumped);
  const int64_t wall = loop.wall_ns(jumped);
  network.set_wall_clock_back(seconds(5));
  EXPECT_EQ(loop.wall_ns(jumped), wall - 5'000'000'000);
  EXPECT_EQ(network.now(), jumped);
}

TEST(Sim, RunOnceStopsAtItsLimit) {
  SimNetwork network(1);
  SimLoop loop(network);
  const Time limit = network.now() + milliseconds(5);
  loop.run_once(limit);
  EXPECT_EQ(loop.now(), limit);
  loop.run_once(Time{});
  EXPECT_EQ(loop.now(), limit);
}

TEST(Sim, AFullBacklogRefuses) {
  SimNetwork network(1);
  SimLoop loop(network);
  TestListener events(loop);
  auto listener = must(loop.listen(kName, {.backlog = 1}, events), "listen");
  listener->pause(true);
  TestConnect first(loop, kName);
  TestConnect second(loop, kName);
  ASSERT_TRUE(network.run_until([&] { return first.count + second.count == 2; }, seconds(1)));
  EXPECT_NE(first.stream == nullptr, second.stream == nullptr);
}

TEST(Sim, OtherAddressesAreRefused) {
  SimNetwork network(1);
  SimLoop loop(network);
  TestListener events(loop);
  EXPECT_FALSE(loop.listen(Address{.host = "x", .port = 1}, {}, events));
  TestConnect attempt(loop, Address{.host = "x", .port = 1});
  ASSERT_TRUE(network.run_until([&] { return attempt.count == 1; }, seconds(1)));
  EXPECT_FALSE(attempt.was_early);
  EXPECT_EQ(attempt.error.system_error, EAFNOSUPPORT);
}

}  // namespace
}  // namespace saker::net::test

// What gRPC's documents ask of a server's connections: drain, age (gRFC A9), keepalive and pings
// (gRFC A8), in virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "saker/rpc/raw_peers_testing.h"

namespace saker::rpc {
namespace {

using grpc::Status;
using h2::kFlagEndStream;
using h2::Lines;
using testing::Contains;

const h2::Fields kBidi = {{":method", "POST"},
                          {":scheme", "http"},
                          {":path", "/t.T/Bidi"},
                          {"content-type", "application/grpc"}};
h2::Fields with_path(std::string_view path) {
  h2::Fields fields = kBidi;
  fields[2].value = path;
  return fields;
}

constexpr h2::StreamId kNoLastId = h2::kMaxStreamId;
constexpr uint64_t kDrainPing = 0x73616b65'72646e21;

std::string goaway(h2::StreamId last_id, const std::string& why) {
  return "GOAWAY " + std::to_string(last_id) + " NO_ERROR " + why;
}

class Connections : public testing::Test {
 protected:
  void start() {
    world.dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", echo_stream);
    world.start();
    client.emplace(world);
  }
  // Two steps: one that still takes streams which cross it, then the last.
  void expect_first_goaway(const Lines& lines, const std::string& why) {
    EXPECT_EQ(lines, (Lines{goaway(kNoLastId, why), "PING " + std::to_string(kDrainPing)}));
  }
  void answer_drain_ping() { client->peer.ping(kDrainPing, true); }

  SimWorld world;
  std::optional<RawClient> client;
};

TEST_F(Connections, DrainTakesTwoStepsAndWaitsForCalls) {
  start();
  client->peer.headers(1, kBidi);
  client->exchange();
  world.server().drain();
  expect_first_goaway(client->exchange(), "draining");
  client->peer.headers(3, kBidi);  // crossed the GOAWAY: served
  answer_drain_ping();
  const Lines last = client->exchange();
  ASSERT_FALSE(last.empty());
  EXPECT_EQ(last.front(), goaway(3, "draining"));
  client->peer.data(1, framed("x"), kFlagEndStream).data(3, framed("y"), kFlagEndStream);
  client->exchange();
  EXPECT_TRUE(client->closed_by_peer());
  EXPECT_EQ(world.calls(grpc::StatusCode::kOk), 2u);
}

TEST_F(Connections, DrainDoesNotWaitForAPingThatNobodyAnswers) {
  start();
  world.server().drain();
  expect_first_goaway(client->exchange(), "draining");
  EXPECT_EQ(client->exchange(6s), Lines{goaway(0, "draining")});
  EXPECT_TRUE(client->closed_by_peer());
}

TEST_F(Connections, IdleOnesAreDrained) {
  world.server_options.age.max_idle = 10s;
  start();
  client->exchange(8s);
  client->peer.headers(1, kBidi);
  EXPECT_EQ(client->exchange(60s), Lines{}) << "a call is open";
  client->peer.data(1, "", kFlagEndStream);
  EXPECT_EQ(client->exchange(9s).size(), 1u) << "the call's end";
  expect_first_goaway(client->exchange(1500ms), "max_idle");
  answer_drain_ping();
  EXPECT_EQ(client->exchange(), Lines{goaway(1, "max_idle")});
  EXPECT_TRUE(client->closed_by_peer());
}

// Its handler goes on, and ends where no input or output of the connection is under way.
TEST_F(Connections, IdlenessBeginsWithTheEndOfACancelledHandler) {
  world.server_options.age.max_idle = 60s;
  world.dispatcher.add_unary<RawMessage, RawMessage>(
      "/t.T/Unary", [](ServerContext& context, RawMessage&, RawMessage&) -> Task<Status> {
        co_await Nap(context.loop(), 10s);
        co_return Status{};
      });
  start();
  client->peer.headers(1, with_path("/t.T/Unary")).data(1, framed("x"), kFlagEndStream);
  client->exchange(1s);
  client->peer.rst_stream(1, h2::ErrorCode::kCancel);
  EXPECT_EQ(client->exchange(60s), Lines{}) << "9 s of them busy";
  expect_first_goaway(client->exchange(9500ms), "max_idle");
}

// Pings are no calls.
TEST_F(Connections, PingsDoNotKeepAnIdleConnection) {
  world.server_options.age.max_idle = 10s;
  world.server_options.pings.min_interval = 0s;
  start();
  for (int at = 0; at < 9; ++at) {
    client->peer.ping(1);
    EXPECT_EQ(client->exchange(1s), Lines{"PING ACK 1"});
  }
  expect_first_goaway(client->exchange(1500ms), "max_idle");
}

TEST_F(Connections, OldOnesAreDrainedAndTheirCallsGetTheGrace) {
  world.server_options.age.max_age = 100s;
  world.server_options.age.age_grace = 20s;
  start();
  client->peer.headers(1, kBidi);
  EXPECT_EQ(client->exchange(89s), Lines{}) << "90 % at the earliest";
  Lines lines;
  int seconds = 0;
  for (; lines.empty() && seconds < 22; ++seconds) lines = client->exchange(1s);
  EXPECT_LT(seconds, 22) << "110 % at the latest";
  expect_first_goaway(lines, "max_age");
  answer_drain_ping();
  EXPECT_EQ(client->exchange(1s), Lines{goaway(1, "max_age")});
  client->peer.data(1, framed("x"));
  EXPECT_EQ(client->exchange(1s).size(), 2u) << "the call goes on";
  EXPECT_FALSE(client->closed_by_peer());
  client->exchange(20s);
  EXPECT_TRUE(client->closed_by_peer());
  EXPECT_EQ(world.calls(grpc::StatusCode::kCancelled), 1u);
}

TEST_F(Connections, WithoutGraceOldCallsTakeWhatTheyNeed) {
  world.server_options.age.max_age = 100s;
  start();
  client->peer.headers(1, kBidi);
  client->exchange(120s);
  client->peer.data(1, framed("x"));
  EXPECT_EQ(client->exchange(1h).size(), 2u);
  client->peer.data(1, "", kFlagEndStream);
  client->exchange();
  EXPECT_TRUE(client->closed_by_peer());
  EXPECT_EQ(world.calls(grpc::StatusCode::kOk), 1u);
}

// ---- writes

// Replies of 16 KB that nobody waits for to be read: a part is being written, another fills the output,
// and the rest has yet to be made. 16 KiB a network takes.
class Writes : public Connections {
 protected:
  static constexpr h2::StreamId kLastStream = 159;
  static net::SimFaults narrow_network() {
    net::SimFaults faults;
    faults.latency_min = faults.latency_max = 1ms;
    faults.window_bytes = 16 * 1024;
    return faults;
  }
  void ask_for_much(const h2::ByteVector& behind_it = {}) {
    world.server_options.write_stall_timeout = 10s;
    world.dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Unary", [](ServerContext&, RawMessage&, RawMessage& reply) {
          reply.bytes.assign(16'000, 'x');
          return Status{};
        });
    start();
    client->peer.settings({{h2::SettingId::kInitialWindowSize, 1 << 30}});
    client->peer.window_update(0, 1 << 30);
    world.network.set_faults(narrow_network());
    for (h2::StreamId id = 1; id <= kLastStream; id += 2) {
      client->peer.headers(id, with_path("/t.T/Unary")).data(id, framed("x"), kFlagEndStream);
    }
    client->peer.raw(behind_it);
    client->send();
    client->pause_reading(true);
    world.run_for(1s);
  }
  static bool is_ok(const std::string& line) { return line.ends_with("END_STREAM grpc-status=0"); }
  // What has come within a glance at the socket.
  void read_a_little() {
    client->pause_reading(false);
    world.run_for(1ms);
    client->pause_reading(true);
  }
};

// Half a frame of its own has come before the server stopped reading; the rest waits in the network.
TEST_F(Writes, ASlowReaderGetsAll) {
  world.server_options.keepalive.time = 30s;
  h2::ByteVector ping = h2::Peer().ping(7).take();
  const auto half = ping.begin() + 5;
  ask_for_much({ping.begin(), half});
  client->peer.raw(Bytes(ping).subspan(5));
  client->send();
  const Time begin = world.network.now();
  while (client->received_bytes() < 1'200'000 && world.network.now() - begin < 20min) {
    read_a_little();
    world.run_for(6s);
  }
  EXPECT_GT(world.network.now() - begin, 1min);
  client->pause_reading(false);
  const Lines lines = client->exchange(10s);
  EXPECT_EQ(std::ranges::count_if(lines, is_ok), 80);
  EXPECT_THAT(lines, Contains("PING ACK 7"));
  EXPECT_FALSE(client->closed_by_peer());
}

TEST_F(Writes, OneThatTakesNothingIsLost) {
  ask_for_much();
  for (int round = 0; round < 3; ++round) {
    read_a_little();
    world.run_for(6s);
  }
  EXPECT_EQ(world.server().connection_count(), 1u);
  world.run_for(25s);
  EXPECT_EQ(world.server().connection_count(), 0u);
}

// ---- pings

TEST_F(Connections, TheThirdPingTooEarlyEndsTheConnection) {
  world.server_options.pings.min_interval_local = 10s;
  start();
  client->peer.headers(1, kBidi);
  client->exchange();
  client->peer.ping(1).ping(2).ping(3);  // the first one is always right
  EXPECT_EQ(client->exchange().size(), 3u);
  client->peer.ping(4);
  const Lines lines = client->exchange();
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.back(), "GOAWAY 1 ENHANCE_YOUR_CALM too_many_pings");
  EXPECT_TRUE(client->closed_by_peer());
}

TEST_F(Connections, WhatWeSendForgivesAllPingsBefore) {
  world.server_options.pings.min_interval_local = 10s;
  start();
  client->peer.headers(1, kBidi);
  client->exchange();
  for (int round = 0; round < 5; ++round) {
    client->peer.ping(1).ping(2).ping(3);
    EXPECT_EQ(client->exchange().size(), 3u);
    client->peer.data(1, framed("x"));  // echoed: HEADERS and DATA
    EXPECT_GE(client->exchange().size(), 1u);
  }
  EXPECT_FALSE(client->closed_by_peer());
}

// Trailers are HEADERS too.
TEST_F(Connections, TheEndOfACallForgivesPings) {
  world.server_options.pings.min_interval_local = 10s;
  start();
  client->peer.headers(1, kBidi).data(1, framed("x"));
  client->exchange();
  client->peer.ping(1).ping(2).ping(3);
  client->exchange();
  client->peer.data(1, "", kFlagEndStream);
  EXPECT_EQ(client->exchange(), Lines{"HEADERS 1 END_STREAM grpc-status=0"});
  client->peer.ping(1).ping(2).ping(3);
  EXPECT_EQ(client->exchange().size(), 3u);
  EXPECT_FALSE(client->closed_by_peer());
}

TEST_F(Connections, PingsAtTheirIntervalAreWelcome) {
  world.server_options.pings.min_interval_local = 10s;
  start();
  for (int at = 0; at < 20; ++at) {
    client->peer.ping(1);
    EXPECT_EQ(client->exchange(10s + 1ms), Lines{"PING ACK 1"});
  }
  EXPECT_FALSE(client->closed_by_peer());
}

// By default, with a call or without: 5 s where pings cost no network.
TEST_F(Connections, LocalPeersMayPingEveryFiveSeconds) {
  start();
  for (int at = 0; at < 20; ++at) {
    client->peer.ping(1);
    EXPECT_EQ(client->exchange(5s + 1ms), Lines{"PING ACK 1"});
    if (at == 10) client->peer.headers(1, kBidi);
  }
  for (int ping = 0; ping < 4; ++ping) {  // three of them 4.9 s after another
    client->peer.ping(1);
    client->exchange(4900ms);
  }
  EXPECT_TRUE(client->closed_by_peer());
}

TEST_F(Connections, AClientThatIsSilentIsPingedAndThenLost) {
  world.server_options.keepalive = {.time = 60s, .timeout = 5s};
  start();
  EXPECT_EQ(client->exchange(200s), Lines{}) << "no call is open";
  client->peer.headers(1, kBidi);
  client->exchange(50s);
  const Lines ping = client->exchange(11s);
  ASSERT_EQ(ping.size(), 1u);
  EXPECT_TRUE(ping[0].starts_with("PING ")) << ping[0];
  client->exchange(6s);
  EXPECT_TRUE(client->closed_by_peer());
  EXPECT_EQ(world.calls(grpc::StatusCode::kCancelled), 1u);
}

// ---- windows

// The reply of one call waits for a window that never comes: after a minute that call ends, and the one
// that is served goes on. Then nobody is, and the connection ends.
TEST_F(Connections, ACallWhoseReplyIsNotTakenEndsAlone) {
  start();
  client->peer.settings({{h2::SettingId::kInitialWindowSize, 10}});
  client->peer.headers(1, kBidi).data(1, framed(std::string(100, 'x')));
  EXPECT_EQ(client->exchange().back(), "DATA 1 (10 bytes)");
  client->peer.headers(3, kBidi).data(3, framed("hello"));
  EXPECT_EQ(client->exchange(30s).back(), "DATA 3 (10 bytes)");
  client->peer.window_update(3, 1000).data(3, framed("hello"));
  EXPECT_EQ(client->exchange(1s), Lines{"DATA 3 (10 bytes)"});
  EXPECT_EQ(client->exchange(40s), Lines{"RST_STREAM 1 ENHANCE_YOUR_CALM"});
  client->peer.data(3, framed(std::string(2000, 'x')));
  EXPECT_EQ(client->exchange(1s), Lines{"DATA 3 (990 bytes)"});
  const Lines end = client->exchange(70s);
  ASSERT_FALSE(end.empty());
  EXPECT_EQ(end.back(),
            "GOAWAY 3 ENHANCE_YOUR_CALM no flow-control window for queued data in time");
  EXPECT_TRUE(client->closed_by_peer());
}

}  // namespace
}  // namespace saker::rpc

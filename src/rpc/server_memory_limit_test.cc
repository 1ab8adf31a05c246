// What a server whose process is short of memory refuses, what goes on, and whom it closes.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "saker/rpc/raw_peers_testing.h"

namespace saker::rpc {
namespace {

using grpc::Status;
using h2::ErrorCode;
using h2::Fields;
using h2::kFlagEndStream;
using h2::Lines;

constexpr uint64_t kMax = 256 << 20;
constexpr const char* kRefusal =
    "END_STREAM :status=200 content-type=application/grpc grpc-status=8 "
    "grpc-message=the server is short of memory: 240 of 256 MiB";

bool has(const Lines& lines, std::string_view part) {
  return std::ranges::any_of(lines, [&](const std::string& line) { return line.contains(part); });
}

class ShortOfMemory : public testing::Test {
 protected:
  ShortOfMemory() {
    world.dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Unary", [this](ServerContext&, RawMessage& request, RawMessage& reply) {
          ++served;
          reply.bytes = request.bytes;
          return Status{};
        });
    world.dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", echo_stream);
    world.start();
    client.emplace(world);
  }
  RawEnd& ask(h2::StreamId id, std::string_view path, bool ends = true) {
    const Fields head = {{":method", "POST"},
                         {":scheme", "http"},
                         {":path", path},
                         {"te", "trailers"},
                         {"content-type", "application/grpc"}};
    client->peer.headers(id, head).data(id, framed("ping"), ends ? kFlagEndStream : 0);
    return *client;
  }
  void use(uint64_t sixteenths) { world.memory.update(kMax / 16 * sixteenths); }

  SimWorld world;
  std::optional<RawClient> client;
  int served = 0;
};

TEST_F(ShortOfMemory, BelowTheEdgeCallsAreServed) {
  world.memory.update(kMax / 16 * 15 - 1);
  EXPECT_TRUE(has(ask(1, "/t.T/Unary").exchange(), "grpc-status=0"));
}

TEST_F(ShortOfMemory, AtTheEdgeNewCallsAreRefused) {
  use(15);
  const Lines lines = ask(1, "/t.T/Unary").exchange();
  EXPECT_TRUE(has(lines, kRefusal)) << testing::PrintToString(lines);
  EXPECT_EQ(served, 0);
  EXPECT_EQ(world.server().counters().calls_refused, 1u);
  EXPECT_EQ(world.server().counters().calls_open, 0u);
}

TEST_F(ShortOfMemory, AHeadThatIsKnownIsRefusedToo) {
  for (h2::StreamId id = 1; id < 9; id += 2) ask(id, "/t.T/Unary").exchange();
  use(15);
  EXPECT_TRUE(has(ask(9, "/t.T/Unary").exchange(), kRefusal));
  EXPECT_EQ(served, 4);
}

TEST_F(ShortOfMemory, ARefusedCallThatGoesOnIsCutShort) {
  use(15);
  const Lines lines = ask(1, "/t.T/Bidi", false).exchange();
  EXPECT_TRUE(has(lines, kRefusal));
  EXPECT_TRUE(has(lines, "RST_STREAM 1 NO_ERROR")) << testing::PrintToString(lines);
}

TEST_F(ShortOfMemory, CallsUnderWayGoOn) {
  EXPECT_TRUE(has(ask(1, "/t.T/Bidi", false).exchange(), "DATA 1"));
  use(15);
  client->peer.data(1, framed("more"));
  EXPECT_TRUE(has(client->exchange(), "DATA 1"));
  client->peer.data(1, "", kFlagEndStream);
  EXPECT_TRUE(has(client->exchange(), "grpc-status=0"));
}

TEST_F(ShortOfMemory, AllIsWellAgain) {
  use(15);
  ask(1, "/t.T/Unary").exchange();
  use(12);
  EXPECT_TRUE(has(ask(3, "/t.T/Unary").exchange(), "grpc-status=0"));
}

TEST_F(ShortOfMemory, TheConnectionThatHoldsMostMakesRoom) {
  ask(1, "/t.T/Bidi", false).exchange();
  RawClient attacker(world);
  const Fields head = {{":method", "POST"},
                       {":scheme", "http"},
                       {":path", "/t.T/Unary"},
                       {"te", "trailers"},
                       {"content-type", "application/grpc"}};
  const std::string unfinished = framed(std::string(1 << 20, 'x')).substr(0, 16384);
  for (h2::StreamId id = 1; id < 11; id += 2) {
    attacker.peer.headers(id, head).data(id, unfinished);
    attacker.exchange();
  }
  world.server().make_room(1);
  EXPECT_TRUE(has(attacker.exchange(2s), "ENHANCE_YOUR_CALM"));
  EXPECT_TRUE(attacker.closed_by_peer());
  EXPECT_EQ(world.server().counters().connections_shed, 1u);
  client->peer.data(1, framed("still there?"));
  EXPECT_TRUE(has(client->exchange(), "DATA 1"));
}

TEST_F(ShortOfMemory, ConnectionsThatHoldLittleStay) {
  ask(1, "/t.T/Bidi", false).exchange();
  world.server().make_room(UINT64_MAX);
  client->peer.data(1, framed("still there?"));
  EXPECT_TRUE(has(client->exchange(), "DATA 1"));
  EXPECT_EQ(world.server().counters().connections_shed, 0u);
}

}  // namespace
}  // namespace saker::rpc

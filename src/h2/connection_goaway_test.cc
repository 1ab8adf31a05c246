// GOAWAY, drain, PING, and what else concerns the connection as a whole (RFC 9113
// sections 6.5, 6.7, 6.8, 5.5).
#include <gtest/gtest.h>

#include "saker/h2/h2_testing.h"

namespace saker::h2 {
namespace {

using std::chrono::seconds;
constexpr uint8_t kEnd = kFlagEndStream;
constexpr uint64_t kDrainPing = 0x73616b65'72646e21;
const std::string kDrainPingText = std::to_string(kDrainPing);

TEST(Ping, IsAnswered) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.ping(42));
  EXPECT_EQ(server.sent(), (Lines{"PING ACK 42"}));
  EXPECT_EQ(server.heard(), (Lines{"ping 42"}));
  server->send_ping(7);
  EXPECT_EQ(server.sent(), (Lines{"PING 7"}));
  server.recv(peer.ping(7, true));
  EXPECT_EQ(server.heard(), (Lines{"ping_ack 7"}));
}

TEST(Ping, AnswersToNothingAreGlitches) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  EXPECT_TRUE(server.recv(peer.ping(7, true).ping(kDrainPing, true)));
  EXPECT_EQ(server.heard(), Lines{});
  EXPECT_EQ(server.sent(), Lines{});
  EXPECT_EQ(server->counters().glitches, 2u);
  EXPECT_FALSE(server->draining());
}

TEST(UnknownFrames, AreIgnored) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  for (const int type : {0x0a, 0x0c, 0x10, 0xff}) {
    peer.frame(static_cast<FrameType>(type), 0xff, 0, as_bytes("anything"));
    peer.frame(static_cast<FrameType>(type), 0, 77, {});
  }
  EXPECT_TRUE(server.recv(peer));
  EXPECT_EQ(server.heard(), Lines{});
  EXPECT_EQ(server.sent(), Lines{});
  EXPECT_TRUE(server.recv(peer.headers(1, kRequest)));
}

TEST(Settings, ChangesAreAnsweredEachAndSmallerTablesUsed) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest, kEnd).headers(3, kRequest, kEnd));
  server.send_headers(1, {{":status", "200"}, {"content-type", "application/grpc"}}, true);
  server.sent();
  server.reader.decoder().set_max_table_bytes(0);
  server.recv(peer.settings({{SettingId::kHeaderTableSize, 0}}));
  server.send_headers(3, {{":status", "200"}, {"content-type", "application/grpc"}}, true);
  EXPECT_EQ(
      server.sent(),
      (Lines{"SETTINGS ACK", "HEADERS 3 END_STREAM :status=200 content-type=application/grpc"}));
  EXPECT_EQ(server.reader.decoder().table_bytes(), 0u);
}

// A table smaller than the RFC's 4096 binds the peer from its acknowledgement
// on (RFC 7541 section 4.2).
TEST(Settings, OurSmallerTableIsEnforcedOnceAcknowledged) {
  Endpoint server(Role::kServer, {.header_table_bytes = 0});
  Peer peer;
  EXPECT_TRUE(server.recv(peer.preface().settings().headers(1, kRequest)));
  peer.settings_ack();
  peer.encoder().set_peer_max_table_bytes(0);
  EXPECT_TRUE(server.recv(peer.headers(3, kRequest)));
  EXPECT_EQ(server.heard().back(), "request 3" + kRequestText);

  Endpoint strict(Role::kServer, {.header_table_bytes = 0});
  Peer stubborn;
  EXPECT_FALSE(strict.recv(stubborn.preface().settings().settings_ack().headers(1, kRequest)));
  EXPECT_EQ(strict->error().code, ErrorCode::kCompressionError);
}

TEST(Goaway, RefusesTheClientsStreamsAboveItsLastId) {
  Endpoint client(Role::kClient);
  Peer peer;
  client.settle(peer);
  for (int i = 0; i < 3; ++i) client.open(kRequest, true);
  client.recv(peer.goaway(3, ErrorCode::kNoError, "bye"));
  EXPECT_EQ(client.heard(), (Lines{"goaway 3 NO_ERROR bye", "closed 5 refused"}));
  EXPECT_TRUE(client->draining());
  EXPECT_EQ(client.open(), nullptr);
  client.recv(peer.headers(1, kResponse, kEnd).headers(3, kResponse, kEnd));
  EXPECT_EQ(client.heard().back(), "closed 3 completed");
  EXPECT_TRUE(client->alive());
}

TEST(Goaway, MayComeTwiceWithALowerId) {
  Endpoint client(Role::kClient);
  Peer peer;
  client.settle(peer);
  for (int i = 0; i < 3; ++i) client.open(kRequest, true);
  client.sent();
  client.recv(peer.goaway(kMaxStreamId, ErrorCode::kNoError));
  EXPECT_EQ(client.heard(), (Lines{"goaway 2147483647 NO_ERROR "}));
  client.recv(peer.goaway(0, ErrorCode::kEnhanceYourCalm, "too_many_pings"));
  EXPECT_EQ(
      client.heard(),
      (Lines{"goaway 0 ENHANCE_YOUR_CALM too_many_pings", "closed 1 refused ENHANCE_YOUR_CALM",
             "closed 3 refused ENHANCE_YOUR_CALM", "closed 5 refused ENHANCE_YOUR_CALM"}));
  EXPECT_FALSE(client.recv(peer.goaway(1, ErrorCode::kNoError)));
  EXPECT_EQ(client.sent(), (Lines{"GOAWAY 0 PROTOCOL_ERROR GOAWAY raised its last stream id"}));
}

TEST(Goaway, MoreThanADrainTakesAreGlitches) {
  for (const Role role : {Role::kClient, Role::kServer}) {
    Endpoint endpoint(role, {.glitch_burst = 10, .glitch_per_second = 1});
    Peer peer;
    endpoint.settle(peer);
    for (int at = 0; at < 12; ++at) peer.goaway(0, ErrorCode::kNoError);
    EXPECT_TRUE(endpoint.recv(peer));
    EXPECT_EQ(endpoint->counters().glitches, 10u);
    EXPECT_EQ(endpoint.heard().size(), 12u);
    EXPECT_FALSE(endpoint.recv(peer.goaway(0, ErrorCode::kNoError)));
    EXPECT_EQ(endpoint.heard().size(), 0u);
    EXPECT_EQ(endpoint.sent(), (Lines{"GOAWAY 0 ENHANCE_YOUR_CALM too many GOAWAY frames"}));
  }
}

TEST(Goaway, OfAClientLeavesItsStreamsAlone) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest, kEnd).goaway(0, ErrorCode::kNoError));
  server.send_headers(1, kTrailers, true);
  EXPECT_EQ(server.heard().back(), "closed 1 completed");
}

TEST(Drain, BeforeStreamNumbersRunOut) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  constexpr StreamId kFirst = kMaxStreamId - (1 << 17);
  server.recv(peer.headers(kFirst - 2, kRequest, kFlagEndStream));
  EXPECT_EQ(server.sent(), Lines{});
  server.recv(peer.headers(kFirst, kRequest, kFlagEndStream));
  const Lines sent = server.sent();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0], "GOAWAY 2147483647 NO_ERROR stream ids run out");
  server.recv(peer.headers(kMaxStreamId, kRequest, kFlagEndStream));
  EXPECT_EQ(server->open_streams(), 3u);
}

TEST(Drain, InTwoSteps) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest, kEnd));
  server->start_drain(server.now);
  server->start_drain(server.now);
  EXPECT_EQ(server.sent(),
            (Lines{"GOAWAY 2147483647 NO_ERROR draining", "PING " + kDrainPingText}));
  EXPECT_FALSE(server->draining());
  server.recv(peer.headers(3, kRequest, kEnd));  // crossed the GOAWAY: served
  server.heard();
  server.recv(peer.ping(kDrainPing, true));
  EXPECT_EQ(server.sent(), (Lines{"GOAWAY 3 NO_ERROR draining"}));
  EXPECT_TRUE(server->draining());
  EXPECT_EQ(server->poll_timeout(), kNever);
  server.send_headers(1, kTrailers, true);
  server.send_headers(3, kTrailers, true);
  EXPECT_EQ(server.heard(), (Lines{"closed 1 completed", "closed 3 completed"}));
  EXPECT_EQ(server->open_streams(), 0u);
}

TEST(Drain, DoesNotWaitForeverForThePing) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest));
  server->start_drain(server.now);
  server.take();
  EXPECT_EQ(server->poll_timeout(), server.now + seconds(5));
  server->handle_timeout(server.now + seconds(5));
  EXPECT_EQ(server.sent(), (Lines{"GOAWAY 1 NO_ERROR draining"}));
  EXPECT_TRUE(server.recv(peer.ping(kDrainPing, true)));
  EXPECT_EQ(server.sent(), Lines{});
}

// Nothing is lost but what crosses the GOAWAY, and that its client may send elsewhere.
TEST(Drain, WaitsLessWhereNoStreamIsOpen) {
  for (const seconds longest : {seconds(5), seconds(0)}) {
    const seconds wait = std::min(longest, seconds(1));
    Endpoint server(Role::kServer, {.drain_ping_timeout = longest});
    Peer peer;
    server.settle(peer);
    server->start_drain(server.now);
    server.take();
    EXPECT_EQ(server->poll_timeout(), server.now + wait);
    server->handle_timeout(server.now + wait);
    EXPECT_EQ(server.sent(), (Lines{"GOAWAY 0 NO_ERROR draining"}));
  }
}

// Streams above the last id are ignored with all that belongs to them;
// HPACK and flow control go on.
TEST(Drain, StreamsAfterTheFinalGoawayAreIgnored) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest));
  server->start_drain(server.now);
  server.recv(peer.ping(kDrainPing, true));
  server.take();
  server.heard();
  peer.headers(3, {{":method", "POST"}, {":scheme", "http"}, {":path", "/a/new/path"}});
  peer.data(3, "payload").window_update(3, 5).headers(3, kTrailers, kEnd).headers(5, kRequest);
  EXPECT_TRUE(server.recv(peer.rst_stream(5, ErrorCode::kCancel))) << server->error().why;
  EXPECT_EQ(server.heard(), Lines{});
  EXPECT_EQ(server.sent(), Lines{});
  const ReceiveWindow& window = server->receive_window();
  EXPECT_EQ(window.available() + window.unannounced(), 1u << 20);
  EXPECT_TRUE(server.recv(peer.headers(1, {{"x", "/a/new/path"}}, kEnd)));
  EXPECT_EQ(server.heard(), (Lines{"trailers 1 END x=/a/new/path"}));
  // A later GOAWAY never names a higher id (section 6.8).
  server->shut_down(ErrorCode::kNoError, "enough");
  EXPECT_EQ(server.sent(), (Lines{"GOAWAY 1 NO_ERROR enough"}));
}

TEST(Drain, OfAClientOpensNoMoreStreams) {
  Endpoint client(Role::kClient);
  Peer peer;
  client.settle(peer);
  client.open(kRequest, true);
  client.take();
  client->start_drain(client.now);
  EXPECT_EQ(client.sent(), Lines{});
  EXPECT_EQ(client.open(), nullptr);
  client.recv(peer.headers(1, kResponse, kEnd));
  EXPECT_EQ(client.heard().back(), "closed 1 completed");
}

TEST(ShutDown, ClosesEverythingAndReadsNoMore) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest).headers(3, kRequest));
  server.heard();
  server->shut_down(ErrorCode::kInternalError, "our mistake");
  server->shut_down(ErrorCode::kNoError, "again");
  server->start_drain(server.now);
  server->send_ping(1);
  EXPECT_EQ(server.heard(), (Lines{"closed 1 connection_lost INTERNAL_ERROR",
                                   "closed 3 connection_lost INTERNAL_ERROR"}));
  EXPECT_EQ(server.sent(), (Lines{"GOAWAY 3 INTERNAL_ERROR our mistake"}));
  EXPECT_FALSE(server.recv(peer.headers(5, kRequest).ping(1)));
  EXPECT_EQ(server.heard(), Lines{});
  EXPECT_EQ(server.sent(), Lines{});
  EXPECT_EQ(server->poll_timeout(), kNever);
}

}  // namespace
}  // namespace saker::h2

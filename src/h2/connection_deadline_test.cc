// Connection's deadlines: poll_timeout() says when, handle_timeout() acts then and not before.
#include <gtest/gtest.h>

#include <cstring>

#include "saker/h2/h2_testing.h"

namespace saker::h2 {
namespace {

using std::chrono::seconds;
constexpr uint8_t kEnd = kFlagEndStream;
constexpr Duration kJustBefore = -std::chrono::nanoseconds(1);

// At `due`, and not a nanosecond earlier, the connection ends as `goaway` says.
void expect_deadline(Endpoint& endpoint, Time due, const std::string& goaway) {
  EXPECT_EQ(endpoint->poll_timeout(), due);
  endpoint.sent();
  endpoint->handle_timeout(due + kJustBefore);
  EXPECT_TRUE(endpoint->alive());
  EXPECT_EQ(endpoint.sent(), Lines{});
  endpoint->handle_timeout(due);
  EXPECT_FALSE(endpoint->alive());
  EXPECT_EQ(endpoint.sent(), (Lines{"GOAWAY " + goaway}));
  EXPECT_EQ(endpoint->poll_timeout(), kNever);
}

TEST(Deadlines, PrefaceAndFirstSettings) {
  const std::string kLate = "0 SETTINGS_TIMEOUT no preface and SETTINGS in time";
  Endpoint silent(Role::kServer);
  expect_deadline(silent, kStart + seconds(10), kLate);
  Endpoint slow(Role::kServer);
  slow.recv(as_bytes(kClientPreface.substr(0, 10)));
  expect_deadline(slow, kStart + seconds(10), kLate);
  Endpoint client(Role::kClient);
  expect_deadline(client, kStart + seconds(10), kLate);
}

TEST(Deadlines, FirstSettingsBehindThePreface) {
  const std::string kLate = "0 SETTINGS_TIMEOUT no preface and SETTINGS in time";
  Endpoint prompt(Role::kServer);
  prompt.now += seconds(1);
  prompt.recv(as_bytes(kClientPreface));
  expect_deadline(prompt, kStart + seconds(3), kLate);
  Endpoint late(Role::kServer);  // no time beyond the preface's
  late.now += seconds(9);
  late.recv(as_bytes(kClientPreface));
  expect_deadline(late, kStart + seconds(10), kLate);
  Endpoint cut(Role::kServer);  // SETTINGS of which the last byte never comes
  Peer peer;
  ByteVector bytes = peer.preface().settings().take();
  bytes.pop_back();
  cut.recv(bytes);
  expect_deadline(cut, kStart + seconds(2), kLate);
}

TEST(Deadlines, SettingsAck) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.recv(peer.preface().settings());
  expect_deadline(server, kStart + seconds(30),
                  "0 SETTINGS_TIMEOUT SETTINGS not acknowledged in time");
}

TEST(Deadlines, MayBeSwitchedOff) {
  Endpoint server(Role::kServer, {.max_concurrent_streams = 7,
                                  .preface_timeout = Duration::max(),
                                  .settings_ack_timeout = Duration::max()});
  EXPECT_EQ(server->poll_timeout(), kNever);
  Peer peer;
  EXPECT_TRUE(server.recv(peer.preface().settings().settings_ack()));
  EXPECT_EQ(server->counters().glitches, 0u);
}

TEST(Deadlines, HeaderBlock) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.now += seconds(100);
  server.recv(peer.frame(FrameType::kHeaders, 0, 1, peer.block(kRequest)));
  server.now += seconds(9);
  server.recv(peer.frame(FrameType::kContinuation, 0, 1, {}));  // gains no time
  expect_deadline(server, kStart + seconds(110),
                  "0 ENHANCE_YOUR_CALM header block not finished in time");
}

// Any frame but DATA has to be whole in time, whichever of its bytes is missing.
TEST(Deadlines, FrameThatLacksItsLastByte) {
  for (const FrameType type : {FrameType::kHeaders, FrameType::kPing, FrameType::kData}) {
    Endpoint server(Role::kServer);
    Peer client;
    server.settle(client);
    server.now += seconds(100);
    if (type == FrameType::kHeaders) client.headers(1, kRequest, kEnd);
    if (type == FrameType::kPing) client.ping(1);
    ByteVector bytes = client.take();
    bytes.resize(type == FrameType::kData ? kFrameHeaderBytes - 1 : bytes.size() - 1);
    server.recv(Bytes(bytes).first(1));
    server.now += seconds(9);
    server.recv(Bytes(bytes).subspan(1));  // gains no time
    expect_deadline(server, kStart + seconds(110),
                    "0 ENHANCE_YOUR_CALM frame not finished in time");
  }
}

TEST(Deadlines, NoneWhenTheFrameIsWhole) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  const ByteVector bytes = peer.headers(1, kRequest).data(1, "hello").ping(1).take();
  for (const uint8_t& byte : bytes) server.recv({&byte, 1});
  EXPECT_EQ(server->poll_timeout(), kNever);
  EXPECT_EQ(server.heard().back(), "ping 1");
}

// A server with a response of 10 bytes on stream 1 for a window of 4.
struct Stalled {
  Stalled() : server(Role::kServer) {
    server.settle(peer, {{SettingId::kInitialWindowSize, 4}});
    server.recv(peer.headers(1, kRequest, kEnd).headers(3, kRequest, kEnd));
    server.send_headers(1, kResponse);
    server.send_data(1, "0123456789", true);
    server.write();
    server.heard();
  }
  Endpoint server;
  Peer peer;
  const std::string kStalledText =
      "3 ENHANCE_YOUR_CALM no flow-control window for queued data in time";
};

TEST(Deadlines, NoProgress) {
  Stalled at;
  at.server.now += seconds(30);
  at.server.take();  // looking does not help
  expect_deadline(at.server, kStart + seconds(60), at.kStalledText);
}

TEST(Deadlines, ProgressOfAnyKindGainsTime) {
  Stalled at;
  at.server.now += seconds(50);
  at.server.recv(at.peer.window_update(1, 1));
  at.server.write();
  expect_deadline(at.server, kStart + seconds(110), at.kStalledText);
}

// Whoever has not listened for 70 s cannot say that the other was silent.
TEST(Deadlines, StandStillWhileInputIsPaused) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.frame(FrameType::kHeaders, 0, 1, peer.block(kRequest)));
  server.now += seconds(4);
  server->pause_input(server.now);
  EXPECT_EQ(server->poll_timeout(), kNever);
  server.now += seconds(70);
  server->handle_timeout(server.now);
  EXPECT_TRUE(server->alive());
  server->resume_input(server.now);
  expect_deadline(server, kStart + seconds(80),
                  "0 ENHANCE_YOUR_CALM header block not finished in time");
}

TEST(Deadlines, OfWindowsStandStillToo) {
  Stalled at;
  at.server.now += seconds(30);
  at.server->pause_input(at.server.now);
  at.server.now += seconds(70);
  at.server->resume_input(at.server.now);
  at.server.write();  // reckons anew
  expect_deadline(at.server, kStart + seconds(130), at.kStalledText);
}

TEST(Deadlines, OfADrainDoNot) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest));
  server->start_drain(server.now);
  server.sent();
  server->pause_input(server.now);
  const Time due = server->poll_timeout();
  EXPECT_LT(due, kNever);
  server->handle_timeout(due);
  EXPECT_EQ(server.sent(), (Lines{"GOAWAY 1 NO_ERROR draining"}));
}

TEST(Deadlines, NoneWhileTheTransportIsWhatIsSlow) {
  Endpoint server(Role::kServer, {.output_cap_bytes = 40'000});
  Peer peer;
  server.settle(peer, {{SettingId::kInitialWindowSize, 1 << 24}});
  server.recv(peer.headers(1, kRequest, kEnd));
  server.send_headers(1, kResponse);
  server.send_data(1, std::string(70'000, 'x'), true);
  server.take();  // a part; the connection's window has room for more
  EXPECT_EQ(server->poll_timeout(), kNever);
  server.now += seconds(1000);
  server->handle_timeout(server.now);
  EXPECT_FALSE(server.take().empty());
  server.take();  // what was taken before is written; the connection's window is used up
  EXPECT_EQ(server->poll_timeout(), server.now + seconds(60));
  EXPECT_TRUE(server->alive());
}

TEST(Deadlines, NoneWhenAllIsSent) {
  Stalled at;
  at.server.recv(at.peer.window_update(1, 100));
  at.server.take();
  EXPECT_EQ(at.server->poll_timeout(), kNever);
}

TEST(Deadlines, NoneWhenTheStalledStreamIsGone) {
  Stalled reset_by_peer;
  reset_by_peer.server.recv(reset_by_peer.peer.rst_stream(1, ErrorCode::kCancel));
  EXPECT_EQ(reset_by_peer.server->poll_timeout(), kNever);
  Stalled reset_by_us;
  reset_by_us.server->reset(reset_by_us.server.stream(1), ErrorCode::kCancel);
  EXPECT_EQ(reset_by_us.server->poll_timeout(), kNever);
}

// After a silence the minute begins with what is sent, not with what was last heard.
TEST(Deadlines, NoProgressCountsFromTheSending) {
  Stalled at;
  at.server.recv(at.peer.rst_stream(1, ErrorCode::kCancel));
  at.server.now += seconds(100);
  at.server.send_headers(3, kResponse);
  at.server.send_data(3, "0123456789", true);
  at.server.write();
  expect_deadline(at.server, kStart + seconds(160), at.kStalledText);
}

TEST(Deadlines, AClientThatSendsAfterASilenceHasItsMinute) {
  Endpoint client(Role::kClient);
  Peer peer;
  client.settle(peer, {{SettingId::kInitialWindowSize, 4}});
  client.now += seconds(100);
  client.open();
  client.send_data(1, "0123456789", true);
  client.write();
  expect_deadline(client, kStart + seconds(160),
                  "0 ENHANCE_YOUR_CALM no flow-control window for queued data in time");
}

// Late for one stream is not late for the next.
TEST(Deadlines, EachStallHasItsOwnMinute) {
  Stalled at;
  at.server.recv(at.peer.settings({{SettingId::kInitialWindowSize, 0}}));
  at.server.take();
  at.server.now += seconds(40);
  at.server.recv(at.peer.rst_stream(1, ErrorCode::kCancel));
  at.server.send_headers(3, kResponse);
  at.server.send_data(3, "0123456789", true);
  at.server.write();
  expect_deadline(at.server, kStart + seconds(100), at.kStalledText);
}

// The rest of the connection is served meanwhile: only the call whose client does not take it ends.
TEST(Deadlines, AStalledStreamEndsAloneWhereOthersAreServed) {
  Stalled at;
  at.server.now += seconds(30);
  at.server.send_headers(3, kResponse);
  std::memcpy(at.server->try_begin_data(at.server.stream(3), 3, false), "abc", 3);
  at.server.write();
  EXPECT_EQ(at.server->poll_timeout(), kStart + seconds(60));
  at.server->handle_timeout(kStart + seconds(60));
  EXPECT_EQ(at.server.sent(), (Lines{"RST_STREAM 1 ENHANCE_YOUR_CALM"}));
  EXPECT_EQ(at.server.heard(), (Lines{"closed 1 reset_by_us ENHANCE_YOUR_CALM"}));
  EXPECT_TRUE(at.server->alive());
  EXPECT_EQ(at.server->poll_timeout(), kNever);
}

// Each after its own minute; the last one has seen no DATA go out since it stalled.
TEST(Deadlines, StalledStreamsEndOneAfterTheOther) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer, {{SettingId::kInitialWindowSize, 4}});
  for (StreamId id = 1; id <= 5; id += 2) {
    server.recv(peer.headers(id, kRequest, kEnd));
    server.send_headers(id, kResponse);
    server.send_data(id, "0123456789", true);
    server.write();
    server.now += seconds(10);
  }
  server.heard();
  for (const int at : {60, 70}) {
    EXPECT_EQ(server->poll_timeout(), kStart + seconds(at));
    server->handle_timeout(kStart + seconds(at));
    EXPECT_TRUE(server->alive());
    server.now = kStart + seconds(at);
    server.write();
  }
  EXPECT_EQ(server.heard(), (Lines{"closed 1 reset_by_us ENHANCE_YOUR_CALM",
                                   "closed 3 reset_by_us ENHANCE_YOUR_CALM"}));
  expect_deadline(server, kStart + seconds(80),
                  "5 ENHANCE_YOUR_CALM no flow-control window for queued data in time");
}

TEST(Deadlines, TooManyStalledStreamsEndTheConnection) {
  constexpr StreamId kStreams = 150;
  Endpoint server(Role::kServer, {.max_concurrent_streams = kStreams, .reset_per_second = 1});
  Peer peer;
  server.settle(peer, {{SettingId::kInitialWindowSize, 4}});
  const auto serve = [&](StreamId id, std::string_view reply) {
    server.recv(peer.headers(id, kRequest, kEnd));
    server.send_headers(id, kResponse);
    server.send_data(id, reply, true);
    server.write();
  };
  StreamId id = 1;
  for (const bool survives : {true, false}) {
    for (StreamId i = 0; i < kStreams; ++i, id += 2) serve(id, "0123456789");
    server.now += seconds(1);
    server->reset(server.stream(id - 2), ErrorCode::kCancel);
    serve(id, "ok");
    id += 2;
    server.now += seconds(59);
    server->handle_timeout(server.now);
    EXPECT_EQ(server->alive(), survives);
    server.write();
  }
}

// The connection's own window: nobody can send.
TEST(Deadlines, AConnectionWithoutWindowEnds) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer, {{SettingId::kInitialWindowSize, 100'000}});
  server.recv(peer.headers(1, kRequest, kEnd));
  server.send_headers(1, kResponse);
  server.send_data(1, std::string(70'000, 'x'), true);
  server.write();
  server.now += seconds(50);
  server.recv(peer.window_update(0, 1));
  server.write();
  expect_deadline(server, kStart + seconds(110),
                  "1 ENHANCE_YOUR_CALM no flow-control window for queued data in time");
}

// How fast the peer takes bytes is another limit's business: its minute for a window begins when it
// has got what was sent.
TEST(Deadlines, NoneWhileOutputIsBeingWritten) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer, {{SettingId::kInitialWindowSize, 4}});
  server.recv(peer.headers(1, kRequest, kEnd));
  server.send_headers(1, kResponse);
  server.send_data(1, "0123456789", true);
  server.take();
  EXPECT_EQ(server->poll_timeout(), kNever);
  EXPECT_TRUE(server->wants_write());
  server.now += seconds(100);
  server.take();
  EXPECT_FALSE(server->wants_write());
  expect_deadline(server, kStart + seconds(160),
                  "1 ENHANCE_YOUR_CALM no flow-control window for queued data in time");
}

// Windows that open and shut again let nothing out.
TEST(Deadlines, SettingsWithoutProgressGainNoTime) {
  Stalled at;
  at.server.now += seconds(30);
  for (const uint32_t window : {100u, 4u}) {
    at.peer.settings({{SettingId::kInitialWindowSize, window}});
  }
  at.server.recv(at.peer);
  at.server.write();
  at.server.heard();
  expect_deadline(at.server, kStart + seconds(60), at.kStalledText);
}

TEST(Deadlines, NoProgressMayBeSwitchedOff) {
  Endpoint server(Role::kServer, {.no_progress_timeout = Duration::max()});
  Peer peer;
  server.settle(peer, {{SettingId::kInitialWindowSize, 4}});
  server.recv(peer.headers(1, kRequest, kEnd));
  server.send_headers(1, kResponse);
  server.send_data(1, "0123456789", true);
  server.write();
  EXPECT_EQ(server->poll_timeout(), kNever);
}

}  // namespace
}  // namespace saker::h2

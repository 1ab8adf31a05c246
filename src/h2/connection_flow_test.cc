// Flow control (RFC 9113 section 5.2, 6.9): both directions, streams and connection,
// and fairness between streams.
#include <gtest/gtest.h>

#include <algorithm>

#include "saker/h2/h2_testing.h"

namespace saker::h2 {
namespace {

using std::chrono::milliseconds;
constexpr uint8_t kEnd = kFlagEndStream;

// A server with streams 1, 3, … open whose requests have ended and whose response heads are sent.
struct Serving {
  explicit Serving(int streams, std::initializer_list<std::pair<SettingId, uint32_t>> settings = {},
                   const ConnectionOptions& options = {})
      : server(Role::kServer, options) {
    server.settle(peer, settings);
    for (int i = 0; i < streams; ++i) {
      const auto id = static_cast<StreamId>(2 * i + 1);
      server.recv(peer.headers(id, kRequest, kEnd));
      server.send_headers(id, kResponse);
    }
    server.sent();
    server.heard();
  }
  Endpoint server;
  Peer peer;
};

std::string bytes(size_t count) {
  return std::string(count, 'x');
}

TEST(SendFlow, AWindowOfZeroHoldsDataBackButNotItsEnd) {
  Serving at(2, {{SettingId::kInitialWindowSize, 0}});
  EXPECT_EQ(at.server->try_begin_data(at.server.stream(1), 1, false), nullptr);
  at.server.send_data(1, "abc", true);
  EXPECT_FALSE(at.server->wants_write());
  EXPECT_EQ(at.server.sent(), Lines{});
  at.server.send_data(3, "", true);  // empty DATA needs no window
  EXPECT_EQ(at.server.sent(), (Lines{"DATA 3 END_STREAM"}));
  at.server.recv(at.peer.window_update(1, 1));
  EXPECT_EQ(at.server.sent(), (Lines{"DATA 1 a"}));
  at.server.recv(at.peer.window_update(1, 100));
  EXPECT_EQ(at.server.sent(), (Lines{"DATA 1 END_STREAM bc"}));
  EXPECT_EQ(at.server.heard(), (Lines{"closed 3 completed", "closed 1 completed"}));
}

TEST(SendFlow, DrainedIsToldOnceEverythingIsOut) {
  Serving at(1, {{SettingId::kInitialWindowSize, 3}});
  at.server.send_data(1, "abc");
  at.server.send_data(1, "def");
  EXPECT_EQ(at.server.sent(), (Lines{"DATA 1 abc"}));
  EXPECT_EQ(at.server.heard(), Lines{});
  at.server.recv(at.peer.window_update(1, 3));
  EXPECT_EQ(at.server.sent(), (Lines{"DATA 1 def"}));
  EXPECT_EQ(at.server.heard(), (Lines{"drained 1"}));
  at.server.send_data(1, "", true);
  EXPECT_EQ(at.server.sent(), (Lines{"DATA 1 END_STREAM"}));
}

TEST(SendFlow, SettingsMakeWindowsNegative) {
  Serving at(2, {{SettingId::kInitialWindowSize, 10}});
  at.server.send_data(1, "0123456789abcdef");
  EXPECT_EQ(at.server.sent(), (Lines{"DATA 1 0123456789"}));
  at.server.recv(at.peer.settings({{SettingId::kInitialWindowSize, 4}}));
  EXPECT_EQ(at.server.stream(1).send_window.value(), -6);
  EXPECT_EQ(at.server.stream(3).send_window.value(), 4);
  at.server.recv(at.peer.window_update(1, 6));
  EXPECT_EQ(at.server.sent(), (Lines{"SETTINGS ACK"}));
  at.server.recv(at.peer.window_update(1, 1));
  EXPECT_EQ(at.server.sent(), (Lines{"DATA 1 a"}));
  at.server.recv(at.peer.settings({{SettingId::kInitialWindowSize, 7}}));
  EXPECT_EQ(at.server.sent(), (Lines{"SETTINGS ACK", "DATA 1 bcd"}));
}

// The stream stands in the round robin when its window goes:
// nothing may be sent, not even an empty frame.
TEST(SendFlow, SettingsTakeTheWindowFromAStreamThatIsReady) {
  Serving at(2, {{SettingId::kInitialWindowSize, 10}});
  at.server.send_data(1, "abc");
  at.server.send_data(3, "def");
  at.server.recv(at.peer.settings({{SettingId::kInitialWindowSize, 0}}));
  EXPECT_EQ(at.server.sent(), (Lines{"SETTINGS ACK"}));
  at.server.recv(at.peer.window_update(3, 3).window_update(1, 3));
  EXPECT_EQ(at.server.sent(), (Lines{"DATA 3 def", "DATA 1 abc"}));
}

TEST(SendFlow, TheConnectionWindowIsShared) {
  Serving at(3);
  at.server.send_data(1, bytes(65535 - 10));
  at.server.take();
  at.server.send_data(3, bytes(20));
  EXPECT_EQ(at.server.sent(), (Lines{"DATA 3 xxxxxxxxxx"}));
  EXPECT_EQ(at.server->try_begin_data(at.server.stream(5), 1, false), nullptr);
  at.server.send_data(5, "abc");
  EXPECT_EQ(at.server.sent(), Lines{});
  EXPECT_FALSE(at.server->wants_write());
  at.server.recv(at.peer.window_update(5, 1000));
  EXPECT_EQ(at.server.sent(), Lines{});
  at.server.recv(at.peer.window_update(0, 12));
  EXPECT_TRUE(at.server->wants_write());
  EXPECT_EQ(at.server.sent(), (Lines{"DATA 3 xxxxxxxxxx", "DATA 5 ab"}));
}

TEST(SendFlow, LargeStreamsTakeTurns) {
  Serving at(3, {{SettingId::kInitialWindowSize, 1 << 20}});
  at.server.recv(at.peer.window_update(0, 1 << 24));
  for (const StreamId id : {1, 3, 5}) at.server.send_data(id, bytes(40000), true);
  EXPECT_EQ(at.server.sent(),
            (Lines{"DATA 1 (16384 bytes)", "DATA 3 (16384 bytes)", "DATA 5 (16384 bytes)",
                   "DATA 1 (16384 bytes)", "DATA 3 (16384 bytes)", "DATA 5 (16384 bytes)",
                   "DATA 1 END_STREAM (7232 bytes)", "DATA 3 END_STREAM (7232 bytes)",
                   "DATA 5 END_STREAM (7232 bytes)"}));
}

TEST(SendFlow, OneTakeGivesAboutTheOutputCap) {
  Serving at(2, {{SettingId::kInitialWindowSize, 1 << 24}}, {.output_cap_bytes = 50000});
  at.server.recv(at.peer.window_update(0, 1 << 24));
  at.server.send_data(1, bytes(1 << 20), true);
  size_t total = 0;
  for (int takes = 0; at.server->wants_write(); ++takes) {
    ASSERT_LT(takes, 30);
    const size_t size = at.server.take().size();
    EXPECT_LE(size, 50000u + 16384 + 9);
    total += size;
  }
  EXPECT_EQ(total, (1 << 20) + 64 * kFrameHeaderBytes);
}

TEST(SendFlow, WhatWaitsForWindowsIsCounted) {
  Serving at(3, {{SettingId::kInitialWindowSize, 0}}, {.max_unsent_bytes = 100});
  at.server.send_data(1, bytes(60));
  EXPECT_FALSE(at.server->unsent_full());
  at.server.send_data(3, bytes(60));
  EXPECT_TRUE(at.server->unsent_full());
  at.server.recv(at.peer.window_update(1, 21));
  at.server.take();
  EXPECT_FALSE(at.server->unsent_full());
  at.server.send_data(5, bytes(1));
  EXPECT_TRUE(at.server->unsent_full());
  at.server.recv(at.peer.rst_stream(5, ErrorCode::kCancel));
  EXPECT_FALSE(at.server->unsent_full());
}

TEST(SendFlow, FramesObeyThePeersMaximumAndTheQuantum) {
  Serving at(1, {{SettingId::kMaxFrameSize, 20000}, {SettingId::kInitialWindowSize, 60000}},
             {.send_quantum_bytes = 30000});
  EXPECT_EQ(at.server->try_begin_data(at.server.stream(1), 20001, false), nullptr);
  at.server.send_data(1, bytes(45000), true);
  EXPECT_EQ(at.server.sent(), (Lines{"DATA 1 (20000 bytes)", "DATA 1 (20000 bytes)",
                                     "DATA 1 END_STREAM (5000 bytes)"}));
}

TEST(SendFlow, DirectDataKeepsItsPlaceBehindWhatWaits) {
  Serving at(1);
  at.server.send_data(1, "first");
  EXPECT_EQ(at.server->try_begin_data(at.server.stream(1), 3, false), nullptr);
  at.server.take();
  EXPECT_NE(at.server->try_begin_data(at.server.stream(1), 3, false), nullptr);
}

// ---- receiving

TEST(ReceiveFlow, UpdatesComeInQuarters) {
  Endpoint server(Role::kServer,
                  {.initial_connection_window_bytes = 65535, .adaptive_window = false});
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest).data(1, bytes(16382)));
  EXPECT_EQ(server.sent(), Lines{});
  server.recv(peer.data(1, "x"));
  EXPECT_EQ(server.sent(), (Lines{"WINDOW_UPDATE 1 16383", "WINDOW_UPDATE 0 16383"}));
  server.recv(peer.data(1, bytes(16384), kEnd));  // a stream that ended needs none
  EXPECT_EQ(server.sent(), (Lines{"WINDOW_UPDATE 0 16384"}));
}

TEST(ReceiveFlow, TheApplicationGivesCreditByConsuming) {
  Endpoint server(Role::kServer, {.adaptive_window = false});
  server.events.credit_on_receipt = false;
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest));
  for (int i = 0; i < 3; ++i) server.recv(peer.data(1, bytes(16384)));
  server.recv(peer.padded_data(1, bytes(16127), 255));  // padding is not the application's to give
  server.take();
  EXPECT_EQ(server.stream(1).recv_window.unannounced(), 256u);
  EXPECT_TRUE(server.recv(peer.data(1, "")));
  server->consume(server.stream(1), 16126);
  EXPECT_EQ(server.sent(), Lines{});
  server->consume(server.stream(1), 2);
  EXPECT_EQ(server.sent(), (Lines{"WINDOW_UPDATE 1 16384"}));
  EXPECT_TRUE(server.recv(peer.data(1, bytes(16384))));
  EXPECT_FALSE(server.recv(peer.data(1, "x")));
  EXPECT_EQ(server.sent(), (Lines{"GOAWAY 1 FLOW_CONTROL_ERROR DATA beyond the stream's window"}));
}

// Each stream's window is its own; all together may not leave more unread than the limit.
TEST(ReceiveFlow, TooMuchUnreadClosesTheConnectionsWindow) {
  Endpoint server(Role::kServer, {.initial_connection_window_bytes = 65535,
                                  .adaptive_window = false,
                                  .max_unread_bytes = 40'000});
  server.events.credit_on_receipt = false;
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest).data(1, bytes(16384)).data(1, bytes(16384)));
  EXPECT_EQ(server.sent(), (Lines{"WINDOW_UPDATE 0 16384", "WINDOW_UPDATE 0 16384"}));
  server.recv(peer.headers(3, kRequest).data(3, bytes(16384)).data(3, bytes(16384)));
  EXPECT_EQ(server.sent(), Lines{});
  server->consume(server.stream(1), 20'000);
  EXPECT_EQ(server.sent(), (Lines{"WINDOW_UPDATE 1 20000"}));
  server->consume(server.stream(1), 12'768);  // 32,768 are left
  EXPECT_EQ(server.sent(), (Lines{"WINDOW_UPDATE 0 32768"}));
  server.recv(peer.data(1, bytes(16384)));
  EXPECT_EQ(server.sent(), Lines{});
  server.recv(peer.rst_stream(3, ErrorCode::kCancel));  // what nobody will read any more
  EXPECT_EQ(server.sent(), (Lines{"WINDOW_UPDATE 0 16384"}));
}

// A peer that pads each frame to its largest needs 256 bytes of window for the last byte of a message too.
TEST(ReceiveFlow, AnExpectedMessageThatComesPadded) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest));
  Stream& stream = server.stream(1);
  for (uint32_t missing = 1000; missing > 0; --missing) {
    stream.expected_bytes = missing;
    ASSERT_GE(stream.recv_window.available(), 256u) << missing;
    ASSERT_TRUE(server.recv(peer.padded_data(1, "x", 254)));
  }
}

// Streams of a closed call give their bytes back to the connection.
TEST(ReceiveFlow, IgnoredDataIsGivenBack) {
  Endpoint server(Role::kServer,
                  {.initial_connection_window_bytes = 65535, .adaptive_window = false});
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest));
  server->reset(server.stream(1), ErrorCode::kCancel);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(server.recv(peer.data(1, bytes(16384)))) << i;
  const ReceiveWindow& window = server->receive_window();
  EXPECT_EQ(window.available() + window.unannounced(), 65535u);
}

// The client may not have read our SETTINGS: until it acknowledges them
// it may fill the RFC's initial window.
TEST(ReceiveFlow, ASmallWindowHoldsFromTheSettingsAckOn) {
  Endpoint server(Role::kServer, {.initial_stream_window_bytes = 1000});
  Peer peer;
  peer.preface().settings().headers(1, kRequest);
  for (int i = 0; i < 3; ++i) peer.data(1, bytes(16384));
  EXPECT_TRUE(server.recv(peer));
  EXPECT_TRUE(server.recv(peer.settings_ack().headers(3, kRequest).data(3, bytes(1000), kEnd)));
  EXPECT_FALSE(server.recv(peer.headers(5, kRequest).data(5, bytes(1001))));
  EXPECT_EQ(server->error().code, ErrorCode::kFlowControlError);
}

// Upload on one stream until the estimator has grown the windows;
// the answers to its pings come 10 ms later.
uint32_t upload(Endpoint& server, Peer& peer, StreamId id, int rounds) {
  uint32_t window = 65535;
  for (int i = 0; i < rounds; ++i) {
    for (uint32_t size = 0; window != 0; window -= size) {
      size = std::min(window, 16384u);
      peer.data(id, bytes(size));
    }
    EXPECT_TRUE(server.recv(peer)) << server->error().why;
    server.now += milliseconds(10);
    const ByteVector out = server.take();
    for (const Frame& frame : split_frames(out)) {
      if (frame.header.type == FrameType::kPing) peer.ping(load_be64(frame.payload.data()), true);
      if (frame.header.type != FrameType::kWindowUpdate || frame.header.stream_id != id) continue;
      window += load_be32(frame.payload.data());
    }
  }
  return window;
}

TEST(ReceiveFlow, AdaptiveWindowsGrowAndNewStreamsGrowByNeed) {
  Endpoint server(Role::kServer, {.max_window_bytes = 2'000'000});
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest));
  upload(server, peer, 1, 60);
  EXPECT_EQ(server->stream_window_bytes(), 2'000'000u);
  EXPECT_GE(server->receive_window().target(), 2'000'000u);
  EXPECT_EQ(server.stream(1).recv_window.target(), 2'000'000u);
  // A new stream starts with what SETTINGS promised, and its first update brings the rest.
  server.recv(peer.headers(3, kRequest));
  EXPECT_EQ(server.stream(3).recv_window.available(), 65535u);
  EXPECT_GT(upload(server, peer, 3, 3), 1'000'000u);
}

TEST(ReceiveFlow, ForgedPingAnswersGrowNothing) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest).data(1, bytes(16384)));
  for (int i = 0; i < 10; ++i) server.recv(peer.ping(0x73616b65'72626470, true));
  EXPECT_EQ(server->stream_window_bytes(), 65535u);
  EXPECT_EQ(server->counters().glitches, 10u);
}

// A visitor that takes a whole message says how much of it is missing: one update lets all of it
// come, and no further one interrupts it.
TEST(ReceiveFlow, TheRestOfAMessageIsLetInAtOnce) {
  Serving at(0);
  at.server.recv(at.peer.headers(1, kRequest));
  const auto updates_of_stream = [&] {
    Lines lines = at.server.sent();
    std::erase_if(lines, [](auto& line) { return !line.starts_with("WINDOW_UPDATE 1 "); });
    return lines;
  };
  constexpr uint32_t kMessage = 1 << 20;
  constexpr uint32_t kFrame = 16384;
  for (uint32_t arrived = kFrame; arrived < kMessage; arrived += kFrame) {
    at.server.stream(1).expected_bytes = kMessage - arrived;
    ASSERT_TRUE(at.server.recv(at.peer.data(1, bytes(kFrame))));
    EXPECT_EQ(updates_of_stream().size(), arrived == kFrame ? 1u : 0u) << arrived;
    EXPECT_GE(at.server.stream(1).recv_window.available(), kMessage - arrived);
  }
}

TEST(ReceiveFlow, WithoutAdaptiveWindowsAMessageWaitsForThem) {
  Serving at(0, {}, {.adaptive_window = false});
  at.server.recv(at.peer.headers(1, kRequest));
  at.server.stream(1).expected_bytes = 1 << 20;
  at.server.recv(at.peer.data(1, bytes(16384)));
  EXPECT_EQ(at.server.sent(), (Lines{"WINDOW_UPDATE 1 16384"}));
}

}  // namespace
}  // namespace saker::h2

// A server's side of whole conversations; the client's side: connection_client_test.cc.
#include <gtest/gtest.h>

#include "saker/h2/h2_testing.h"

namespace saker::h2 {
namespace {

TEST(ServerPreface, IsSettingsAndALargerConnectionWindow) {
  Endpoint server(Role::kServer);
  EXPECT_EQ(server.sent(), (Lines{"SETTINGS MAX_CONCURRENT_STREAMS=1024 MAX_HEADER_LIST_SIZE=16384",
                                  "WINDOW_UPDATE 0 983041"}));
  EXPECT_FALSE(server->wants_write());
}

TEST(ServerPreface, AnnouncesEachOption) {
  Endpoint server(Role::kServer, {.max_concurrent_streams = 7,
                                  .initial_stream_window_bytes = 1000,
                                  .max_frame_bytes = 20000,
                                  .max_header_list_bytes = 300,
                                  .header_table_bytes = 0,
                                  .initial_connection_window_bytes = 65535});
  EXPECT_EQ(server.sent(), (Lines{"SETTINGS HEADER_TABLE_SIZE=0 MAX_CONCURRENT_STREAMS=7 "
                                  "INITIAL_WINDOW_SIZE=1000 MAX_FRAME_SIZE=20000 "
                                  "MAX_HEADER_LIST_SIZE=300"}));
}

TEST(ServerPreface, OfTheClientMayBeSplitAnywhere) {
  Peer peer;
  const ByteVector bytes =
      peer.preface().settings({{SettingId::kInitialWindowSize, 7}}).settings_ack().take();
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    Endpoint server(Role::kServer);
    server.take();
    ASSERT_TRUE(server.recv(Bytes(bytes).first(cut)));
    ASSERT_TRUE(server.recv(Bytes(bytes).subspan(cut)));
    EXPECT_EQ(server.heard(), (Lines{"peer_settings"})) << cut;
    EXPECT_EQ(server.sent(), (Lines{"SETTINGS ACK"})) << cut;
    EXPECT_EQ(server->peer_settings().initial_window_size, 7u);
    EXPECT_EQ(server->poll_timeout(), kNever);
  }
}

TEST(ServerPreface, OfHttp1IsRefusedAtTheFirstByteThatDiffers) {
  for (size_t same = 0; same < kClientPreface.size(); ++same) {
    Endpoint server(Role::kServer);
    server.take();
    std::string bytes(kClientPreface.substr(0, same));
    EXPECT_TRUE(server.recv(as_bytes(bytes)));
    EXPECT_FALSE(server.recv(as_bytes("x")));
    EXPECT_EQ(server.sent(), (Lines{"GOAWAY 0 PROTOCOL_ERROR not an HTTP/2 client preface"}));
    EXPECT_FALSE(server->alive());
  }
}

TEST(Server, UnaryCall) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  EXPECT_TRUE(server.recv(peer.headers(1, kRequest).data(1, "hello", kFlagEndStream)));
  EXPECT_EQ(server.heard(), (Lines{"request 1" + kRequestText, "data 1 hello END"}));
  EXPECT_EQ(server.sent(), Lines{});
  server.send_headers(1, kResponse);
  uint8_t* payload = server->try_begin_data(server.stream(1), 5, false);
  ASSERT_NE(payload, nullptr);
  std::memcpy(payload, "world", 5);
  EXPECT_EQ(server.heard(), Lines{});
  server.send_headers(1, kTrailers, true);
  EXPECT_EQ(server.heard(), (Lines{"closed 1 completed"}));
  EXPECT_EQ(server.sent(),
            (Lines{"HEADERS 1 :status=200", "DATA 1 world", "HEADERS 1 END_STREAM grpc-status=0"}));
  EXPECT_EQ(server->open_streams(), 0u);
}

TEST(Server, ResponseMayEndWithDataOrWithNothing) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  const uint8_t kEnd = kFlagEndStream;
  server.recv(
      peer.headers(1, kRequest, kEnd).headers(3, kRequest, kEnd).headers(5, kRequest, kEnd));
  for (const StreamId id : {1, 3, 5}) server.send_headers(id, kResponse);
  server.sent();
  server.heard();
  server.send_data(1, "queued", true);
  EXPECT_EQ(server.sent(), (Lines{"DATA 1 END_STREAM queued"}));
  server.send_data(3, "", true);
  EXPECT_EQ(server.sent(), (Lines{"DATA 3 END_STREAM"}));
  ASSERT_NE(server->try_begin_data(server.stream(5), 0, true), nullptr);
  EXPECT_EQ(server.sent(), (Lines{"DATA 5 END_STREAM"}));
  EXPECT_EQ(server.heard(),
            (Lines{"closed 1 completed", "closed 3 completed", "closed 5 completed"}));
}

TEST(Server, TrailersOnly) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest, kFlagEndStream));
  server.send_headers(1, {{":status", "200"}, {"grpc-status", "12"}}, true);
  EXPECT_EQ(server.sent(), (Lines{"HEADERS 1 END_STREAM :status=200 grpc-status=12"}));
  EXPECT_EQ(server.heard(), (Lines{"request 1 END" + kRequestText, "closed 1 completed"}));
}

TEST(Server, EarlyResponseIsFollowedByRst) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest).data(1, "part"));
  server.heard();
  server.send_headers(1, {{":status", "200"}, {"grpc-status", "8"}}, true);
  EXPECT_EQ(server.sent(),
            (Lines{"HEADERS 1 END_STREAM :status=200 grpc-status=8", "RST_STREAM 1 NO_ERROR"}));
  EXPECT_EQ(server.heard(), (Lines{"closed 1 completed"}));
  // What was under way is ignored, whatever it is.
  EXPECT_TRUE(server.recv(peer.data(1, "more").window_update(1, 9).headers(1, kTrailers, 1)));
  EXPECT_TRUE(server.recv(peer.rst_stream(1, ErrorCode::kNoError)));
  EXPECT_EQ(server.heard(), Lines{});
  EXPECT_EQ(server->counters().glitches, 0u);
}

TEST(Server, TrailersWaitBehindData) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer, {{SettingId::kInitialWindowSize, 4}});
  server.recv(peer.headers(1, kRequest, kFlagEndStream));
  server.send_headers(1, kResponse);
  server.send_data(1, "abcdef");
  server.send_headers(1, kTrailers, true);
  EXPECT_EQ(server.sent(), (Lines{"HEADERS 1 :status=200", "DATA 1 abcd"}));
  server.heard();
  server.recv(peer.window_update(1, 10));
  EXPECT_EQ(server.sent(), (Lines{"DATA 1 ef", "HEADERS 1 END_STREAM grpc-status=0"}));
  EXPECT_EQ(server.heard(), (Lines{"closed 1 completed"}));
}

TEST(Server, RequestTrailers) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest).data(1, "x").headers(1, {{"x-sum", "9"}}, kFlagEndStream));
  EXPECT_EQ(server.heard(),
            (Lines{"request 1" + kRequestText, "data 1 x", "trailers 1 END x-sum=9"}));
}

TEST(Server, PaddingCountsAndIsDropped) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  const uint32_t before = server->receive_window().available();
  ByteVector head = peer.block(kRequest);
  head.insert(head.begin(), 20);
  head.insert(head.end(), 20, 0);
  peer.frame(FrameType::kHeaders, kFlagEndHeaders | kFlagPadded, 1, head);
  peer.padded_data(1, "abc", 0).padded_data(1, "", 9).padded_data(1, "", 0);
  EXPECT_TRUE(server.recv(peer.padded_data(1, "def", 255)));
  EXPECT_EQ(server.heard(), (Lines{"request 1" + kRequestText, "data 1 abcdef"}));
  const uint32_t used = 4 + 10 + 1 + 259;
  EXPECT_EQ(server->receive_window().available(), before - used);
  EXPECT_EQ(server->receive_window().unannounced(), used);
  EXPECT_EQ(server.stream(1).recv_window.unannounced(), used);
  EXPECT_TRUE(server.recv(peer.padded_data(1, "", 7, kFlagEndStream)));
  EXPECT_EQ(server.heard(), (Lines{"data 1 END"}));
}

TEST(Server, PriorityOfHeadersIsIgnored) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  ByteVector head = peer.block(kRequest);
  head.insert(head.begin(), {0x80, 0, 0, 3, 255});
  peer.frame(FrameType::kHeaders, kFlagEndHeaders | kFlagPriority, 1, head);
  head = peer.block(kRequest);
  head.insert(head.begin(), {2, 0, 0, 0, 3, 255});  // padded as well
  head.insert(head.end(), 2, 0);
  peer.frame(FrameType::kHeaders, kFlagEndHeaders | kFlagPriority | kFlagPadded, 3, head);
  EXPECT_TRUE(server.recv(peer));
  EXPECT_EQ(server.heard(), (Lines{"request 1" + kRequestText, "request 3" + kRequestText}));
}

TEST(Server, ContinuationSplitAnywhere) {
  Fields fields = kRequest;
  fields.push_back({"x-long", "abcdefghijklmnopqrstuvwxyz"});
  const std::string expected =
      "request 1 END" + kRequestText + " x-long=abcdefghijklmnopqrstuvwxyz";
  const size_t size = Peer().block(fields).size();
  for (size_t cut = 0; cut <= size; ++cut) {
    Endpoint server(Role::kServer);
    Peer peer;
    server.settle(peer);
    const ByteVector block = peer.block(fields);
    peer.frame(FrameType::kHeaders, kFlagEndStream, 1, Bytes(block).first(cut));
    peer.frame(FrameType::kContinuation, kFlagEndHeaders, 1, Bytes(block).subspan(cut));
    ASSERT_TRUE(server.recv(peer));
    ASSERT_EQ(server.heard(), (Lines{expected})) << cut;
    ASSERT_EQ(server->poll_timeout(), kNever);
  }
}

TEST(Server, ContinuationOfOneByteEach) {
  Endpoint server(Role::kServer, {.max_continuations = 1000});
  Peer peer;
  server.settle(peer);
  const ByteVector block = peer.block(kRequest);
  peer.frame(FrameType::kHeaders, 0, 1, {});
  for (const uint8_t& byte : block) peer.frame(FrameType::kContinuation, 0, 1, {&byte, 1});
  EXPECT_TRUE(server.recv(peer));
  EXPECT_EQ(server.heard(), Lines{});
  EXPECT_NE(server->poll_timeout(), kNever);
  EXPECT_TRUE(server.recv(peer.frame(FrameType::kContinuation, kFlagEndHeaders, 1, {})));
  EXPECT_EQ(server.heard(), (Lines{"request 1" + kRequestText}));
}

TEST(Server, LongHeadersGoOutWithContinuation) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest, kFlagEndStream));
  const std::string big(40000, 'v');
  server.send_headers(1, {{":status", "200"}, {"x-big", big}}, true);
  EXPECT_EQ(server.sent(),
            (Lines{"HEADERS 1 END_STREAM (16384 bytes) …", "CONTINUATION 1 (16384 bytes) …",
                   "CONTINUATION 1 :status=200 x-big=…"}));
}

TEST(Server, ManyStreamsInOneBuffer) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  Lines expected;
  for (StreamId id = 1; id < 2000; id += 2) {
    peer.headers(id, kRequest).data(id, std::to_string(id), kFlagEndStream);
    expected.push_back("request " + std::to_string(id) + kRequestText);
    expected.push_back("data " + std::to_string(id) + " " + std::to_string(id) + " END");
  }
  EXPECT_TRUE(server.recv(peer));
  EXPECT_EQ(server.heard(), expected);
  EXPECT_EQ(server->open_streams(), 1000u);
  EXPECT_EQ(server->counters().streams_opened, 1000u);
}

TEST(Server, TransportEndClosesEveryStreamInOrder) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(5, kRequest).headers(7, kRequest, kFlagEndStream).headers(15, kRequest));
  server.heard();
  server->handle_transport_end();
  EXPECT_EQ(server.heard(), (Lines{"closed 5 connection_lost", "closed 7 connection_lost",
                                   "closed 15 connection_lost"}));
  EXPECT_FALSE(server->alive());
  EXPECT_EQ(server->poll_timeout(), kNever);
}

TEST(Server, DestructionClosesWhatIsOpen) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest));
  server.heard();
  server.end_connection();
  EXPECT_EQ(server.heard(), (Lines{"closed 1 connection_lost"}));
}

}  // namespace
}  // namespace saker::h2

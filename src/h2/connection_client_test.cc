// A client's side of whole conversations.
#include <gtest/gtest.h>

#include "saker/h2/h2_testing.h"

namespace saker::h2 {
namespace {

constexpr uint8_t kEnd = kFlagEndStream;

TEST(Client, PrefaceAndSettings) {
  Endpoint client(Role::kClient);
  EXPECT_EQ(client.sent(), (Lines{"PREFACE", "SETTINGS ENABLE_PUSH=0 MAX_HEADER_LIST_SIZE=16384",
                                  "WINDOW_UPDATE 0 983041"}));
  Peer peer;
  EXPECT_TRUE(client.recv(peer.settings().settings_ack()));
  EXPECT_EQ(client.heard(), (Lines{"peer_settings"}));
  EXPECT_EQ(client.sent(), (Lines{"SETTINGS ACK"}));
}

TEST(Client, UnaryCall) {
  Endpoint client(Role::kClient);
  Peer peer;
  client.settle(peer);
  Stream* stream = client.open();
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->id, 1u);
  client.send_data(1, "hello", true);
  EXPECT_EQ(client.sent(), (Lines{"HEADERS 1" + kRequestText, "DATA 1 END_STREAM hello"}));
  client.recv(peer.headers(1, kResponse).data(1, "world").headers(1, kTrailers, kEnd));
  EXPECT_EQ(client.heard(), (Lines{"response 1 :status=200", "data 1 world",
                                   "trailers 1 END grpc-status=0", "closed 1 completed"}));
  EXPECT_EQ(client.sent(), Lines{});
  EXPECT_EQ(client.open()->id, 3u);
}

TEST(Client, ResponseMayEndWithHeadOrData) {
  Endpoint client(Role::kClient);
  Peer peer;
  client.settle(peer);
  client.open(kRequest, true);
  client.open(kRequest, true);
  client.open(kRequest, true);
  client.recv(peer.headers(1, {{":status", "200"}, {"grpc-status", "5"}}, kEnd));
  client.recv(
      peer.headers(3, kResponse).data(3, "x", kEnd).headers(5, kResponse).data(5, "", kEnd));
  EXPECT_EQ(client.heard(), (Lines{"response 1 END :status=200 grpc-status=5", "closed 1 completed",
                                   "response 3 :status=200", "data 3 x END", "closed 3 completed",
                                   "response 5 :status=200", "data 5 END", "closed 5 completed"}));
}

TEST(Client, EarlyResponseEndsTheRequest) {
  Endpoint client(Role::kClient);
  Peer peer;
  client.settle(peer, {{SettingId::kInitialWindowSize, 2}});
  client.open();
  client.send_data(1, "never sent whole");
  EXPECT_EQ(client.sent(), (Lines{"HEADERS 1" + kRequestText, "DATA 1 ne"}));
  client.recv(peer.headers(1, {{":status", "200"}, {"grpc-status", "8"}}, kEnd)
                  .rst_stream(1, ErrorCode::kNoError));
  EXPECT_EQ(client.heard(),
            (Lines{"response 1 END :status=200 grpc-status=8", "closed 1 completed"}));
  EXPECT_EQ(client.sent(), (Lines{"RST_STREAM 1 NO_ERROR"}));
  EXPECT_EQ(client->poll_timeout(), kNever);
  EXPECT_EQ(client->counters().glitches, 0u);
}

TEST(Client, InformationalResponsesPrecedeTheRealOne) {
  Endpoint client(Role::kClient);
  Peer peer;
  client.settle(peer);
  client.open(kRequest, true);
  peer.headers(1, {{":status", "100"}}).headers(1, {{":status", "103"}, {"link", "x"}});
  client.recv(peer.headers(1, kResponse).headers(1, kTrailers, kEnd));
  EXPECT_EQ(client.heard(), (Lines{"informational 1 :status=100",
                                   "informational 1 :status=103 link=x", "response 1 :status=200",
                                   "trailers 1 END grpc-status=0", "closed 1 completed"}));
}

// What only one stream suffers from: RST_STREAM(PROTOCOL_ERROR), and the next stream works.
TEST(Client, MalformedResponses) {
  struct {
    const char* what;
    std::function<void(Peer&)> respond;
  } const kRows[] = {
      {"no :status", [](Peer& p) { p.headers(1, {{"x", "1"}}); }},
      {":status 101", [](Peer& p) { p.headers(1, {{":status", "101"}}); }},
      {"1xx that ends", [](Peer& p) { p.headers(1, {{":status", "100"}}, kEnd); }},
      {"a request", [](Peer& p) { p.headers(1, kRequest); }},
      {"trailers that don't end", [](Peer& p) { p.headers(1, kResponse).headers(1, kTrailers); }},
      {"pseudo-header trailers",
       [](Peer& p) { p.headers(1, kResponse).headers(1, kResponse, kEnd); }},
      {"content-length, no content",
       [](Peer& p) { p.headers(1, {{":status", "200"}, {"content-length", "1"}}, kEnd); }},
      {"less than content-length",
       [](Peer& p) {
         p.headers(1, {{":status", "200"}, {"content-length", "4"}}).data(1, "abc", kEnd);
       }},
      {"less than content-length, trailers",
       [](Peer& p) {
         p.headers(1, {{":status", "200"}, {"content-length", "4"}}).data(1, "abc");
         p.headers(1, kTrailers, kEnd);
       }},
      {"more than content-length",
       [](Peer& p) {
         p.headers(1, {{":status", "200"}, {"content-length", "2"}}).data(1, "ab").data(1, "c");
       }},
  };
  for (const auto& row : kRows) {
    Endpoint client(Role::kClient);
    Peer peer;
    client.settle(peer);
    client.open(kRequest, true);
    client.sent();
    row.respond(peer);
    EXPECT_TRUE(client.recv(peer)) << row.what;
    EXPECT_EQ(client.sent(), (Lines{"RST_STREAM 1 PROTOCOL_ERROR"})) << row.what;
    EXPECT_EQ(client.heard().back(), "closed 1 reset_by_us PROTOCOL_ERROR") << row.what;
    client.open(kRequest, true);
    client.recv(peer.headers(3, kResponse, kEnd));
    EXPECT_EQ(client.heard().back(), "closed 3 completed") << row.what;
  }
}

TEST(Client, ContentLengthOf304HasNoContent) {
  Endpoint client(Role::kClient);
  Peer peer;
  client.settle(peer);
  client.open(kRequest, true);
  client.recv(peer.headers(1, {{":status", "304"}, {"content-length", "9"}}, kEnd));
  EXPECT_EQ(client.heard().back(), "closed 1 completed");
}

TEST(Client, ResetByThePeer) {
  Endpoint client(Role::kClient);
  Peer peer;
  client.settle(peer);
  client.open();
  client.open();
  client.recv(peer.rst_stream(1, ErrorCode::kRefusedStream).headers(3, kResponse));
  client.recv(peer.rst_stream(3, static_cast<ErrorCode>(77)));
  EXPECT_EQ(client.heard(), (Lines{"closed 1 reset_by_peer REFUSED_STREAM",
                                   "response 3 :status=200", "closed 3 reset_by_peer UNKNOWN"}));
}

TEST(Client, ResetByUsThenLateFrames) {
  Endpoint client(Role::kClient);
  Peer peer;
  client.settle(peer);
  Stream* stream = client.open();
  client.sent();
  client->reset(*stream, ErrorCode::kCancel);
  EXPECT_EQ(client.heard(), (Lines{"closed 1 reset_by_us CANCEL"}));
  EXPECT_EQ(client.sent(), (Lines{"RST_STREAM 1 CANCEL"}));
  const std::string late(20000, 'x');
  peer.headers(1, {{":status", "200"}, {"x-new", "in the table"}}).window_update(1, 5);
  peer.data(1, std::string_view(late).substr(0, 16000)).data(1, "y", kEnd);
  EXPECT_TRUE(client.recv(peer.rst_stream(1, ErrorCode::kCancel)));
  EXPECT_EQ(client.heard(), Lines{});
  // The connection window came back, and the HPACK tables still agree.
  EXPECT_EQ(client->receive_window().available() + client->receive_window().unannounced(),
            1u << 20);
  client.open(kRequest, true);
  client.recv(peer.headers(3, {{":status", "200"}, {"x-new", "in the table"}}, kEnd));
  EXPECT_EQ(client.heard().front(), "response 3 END :status=200 x-new=in the table");
}

// What gRPC's C++ server does to a call whose handler ends after its deadline.
TEST(Client, TrailersOfACompletedStreamOnceMore) {
  Endpoint client(Role::kClient);
  Peer peer;
  client.settle(peer);
  client.open(kRequest, true);
  client.open(kRequest, true);
  const Fields trailers_only = {{":status", "200"}, {"grpc-status", "4"}};
  peer.headers(1, trailers_only, kEnd).rst_stream(1, ErrorCode::kNoError);
  peer.headers(1, trailers_only, kEnd).rst_stream(1, ErrorCode::kNoError);
  EXPECT_TRUE(client.recv(peer.headers(3, kResponse).headers(3, kTrailers, kEnd)));
  EXPECT_EQ(client.heard(), (Lines{"response 1 END :status=200 grpc-status=4", "closed 1 completed",
                                   "response 3 :status=200", "trailers 3 END grpc-status=0",
                                   "closed 3 completed"}));
  EXPECT_EQ(client->counters().glitches, 1u);
}

TEST(Client, ObeysMaxConcurrentStreams) {
  Endpoint client(Role::kClient);
  Peer peer;
  client.settle(peer, {{SettingId::kMaxConcurrentStreams, 2}});
  EXPECT_NE(client.open(), nullptr);
  EXPECT_NE(client.open(), nullptr);
  EXPECT_FALSE(client->can_open_stream());
  EXPECT_EQ(client.open(), nullptr);
  client.recv(peer.settings({{SettingId::kMaxConcurrentStreams, 3}}));
  EXPECT_EQ(client.heard(), (Lines{"peer_settings"}));
  EXPECT_EQ(client.open()->id, 5u);
  client.recv(peer.settings({{SettingId::kMaxConcurrentStreams, 0}}));
  client.recv(peer.rst_stream(1, ErrorCode::kCancel).rst_stream(3, ErrorCode::kCancel));
  EXPECT_FALSE(client->can_open_stream());
}

TEST(Client, OpensAHundredStreamsBeforeItKnowsTheLimit) {
  Endpoint client(Role::kClient);
  int opened = 0;
  while (client.open() != nullptr) ++opened;
  EXPECT_EQ(opened, 100);
  Peer peer;
  client.recv(peer.settings());
  EXPECT_TRUE(client->can_open_stream());
}

TEST(Client, TruncatedHeadersAreMarked) {
  Endpoint client(Role::kClient, {.max_header_list_bytes = 200});
  Peer peer;
  client.settle(peer);
  client.open(kRequest, true);
  const std::string big(300, 'v');
  client.recv(peer.headers(1, {{":status", "200"}, {"x-big", big}}).headers(1, kTrailers, kEnd));
  EXPECT_EQ(client.heard(), (Lines{"response 1 TRUNCATED :status=200",
                                   "trailers 1 END grpc-status=0", "closed 1 completed"}));
}

}  // namespace
}  // namespace saker::h2

// The limits on a peer's conduct, at the edge and past it, and the deadlines. Options: options.h.
#include <gtest/gtest.h>

#include "saker/h2/h2_testing.h"

namespace saker::h2 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr uint8_t kEnd = kFlagEndStream;
using SendOne = std::function<void(Peer&, StreamId)>;

// How many times `send` may be called, each with a fresh odd stream id, before the connection ends.
// Output is taken each time, unless `take` is false.
int endure(Endpoint& server, Peer& peer, int most, const SendOne& send, bool take = true) {
  for (int i = 0; i < most; ++i) {
    send(peer, static_cast<StreamId>(2 * i + 1));
    if (!server.recv(peer)) return i;
    if (take) server.take();
  }
  return most;
}

std::string last_goaway(Endpoint& server) {
  const ByteVector bytes = server.take();
  const auto frames = split_frames(bytes);
  if (frames.empty() || frames.back().header.type != FrameType::kGoaway) return "";
  const Bytes payload = frames.back().payload;
  return std::string(error_code_name(static_cast<ErrorCode>(load_be32(payload.data() + 4)))) + " " +
         std::string(as_text(payload.subspan(8)));
}

struct Flood {
  const char* what;
  ConnectionOptions options;
  SendOne send;
  int endured;
  std::string why;
};

void expect_end(const Flood& flood) {
  Endpoint server(Role::kServer, flood.options);
  Peer peer;
  server.settle(peer);
  EXPECT_EQ(endure(server, peer, 1000, flood.send), flood.endured) << flood.what;
  EXPECT_EQ(last_goaway(server), "ENHANCE_YOUR_CALM " + flood.why) << flood.what;
}

TEST(Conduct, Floods) {
  const ConnectionOptions kGlitches = {.glitch_burst = 100, .glitch_per_second = 1};
  const ConnectionOptions kResets = {.reset_burst = 100, .reset_per_second = 1};
  const auto request_once = [](Peer& p, StreamId id) {
    if (id == 1) p.headers(1, kRequest);
  };
  const Flood kRows[] = {
      {"rapid reset", kResets,
       [](Peer& p, StreamId id) { p.headers(id, kRequest).rst_stream(id, ErrorCode::kCancel); },
       100, "too many streams reset"},
      {"malformed trailers, so that we reset", kResets,
       [](Peer& p, StreamId id) { p.headers(id, kRequest).headers(id, kTrailers); }, 100,
       "too many malformed trailers"},
      {"content-length mismatch, so that we reset", kResets,
       [](Peer& p, StreamId id) {
         Fields fields = kRequest;
         fields.push_back({"content-length", "1"});
         p.headers(id, fields).data(id, "ab");
       },
       100, "too many content-length mismatches"},
      {"malformed requests", kGlitches,
       [](Peer& p, StreamId id) { p.headers(id, {{":method", "POST"}}); }, 100,
       "a request lacks :method, :scheme or :path"},
      {"RST_STREAM again and again", kGlitches,
       [&](Peer& p, StreamId id) {
         request_once(p, id);
         p.rst_stream(1, ErrorCode::kCancel);
       },
       103, "too many RST_STREAM frames"},
      {"RST_STREAM on idle streams", kGlitches,
       [](Peer& p, StreamId id) { p.rst_stream(id, ErrorCode::kCancel); }, 100,
       "too many RST_STREAM frames on idle streams"},
      {"empty DATA", kGlitches,
       [&](Peer& p, StreamId id) {
         request_once(p, id);
         p.data(1, "");
       },
       101, "too many empty DATA frames"},
      {"DATA of nothing but padding", kGlitches,
       [&](Peer& p, StreamId id) {
         request_once(p, id);
         p.padded_data(1, "", 5);
       },
       101, "too many empty DATA frames"},
      {"WINDOW_UPDATE", kGlitches, [](Peer& p, StreamId) { p.window_update(0, 1); }, 105,
       "too many WINDOW_UPDATE frames"},
      {"PRIORITY", kGlitches, [](Peer& p, StreamId id) { p.priority(id); }, 100,
       "too many PRIORITY frames"},
      {"SETTINGS", kGlitches, [](Peer& p, StreamId) { p.settings(); }, 100,
       "too many SETTINGS frames"},
      {"SETTINGS ACK", kGlitches, [](Peer& p, StreamId) { p.settings_ack(); }, 100,
       "too many SETTINGS ACKs"},
      {"PING ACK", kGlitches, [](Peer& p, StreamId) { p.ping(1, true); }, 100,
       "too many PING ACKs"},
      {"unknown frames", kGlitches,
       [](Peer& p, StreamId) { p.frame(static_cast<FrameType>(0x20), 0, 0, {}); }, 100,
       "too many frames of unknown types"},
      {"streams over the limit",
       {.max_concurrent_streams = 2, .reset_per_second = 1},
       [](Peer& p, StreamId id) { p.headers(id, kRequest); },
       102,
       "too many streams over the limit"},
  };
  for (const Flood& row : kRows) expect_end(row);
}

// Frames of which one or two are honest.
TEST(Conduct, FloodsOfWhatHasBeenSaid) {
  const ConnectionOptions kGlitches = {.glitch_burst = 100, .glitch_per_second = 1};
  const Flood kRows[] = {
      {"GOAWAY", kGlitches, [](Peer& p, StreamId) { p.goaway(0, ErrorCode::kNoError); }, 102,
       "too many GOAWAY frames"},
      {"HEADERS on a stream that we reset", kGlitches,
       [](Peer& p, StreamId id) {
         if (id == 1) p.headers(1, {{"x", "y"}});
         p.headers(1, kTrailers, kEnd);
       },
       99, "too many late HEADERS"},
  };
  for (const Flood& row : kRows) expect_end(row);
}

// The twins of the floods: the same frames, slowly or for a reason, are no offence.
TEST(Conduct, HonestTwins) {
  Endpoint server(Role::kServer, {.reset_burst = 100, .glitch_burst = 10, .glitch_per_second = 1});
  Peer peer;
  server.settle(peer);
  const int endured = endure(server, peer, 5000, [&](Peer& p, StreamId id) {
    server.now += milliseconds(100);
    p.headers(id, kRequest).window_update(0, 1).window_update(0, 1).ping(id);
    if (id % 41 == 0) p.priority(id).settings();
    if (id < 40) return;
    p.rst_stream(id - 40, ErrorCode::kCancel);   // ten calls a second cancelled, at an age of 2 s
    p.rst_stream(id - 40, ErrorCode::kNoError);  // a reset that crossed another
  });
  EXPECT_EQ(endured, 5000) << server->error().why;
}

// What gRPC's C++ client does when calls expire before their HEADERS are written: streams 3 and 7 never
// come, and 5 comes after the reset of 7.
TEST(Conduct, ResetsOfStreamsThatNeverCame) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest).rst_stream(3, ErrorCode::kCancel));
  server.recv(peer.rst_stream(7, ErrorCode::kCancel).headers(5, kRequest));
  EXPECT_TRUE(server->alive());
  EXPECT_EQ(server->open_streams(), 2u);
  EXPECT_EQ(server->counters().glitches, 2u);
}

// More than half of at least 500 streams reset within a second
// of their start: close, whatever the rate.
TEST(Conduct, MostStreamsResetYoung) {
  const auto serve_and_reset = [](int served_per_reset) {
    Endpoint server(Role::kServer, {.reset_burst = 1 << 30});
    Peer peer;
    server.settle(peer);
    return endure(server, peer, 4000, [&](Peer& p, StreamId id) {
      const bool reset = (id / 2) % static_cast<StreamId>(served_per_reset + 1) == 0;
      p.headers(id, kRequest, reset ? uint8_t{0} : kEnd);
      if (reset) return void(p.rst_stream(id, ErrorCode::kCancel));
      server.recv(p);
      server.send_headers(id, kTrailers, true);
    });
  };
  EXPECT_EQ(serve_and_reset(0), 499);
  EXPECT_EQ(serve_and_reset(2), 4000);
}

// By turns a served one and one that is reset: half is not most. One more is.
TEST(Conduct, HalfOfTheStreamsMayBeResetYoung) {
  Endpoint server(Role::kServer, {.reset_burst = 1 << 30});
  Peer peer;
  server.settle(peer);
  const int endured = endure(server, peer, 4001, [&](Peer& p, StreamId id) {
    if ((id / 2) % 2 == 1 || id == 8001) {
      p.headers(id, kRequest).rst_stream(id, ErrorCode::kCancel);
      return;
    }
    server.recv(p.headers(id, kRequest, kEnd));
    server.send_headers(id, kTrailers, true);
  });
  EXPECT_EQ(endured, 4000);
  EXPECT_EQ(last_goaway(server), "ENHANCE_YOUR_CALM too many streams reset");
}

TEST(Conduct, AStreamIsYoungForASecond) {
  const auto reset_at = [](Duration age) {
    Endpoint server(Role::kServer, {.reset_burst = 1 << 30});
    Peer peer;
    server.settle(peer);
    return endure(server, peer, 1000, [&](Peer& p, StreamId id) {
      server.recv(p.headers(id, kRequest));
      server.now += age;
      p.rst_stream(id, ErrorCode::kCancel);
    });
  };
  EXPECT_EQ(reset_at(seconds(1) - std::chrono::nanoseconds(1)), 499);
  EXPECT_EQ(reset_at(seconds(1)), 1000);
}

TEST(Conduct, AnswersThatNobodyReads) {
  for (const auto& [send, options] : std::vector<std::pair<SendOne, ConnectionOptions>>{
           {[](Peer& p, StreamId) { p.ping(1); }, {}},
           {[](Peer& p, StreamId) { p.settings(); }, {}},
           {[](Peer& p, StreamId id) { p.headers(id, kRequest); }, {.max_concurrent_streams = 0}},
           {[](Peer& p, StreamId id) { p.headers(id, {{"x", "y"}}); }, {}}}) {
    ConnectionOptions limits = options;
    limits.control_frames_pause = 10;
    limits.control_frames_close = 50;
    Endpoint server(Role::kServer, limits);
    Peer peer;
    server.settle(peer);
    EXPECT_EQ(endure(server, peer, 9, send, false), 9);
    EXPECT_TRUE(server->wants_read());
    peer.take();
    send(peer, 101);
    server.recv(peer);
    EXPECT_FALSE(server->wants_read());
    server.take();
    EXPECT_TRUE(server->wants_read());
    const auto later = [&](Peer& p, StreamId id) { send(p, 200 + id); };
    EXPECT_EQ(endure(server, peer, 1000, later, false), 49);
    EXPECT_EQ(last_goaway(server), "ENHANCE_YOUR_CALM too many frames that want an answer");
  }
}

// Defaults, as in docs/limits.md.
TEST(Conduct, PingsNobodyReadsPauseAt100AndCloseAt1000) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  const SendOne ping = [](Peer& p, StreamId) { p.ping(1); };
  EXPECT_EQ(endure(server, peer, 99, ping, false), 99);
  EXPECT_TRUE(server->wants_read());
  server.recv(peer.ping(1));
  EXPECT_FALSE(server->wants_read());
  EXPECT_EQ(endure(server, peer, 2000, ping, false), 899);
}

// What we do of our own accord is no answer: a thousand calls may expire,
// or end early, in one turn.
TEST(Conduct, OurOwnResetsAreNotThePeersFault) {
  for (const bool early : {false, true}) {
    Endpoint server(Role::kServer, {.max_concurrent_streams = 2000});
    Peer peer;
    server.settle(peer);
    for (StreamId id = 1; id < 4000; id += 2) peer.headers(id, kRequest);
    ASSERT_TRUE(server.recv(peer));
    for (StreamId id = 1; id < 4000; id += 2) {
      if (early) {
        server.send_headers(id, kTrailers, true);
      } else {
        server->reset(server.stream(id), ErrorCode::kCancel);
      }
    }
    EXPECT_TRUE(server->alive());
    EXPECT_TRUE(server->wants_read());
    EXPECT_EQ(server->open_streams(), 0u);
  }
}

// The reset that is one answer too many takes the connection and all its streams
// with it, each closed once.
TEST(Conduct, TheLastAnswerClosesEachStreamOnce) {
  Endpoint server(Role::kServer, {.control_frames_close = 2});
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest).headers(3, kRequest));
  server.heard();
  EXPECT_FALSE(server.recv(peer.ping(1).headers(1, kTrailers)));
  EXPECT_EQ(server.heard(), (Lines{"ping 1", "closed 1 reset_by_us PROTOCOL_ERROR",
                                   "closed 3 connection_lost ENHANCE_YOUR_CALM"}));
}

TEST(Conduct, RefusedStreamsLeaveTheRestAlone) {
  Endpoint server(Role::kServer, {.max_concurrent_streams = 1});
  Peer peer;
  server.settle(peer);
  peer.headers(1, kRequest).headers(3, {{":method", "POST"}, {":path", "/long/one"}});
  EXPECT_TRUE(server.recv(peer.data(3, "for nobody", kEnd).data(1, "x", kEnd)));
  EXPECT_EQ(server.sent(), (Lines{"RST_STREAM 3 REFUSED_STREAM"}));
  EXPECT_EQ(server.heard(), (Lines{"request 1" + kRequestText, "data 1 x END"}));
  server.send_headers(1, kTrailers, true);
  EXPECT_TRUE(server.recv(peer.headers(5, kRequest)));
  EXPECT_EQ(server->open_streams(), 1u);
}

TEST(Conduct, CallsThatStillRunCountAgainstTheLimit) {
  Endpoint server(Role::kServer, {.max_concurrent_streams = 1});
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest));
  server->hold_slot();
  server.recv(peer.rst_stream(1, ErrorCode::kCancel).headers(3, kRequest));
  EXPECT_EQ(server.sent(), (Lines{"RST_STREAM 3 REFUSED_STREAM"}));
  server->release_slot();
  server.recv(peer.headers(5, kRequest));
  EXPECT_EQ(server->open_streams(), 1u);
}

TEST(Conduct, RefusalsForCallsThatStillRunDoNotEndTheConnection) {
  Endpoint server(Role::kServer, {.max_concurrent_streams = 2});
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest));
  server->hold_slot();
  server.recv(peer.rst_stream(1, ErrorCode::kCancel).headers(3, kRequest));
  for (StreamId id = 5; id < 2005; id += 2) {
    server.recv(peer.headers(id, kRequest));
    server.sent();
  }
  EXPECT_TRUE(server->alive());
  EXPECT_EQ(server->open_streams(), 1u);
}

TEST(Conduct, MalformedRequestsGetRst) {
  Fields with_length = kRequest;
  with_length.push_back({"content-length", "5"});
  const std::vector<std::function<void(Peer&)>> kRows = {
      [](Peer& p) { p.headers(1, {}); },
      [](Peer& p) { p.headers(1, {{":method", "POST"}, {":scheme", "http"}}); },
      [](Peer& p) { p.headers(1, {{"te", "trailers"}, {":method", "POST"}}); },
      [&](Peer& p) { p.headers(1, with_length, kEnd); },
      [&](Peer& p) { p.headers(1, with_length).data(1, "1234", kEnd); },
      [&](Peer& p) { p.headers(1, with_length).data(1, "123456"); },
      [&](Peer& p) { p.headers(1, with_length).data(1, "1234").headers(1, kTrailers, kEnd); },
      [](Peer& p) { p.headers(1, kRequest).headers(1, kTrailers); },
      [](Peer& p) { p.headers(1, kRequest).headers(1, kRequest, kEnd); },
  };
  for (const auto& send : kRows) {
    Endpoint server(Role::kServer);
    Peer peer;
    server.settle(peer);
    send(peer);
    EXPECT_TRUE(server.recv(peer));
    EXPECT_EQ(server.sent(), (Lines{"RST_STREAM 1 PROTOCOL_ERROR"}));
    EXPECT_TRUE(server.recv(peer.data(1, "late").headers(3, with_length).data(3, "12345", kEnd)));
    EXPECT_EQ(server.heard().back(), "data 3 12345 END");
  }
}

// A larger limit of lists brings those of blocks and CONTINUATION with it.
TEST(Conduct, HeaderListsUpToTheirLimitGetIn) {
  for (const uint32_t limit : {64u << 10, 1u << 20}) {
    Endpoint server(Role::kServer, {.max_header_list_bytes = limit});
    Endpoint client(Role::kClient);
    client.recv(server.take());
    server.recv(client.take());
    const std::string value(limit - 1000, 'v');
    Fields fields = kRequest;
    fields.push_back({"x-big", value});
    client.open(fields, true);
    EXPECT_TRUE(server.recv(client.take())) << server->error().why;
    EXPECT_EQ(server.heard().back(), "request 1 END" + kRequestText + " x-big=…") << limit;
  }
}

TEST(Conduct, HeaderListTooLargeIsMarkedAndTheConnectionLives) {
  Endpoint server(Role::kServer, {.max_header_list_bytes = 200, .max_header_fields = 5});
  Peer peer;
  server.settle(peer);
  Fields large = kRequest;
  const std::string big(150, 'v');
  large.push_back({"x-big", big});
  Fields many = kRequest;
  for (const char* name : {"a", "b", "c"}) many.push_back({name, "1"});
  EXPECT_TRUE(
      server.recv(peer.headers(1, large, kEnd).headers(3, many, kEnd).headers(5, kRequest)));
  EXPECT_EQ(server.heard(), (Lines{"request 1 TRUNCATED END" + kRequestText,
                                   "request 3 TRUNCATED END" + kRequestText + " a=1 b=1",
                                   "request 5" + kRequestText}));
}

}  // namespace
}  // namespace saker::h2

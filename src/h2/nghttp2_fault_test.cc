// The same frames to libnghttp2 and to us, both servers: accepted by both or refused by both. Where
// we deliberately differ a row says how.
#include <gtest/gtest.h>

#include <random>

#include "saker/h2/nghttp2_testing.h"

namespace saker::h2 {
namespace {

constexpr uint8_t kEnd = kFlagEndStream;
const Fields kFullRequest = {
    {":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/S/M"}};

enum class Verdict { kAccepts, kResetsStream, kEndsConnection };

std::ostream& operator<<(std::ostream& out, Verdict verdict) {
  static constexpr const char* kNames[] = {"accepts", "resets the stream", "ends the connection"};
  return out << kNames[static_cast<size_t>(verdict)];
}

// What its output says of the input.
Verdict verdict_of(const ByteVector& sent) {
  Verdict verdict = Verdict::kAccepts;
  for (const Frame& frame : split_frames(sent)) {
    if (frame.header.type == FrameType::kRstStream) verdict = Verdict::kResetsStream;
    if (frame.header.type == FrameType::kGoaway) return Verdict::kEndsConnection;
  }
  return verdict;
}

Verdict their_verdict(const ByteVector& bytes) {
  NgSession theirs(Role::kServer);
  const bool alive = theirs.recv(bytes);
  return alive ? verdict_of(theirs.take()) : Verdict::kEndsConnection;
}

Verdict our_verdict(const ByteVector& bytes, ErrorCode* code = nullptr) {
  Endpoint ours(Role::kServer);
  const bool alive = ours.recv(bytes);
  if (code != nullptr) *code = ours->error().code;
  const Verdict verdict = verdict_of(ours.take());
  EXPECT_EQ(alive, verdict != Verdict::kEndsConnection);
  return verdict;
}

struct Row {
  const char* what;
  std::function<void(Peer&)> send;
};

// Rows of one verdict, on which both agree.
void expect_both(Verdict verdict, const std::vector<Row>& rows);

// Says what it added. `opened`: the highest stream so far; above it nothing is reset, which we judge
// differently.
std::string add_random_frame(Peer& peer, std::mt19937& random, StreamId& opened) {
  const auto id = static_cast<StreamId>(2 * (random() % 3) + 1);
  const uint8_t end = random() % 2 == 0 ? kEnd : uint8_t{0};
  const std::string on = " " + std::to_string(id) + (end != 0 ? " END," : ",");
  switch (random() % 10) {
    case 0:
    case 1:
    case 2:
      peer.headers(id, kFullRequest, end);
      opened = std::max(opened, id);
      return " HEADERS" + on;
    case 3:
      peer.headers(id, {{"x", "y"}}, end);
      opened = std::max(opened, id);
      return " trailers" + on;
    case 4:
    case 5:
      peer.data(id, "abc", end);
      return " DATA" + on;
    case 6:
      if (id > opened) return "";
      peer.rst_stream(id, ErrorCode::kCancel);
      return " RST" + on;
    case 7:
      peer.window_update(id, 1);
      return " WINDOW_UPDATE" + on;
    case 8:
      peer.padded_data(id, "abc", 20, end);
      return " padded DATA" + on;
    default:
      peer.priority(id).ping(1).settings();
      return " PRIORITY, PING, SETTINGS,";
  }
}

ByteVector bytes_of(const std::function<void(Peer&)>& send) {
  Peer peer;
  send(peer.preface().settings().settings_ack());
  return peer.take();
}

Fields request_with(const Fields& more) {
  Fields fields = kFullRequest;
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

std::function<void(Peer&)> request(Fields fields, uint8_t flags = 0) {
  return [=](Peer& p) { p.headers(1, fields, flags); };
}

std::function<void(Peer&)> frame(FrameType type, uint8_t flags, StreamId id, size_t size) {
  return [=](Peer& p) { p.frame(type, flags, id, ByteVector(size)); };
}

std::function<void(Peer&)> setting(SettingId id, uint32_t value) {
  return [=](Peer& p) { p.settings({{id, value}}); };
}

TEST(Nghttp2Faults, Accepted) {
  expect_both(
      Verdict::kAccepts,
      {
          {"a request", request(kFullRequest)},
          {"a request that ends", request(kFullRequest, kEnd)},
          {"a body", [](Peer& p) { p.headers(1, kFullRequest).data(1, "abc").data(1, "", kEnd); }},
          {"trailers", [](Peer& p) { p.headers(1, kFullRequest).headers(1, {{"x", "y"}}, kEnd); }},
          {"padding", [](Peer& p) { p.headers(1, kFullRequest).padded_data(1, "abc", 255, kEnd); }},
          {"an unknown frame", frame(static_cast<FrameType>(0x77), 0xff, 5, 10)},
          {"unknown settings", setting(static_cast<SettingId>(0x99), 5)},
          {"a window of 0", setting(SettingId::kInitialWindowSize, 0)},
          {"priority on an idle stream", [](Peer& p) { p.priority(101, 0); }},
          {"cancelled",
           [](Peer& p) { p.headers(1, kFullRequest).rst_stream(1, ErrorCode::kCancel); }},
          {"goaway", [](Peer& p) { p.goaway(0, ErrorCode::kNoError); }},
          {"te trailers", request(request_with({{"te", "trailers"}}))},
          {"te Trailers", request(request_with({{"te", "Trailers"}}))},
      });
}

TEST(Nghttp2Faults, StreamErrors) {
  expect_both(
      Verdict::kResetsStream,
      {
          {"upper case", request(request_with({{"X", "y"}}))},
          {"connection", request(request_with({{"connection", "close"}}))},
          {"transfer-encoding", request(request_with({{"transfer-encoding", "chunked"}}))},
          {"te gzip", request(request_with({{"te", "gzip"}}))},
          {"LF in a value", request(request_with({{"x", "a\nb"}}))},
          {":path twice", request(request_with({{":path", "/"}}))},
          {":status", request(request_with({{":status", "200"}}))},
          {":unknown", request(request_with({{":unknown", "1"}}))},
          {"late pseudo-header", request({{":method", "POST"},
                                          {":scheme", "http"},
                                          {":authority", "a"},
                                          {"x", "y"},
                                          {":path", "/"}})},
          {"no :method", request({{":scheme", "http"}, {":authority", "a"}, {":path", "/"}})},
          {"no :path", request({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}})},
          {"empty :path",
           request({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", ""}})},
          {"content-length twice",
           request(request_with({{"content-length", "1"}, {"content-length", "2"}}))},
          {"content-length x", request(request_with({{"content-length", "x"}}))},
          {"content-length, no content", request(request_with({{"content-length", "1"}}), kEnd)},
          {"content too short",
           [](Peer& p) {
             p.headers(1, request_with({{"content-length", "4"}})).data(1, "abc", kEnd);
           }},
          {"content too long",
           [](Peer& p) { p.headers(1, request_with({{"content-length", "2"}})).data(1, "abc"); }},
          {"trailers that don't end",
           [](Peer& p) { p.headers(1, kFullRequest).headers(1, {{"x", "y"}}); }},
          {"pseudo-header trailers",
           [](Peer& p) { p.headers(1, kFullRequest).headers(1, {{":path", "/"}}, kEnd); }},
      });
}

TEST(Nghttp2Faults, ConnectionErrors) {
  expect_both(
      Verdict::kEndsConnection,
      {
          {"DATA on 0", frame(FrameType::kData, 0, 0, 1)},
          {"DATA on idle", frame(FrameType::kData, 0, 1, 1)},
          {"HEADERS on 0", frame(FrameType::kHeaders, kFlagEndHeaders, 0, 1)},
          {"HEADERS on an even id", [](Peer& p) { p.headers(2, kFullRequest); }},
          {"HEADERS, bad HPACK", frame(FrameType::kHeaders, kFlagEndHeaders, 1, 1)},
          {"HEADERS too much padding",
           [](Peer& p) {
             p.frame(FrameType::kHeaders, kFlagPadded | kFlagEndHeaders, 1, ByteVector{9, 0x82});
           }},
          {"CONTINUATION alone", frame(FrameType::kContinuation, kFlagEndHeaders, 1, 0)},
          {"interrupted block",
           [](Peer& p) { p.frame(FrameType::kHeaders, 0, 1, p.block(kFullRequest)).ping(1); }},
          {"RST on 0", [](Peer& p) { p.rst_stream(0, ErrorCode::kCancel); }},
          {"RST of 3 bytes", frame(FrameType::kRstStream, 0, 1, 3)},
          {"SETTINGS of 5 bytes", frame(FrameType::kSettings, 0, 0, 5)},
          {"SETTINGS on a stream", frame(FrameType::kSettings, 0, 1, 0)},
          {"SETTINGS ACK of 6 bytes", frame(FrameType::kSettings, kFlagAck, 0, 6)},
          {"33 settings", frame(FrameType::kSettings, 0, 0, 33 * 6)},
          {"MAX_FRAME_SIZE 1", setting(SettingId::kMaxFrameSize, 1)},
          {"INITIAL_WINDOW_SIZE 2^31", setting(SettingId::kInitialWindowSize, 0x80000000)},
          {"ENABLE_PUSH 2", setting(SettingId::kEnablePush, 2)},
          {"PUSH_PROMISE", frame(FrameType::kPushPromise, kFlagEndHeaders, 1, 5)},
          {"PING of 7 bytes", frame(FrameType::kPing, 0, 0, 7)},
          {"PING on a stream", frame(FrameType::kPing, 0, 1, 8)},
          {"GOAWAY of 7 bytes", frame(FrameType::kGoaway, 0, 0, 7)},
          {"GOAWAY on a stream", frame(FrameType::kGoaway, 0, 1, 8)},
          {"WINDOW_UPDATE of 3 bytes", frame(FrameType::kWindowUpdate, 0, 0, 3)},
          {"WINDOW_UPDATE 0", [](Peer& p) { p.window_update(0, 0); }},
          {"WINDOW_UPDATE 0 on a stream",
           [](Peer& p) { p.headers(1, kFullRequest).window_update(1, 0); }},
          {"DATA after END_STREAM", [](Peer& p) { p.headers(1, kFullRequest, kEnd).data(1, "x"); }},
          {"HEADERS after END_STREAM",
           [](Peer& p) { p.headers(1, kFullRequest, kEnd).headers(1, {{"x", "y"}}, kEnd); }},
          {"DATA after RST_STREAM",
           [](Peer& p) {
             p.headers(1, kFullRequest).rst_stream(1, ErrorCode::kCancel).data(1, "x");
           }},
          {"a stream that depends on itself", [](Peer& p) { p.priority(3, 3); }},
          {"9 CONTINUATIONs",
           [](Peer& p) {
             p.frame(FrameType::kHeaders, 0, 1, p.block(kFullRequest));
             for (int i = 0; i < 8; ++i) p.frame(FrameType::kContinuation, 0, 1, {});
             p.frame(FrameType::kContinuation, kFlagEndHeaders, 1, {});
           }},
          {"WINDOW_UPDATE on idle", [](Peer& p) { p.window_update(1, 1); }},
          {"WINDOW_UPDATE overflow", [](Peer& p) { p.window_update(0, kMaxWindowBytes); }},
          {"PRIORITY on 0", [](Peer& p) { p.priority(0, 1); }},
          {"PRIORITY of 4 bytes", frame(FrameType::kPriority, 0, 1, 4)},
          {"frame too large", frame(FrameType::kPing, 0, 0, 16385)},
      });
}

// Where we are stricter, or milder, on purpose.
TEST(Nghttp2Faults, JudgedDifferently) {
  struct {
    const char* why;
    std::function<void(Peer&)> send;
    Verdict theirs;
    Verdict ours;
  } const kRows[] = {
      {"RFC 9113 8.3.1: a request need not name an authority", request(kRequest),
       Verdict::kResetsStream, Verdict::kAccepts},
      {"streams that make us reset are an attack (CVE-2025-8671): a stream's window overflows",
       [](Peer& p) { p.headers(1, kFullRequest).window_update(1, kMaxWindowBytes); },
       Verdict::kResetsStream, Verdict::kEndsConnection},
      {"the same: HEADERS below the highest id",
       [](Peer& p) { p.headers(5, kFullRequest).headers(3, kFullRequest); }, Verdict::kAccepts,
       Verdict::kEndsConnection},
      {"gRPC's C++ client resets streams that it has not opened yet",
       [](Peer& p) { p.rst_stream(1, ErrorCode::kCancel); }, Verdict::kEndsConnection,
       Verdict::kAccepts},
      {"CONNECT is not offered", request({{":method", "CONNECT"}, {":authority", "a"}}),
       Verdict::kAccepts, Verdict::kResetsStream},
  };
  for (const auto& row : kRows) {
    const ByteVector bytes = bytes_of(row.send);
    EXPECT_EQ(their_verdict(bytes), row.theirs) << row.why;
    EXPECT_EQ(our_verdict(bytes), row.ours) << row.why;
  }
}

// Random frames, most of them in order, on few streams. Stricter than nghttp2 we are only as said
// above, milder never.
TEST(Nghttp2Faults, RandomSequences) {
  size_t verdicts[3] = {0, 0, 0};
  for (unsigned seed = 1; seed <= 20'000; ++seed) {
    std::mt19937 random(seed);
    Peer peer;
    peer.preface().settings().settings_ack();
    std::string said;
    StreamId opened = 0;
    const auto count = 1 + random() % 6;
    for (size_t i = 0; i < count; ++i) said += add_random_frame(peer, random, opened);
    const ByteVector bytes = peer.take();
    const Verdict theirs = their_verdict(bytes);
    ErrorCode code{};
    const Verdict ours = our_verdict(bytes, &code);
    ++verdicts[static_cast<size_t>(theirs)];
    const bool stricter = code == ErrorCode::kStreamClosed;
    const bool milder = ours == Verdict::kResetsStream && theirs == Verdict::kEndsConnection;
    EXPECT_TRUE(ours == theirs || stricter || milder) << seed << said << ours << theirs;
    if (HasFailure()) break;
  }
  for (const size_t each : verdicts) EXPECT_GT(each, 500u);
}

void expect_both(Verdict verdict, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const ByteVector bytes = bytes_of(row.send);
    EXPECT_EQ(their_verdict(bytes), verdict) << "nghttp2: " << row.what;
    EXPECT_EQ(our_verdict(bytes), verdict) << "we: " << row.what;
  }
}

}  // namespace
}  // namespace saker::h2

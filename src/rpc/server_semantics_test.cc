// What gRPC's documents ask of a server, sentence by sentence (docs/semantics.md names them): frames
// in, frames out, a real server between.
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>

#include "saker/rpc/raw_peers_testing.h"

namespace saker::rpc {
namespace {

using grpc::Status;
using grpc::StatusCode;
using h2::ErrorCode;
using h2::Fields;
using h2::kFlagEndStream;
using h2::Lines;
using testing::Test;

const std::string kOkHead = " :status=200 content-type=application/grpc";
const std::string kEnded = "HEADERS 1 END_STREAM" + kOkHead;  // Trailers-Only, on stream 1

Fields request(std::string_view path = "/t.T/Unary", Fields more = {}) {
  Fields fields = {{":method", "POST"}, {":scheme", "http"}, {":path", path}};
  fields.push_back({"te", "trailers"});
  fields.push_back({"content-type", "application/grpc"});
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

class Semantics : public Test {
 protected:
  Semantics() {
    auto& dispatcher = world.dispatcher;
    dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Unary", [this](ServerContext& context, RawMessage& in, RawMessage& out) {
          return serve(context, in, out);
        });
    dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Slow", [this](ServerContext& context, RawMessage&, RawMessage&) -> Task<Status> {
          ++served;
          co_await Nap(context.loop(), 10s);
          was_cancelled = context.cancelled();
          co_return Status{};
        });
    dispatcher.add_client_streaming<RawMessage, RawMessage>(
        "/t.T/Collect",
        [](ServerContext&, Reader<RawMessage>& in, RawMessage& out) -> Task<Status> {
          RawMessage part;
          while (co_await in.read(part)) out.bytes += part.bytes;
          co_return Status{};
        });
    dispatcher.add_client_streaming<RawMessage, RawMessage>(
        "/t.T/Early", [](ServerContext&, Reader<RawMessage>&, RawMessage&) -> Task<Status> {
          co_return Status{StatusCode::kAborted, "heard enough", {}};
        });
    dispatcher.add_server_streaming<RawMessage, RawMessage>(
        "/t.T/Expand", [](ServerContext&, RawMessage& in, Writer<RawMessage>& out) -> Task<Status> {
          co_await out.write(in);
          const bool more = co_await out.write(in.bytes + in.bytes);
          co_return more ? Status{} : Status{StatusCode::kAborted, "overridden", {}};
        });
    dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", echo_stream);
  }

  // What a unary request says is what is done.
  Status serve(ServerContext& context, RawMessage& in, RawMessage& out) {
    ++served;
    if (in.bytes == "throw") throw std::runtime_error("a handler's");  // lint-allow: throw tested
    if (in.bytes == "fail") return {StatusCode::kAborted, "50 % Größe\n", "\x01\x02"};
    context.metadata().each(
        "x-bin", [&](std::string_view value) { out.bytes.append("<").append(value).append(">"); });
    context.metadata().each(
        "x-text", [&](std::string_view value) { out.bytes.append("(").append(value).append(")"); });
    out.bytes += in.bytes;
    return {};
  }

  void start() {
    world.start();
    client.emplace(world);
  }
  // One whole call on the next stream; lines are told as if it were stream 1.
  Lines call(const Fields& fields, std::string_view data) {
    if (!client) start();
    client->peer.headers(id, fields, data.empty() ? kFlagEndStream : uint8_t{0});
    if (!data.empty()) client->peer.data(id, data, kFlagEndStream);
    return as_stream_1(client->exchange());
  }
  Lines as_stream_1(Lines lines) {
    const std::string mine = " " + std::to_string(id);
    for (std::string& line : lines) {
      const size_t at = line.find(mine);
      if (at != std::string::npos) line.replace(at, mine.size(), " 1");
    }
    id += 2;
    return lines;
  }
  void expect_alive() {
    const Lines lines = call(request(), framed("still"));
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[2], "HEADERS 1 END_STREAM grpc-status=0");
    EXPECT_FALSE(client->closed_by_peer());
  }
  // The trailers of a call that fails before any reply: code and message.
  void expect_refused(const Lines& lines, int code, std::string_view message,
                      std::string_view more = "") {
    std::string line = kEnded + " grpc-status=" + std::to_string(code) + " grpc-message=";
    line.append(message).append(more);
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ(lines.front(), line);
  }

  SimWorld world;
  std::optional<RawClient> client;
  h2::StreamId id = 1;
  int served = 0;
  bool was_cancelled = false;
};

// ---- heads

TEST_F(Semantics, OtherContentTypesAre415) {
  for (const char* type : {"text/plain", "application/json", "application/grpc-web"}) {
    Fields fields = request();
    fields.back().value = type;
    EXPECT_EQ(call(fields, framed("x")), Lines{"HEADERS 1 END_STREAM :status=415"}) << type;
  }
  Fields none = request();
  none.pop_back();
  EXPECT_EQ(call(none, framed("x")), Lines{"HEADERS 1 END_STREAM :status=415"});
  EXPECT_EQ(served, 0);
  expect_alive();
}

TEST_F(Semantics, SuffixesAndParametersOfTheContentTypeAreServed) {
  for (const char* type : {"application/grpc+proto", "application/grpc+json",
                           "application/grpc;charset=utf-8", "application/grpc+thrift"}) {
    Fields fields = request();
    fields.back().value = type;
    EXPECT_EQ(call(fields, framed("x")).size(), 3u) << type;
  }
  EXPECT_EQ(served, 4);
}

TEST_F(Semantics, OtherMethodsThanPostAre405) {
  Fields fields = request();
  fields.front().value = "GET";
  EXPECT_EQ(call(fields, ""), Lines{"HEADERS 1 END_STREAM :status=405 allow=POST"});
  expect_alive();
}

TEST_F(Semantics, TeMayBeMissing) {
  Fields fields = request();
  std::erase_if(fields, [](const auto& field) { return field.name == "te"; });
  EXPECT_EQ(call(fields, framed("x")).back(), "HEADERS 1 END_STREAM grpc-status=0");
}

TEST_F(Semantics, WhatIsNotThereIsUnimplemented) {
  expect_refused(call(request("/t.T/Missing"), framed("x")), 12,
                 "unknown method Missing of service t.T");
  expect_refused(call(request("/no.Such/Method"), framed("x")), 12, "unknown service no.Such");
  expect_refused(call(request("/t.T"), framed("x")), 12, "malformed :path");
  expect_refused(call(request("/t.T/Unary/More"), framed("x")), 12, "malformed :path");
  expect_alive();
}

TEST_F(Semantics, UnknownEncodingsAreNamedWithTheKnownOnes) {
  const Lines lines = call(request("/t.T/Unary", {{"grpc-encoding", "snappy"}}), framed("x", 1));
  ASSERT_FALSE(lines.empty());
  EXPECT_TRUE(lines[0].starts_with(kEnded + " grpc-accept-encoding=")) << lines[0];
  EXPECT_TRUE(lines[0].ends_with(" grpc-status=12 grpc-message=unsupported grpc-encoding"));
  for (const char* name : {"identity", "deflate", "gzip"}) {
    EXPECT_NE(lines[0].find(name), std::string::npos) << name;
  }
  expect_alive();
}

TEST_F(Semantics, MetadataOverTheLimitEndsTheCallOnly) {
  world.server_options.connection.max_header_list_bytes = 1000;
  const std::string large(2000, 'a');
  expect_refused(call(request("/t.T/Unary", {{"x-large", large}}), framed("x")), 8,
                 "request metadata is over the limit");
  const std::string commas(800, ',');
  expect_refused(call(request("/t.T/Unary", {{"x-bin", commas}}), framed("x")), 8,
                 "request metadata is over the limit");
  EXPECT_EQ(served, 0);
  expect_alive();
}

TEST_F(Semantics, BinaryMetadataIsSplitAtCommasAndMayComeTwice) {
  const Fields more = {{"x-bin", "YQ,Yg=="}, {"x-bin", "Yw"}, {"x-text", "1"}, {"x-text", "2"}};
  EXPECT_EQ(call(request("/t.T/Unary", more), framed("."))[1],
            "DATA 1 (21 bytes)");  // 5 + <a><b><c>(1)(2).
}

TEST_F(Semantics, ABadBinaryValueHarmsNobodyElse) {
  const Lines lines = call(request("/t.T/Unary", {{"x-bin", "!"}, {"x-text", "1"}}), framed("."));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1], "DATA 1 (9 bytes)");  // 5 + (1).
  expect_alive();
}

// ---- messages

TEST_F(Semantics, DataBoundariesMeanNothing) {
  start();
  client->peer.headers(1, request());
  for (const char c : framed("hello")) client->peer.data(1, {&c, 1});
  client->peer.data(1, "", kFlagEndStream);  // empty, with END_STREAM
  EXPECT_EQ(client->exchange().back(), "HEADERS 1 END_STREAM grpc-status=0");
  client->peer.headers(3, request()).padded_data(3, framed("padded"), 200, kFlagEndStream);
  EXPECT_EQ(client->exchange().back(), "HEADERS 3 END_STREAM grpc-status=0");
  EXPECT_EQ(served, 2);
}

TEST_F(Semantics, ExactlyOneRequestWhereThereIsOne) {
  for (const char* path : {"/t.T/Unary", "/t.T/Expand"}) {
    const Lines none = call(request(path), "");
    ASSERT_EQ(none.size(), 1u) << path;
    EXPECT_NE(none[0].find(" grpc-status=12 grpc-message=a "), std::string::npos) << none[0];
    EXPECT_NE(none[0].find("without a request message"), std::string::npos) << none[0];
    const Lines two = call(request(path), framed("1") + framed("2"));
    ASSERT_EQ(two.size(), 1u) << path;
    EXPECT_NE(two[0].find(" grpc-status=12 grpc-message=more than one request message"),
              std::string::npos)
        << two[0];
  }
  EXPECT_EQ(served, 0);
}

TEST_F(Semantics, AMessageThatIsCutShortIsInternal) {
  const std::string cut = framed("hello").substr(0, 7);
  expect_refused(call(request(), cut), 13, "the request ended inside a message");
  expect_refused(call(request("/t.T/Collect"), cut), 13, "the stream ended inside a message");
  expect_refused(call(request("/t.T/Expand"), cut), 13, "the stream ended inside a message");
}

TEST_F(Semantics, FlagsThatPromiseTooMuchAreInternal) {
  expect_refused(call(request(), framed("x", 1)), 13, "compressed message without a grpc-encoding");
  expect_refused(call(request(), framed("x", 2)), 13, "message flag is neither 0 nor 1");
  expect_refused(call(request("/t.T/Collect"), framed("x", 2)), 13,
                 "message flag is neither 0 nor 1");
  expect_refused(call(request("/t.T/Unary", {{"grpc-encoding", "gzip"}}), framed("no gzip", 1)), 13,
                 "a request message is not what its grpc-encoding says");
  EXPECT_EQ(served, 0);
  expect_alive();
}

// Refused at the fifth byte: what the prefix claims is never waited for.
TEST_F(Semantics, ARequestOverTheLimitEndsTheCallOnly) {
  world.server_options.max_receive_message_bytes = 100;
  const std::string prefix("\x00\xff\xff\xff\xff", 5);
  for (const char* path : {"/t.T/Unary", "/t.T/Collect"}) {
    if (!client) start();
    client->peer.headers(id, request(path)).data(id, prefix);
    const Lines lines = as_stream_1(client->exchange());
    ASSERT_EQ(lines.size(), 2u) << path;
    EXPECT_TRUE(lines[0].starts_with(kEnded + " grpc-status=8 grpc-message=")) << lines[0];
    EXPECT_EQ(lines[1], "RST_STREAM 1 NO_ERROR");
  }
  expect_alive();
}

TEST_F(Semantics, ARequestForWhichThereIsNoMemoryEndsTheCallOnly) {
  world.server_options.max_connection_memory_bytes = 50;
  start();
  client->peer.headers(id, request()).data(id, framed(std::string(200, 'x')).substr(0, 100));
  const Lines lines = as_stream_1(client->exchange());
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], kEnded +
                          " grpc-status=8 grpc-message=request of 200 bytes is over what is left "
                          "of the connection's memory for messages");
  expect_alive();
}

TEST_F(Semantics, AReplyOverTheLimitIsResourceExhausted) {
  world.server_options.max_send_message_bytes = 5;
  const char* over = "reply of 6 bytes is over the limit of 5";
  expect_refused(call(request(), framed("123456")), 8, over);
  expect_refused(call(request("/t.T/Collect"), framed("123") + framed("456")), 8, over);
  const Lines lines = call(request("/t.T/Expand"), framed("123"));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1], "DATA 1 (8 bytes)") << "the first one fits";
  EXPECT_EQ(lines[2], std::string("HEADERS 1 END_STREAM grpc-status=8 grpc-message=") + over);
  expect_alive();
}

// ---- ends

TEST_F(Semantics, ErrorsBeforeTheFirstMessageAreTrailersOnly) {
  const Lines lines = call(request(), framed("fail"));
  expect_refused(lines, 10, "50 %25 Gr%C3%B6%C3%9Fe%0A", " grpc-status-details-bin=AQI");
  EXPECT_EQ(lines.size(), 1u);
}

TEST_F(Semantics, AHandlerThatThrowsIsInternal) {
  expect_refused(call(request(), framed("throw")), 13, "the handler threw an exception");
  expect_alive();
}

TEST_F(Semantics, EarlyTrailersAreFollowedByNoError) {
  start();
  client->peer.headers(1, request("/t.T/Early"));
  const Lines lines = client->exchange();
  expect_refused(lines, 10, "heard enough");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1], "RST_STREAM 1 NO_ERROR");
  client->peer.data(1, framed("late"), kFlagEndStream);  // under way when the reset came
  EXPECT_EQ(client->exchange(), Lines{});
  id = 3;
  expect_alive();
}

TEST_F(Semantics, TimeoutsWithoutAGrammarAreInternal) {
  for (const char* timeout : {"10", "S", "-1S", "123456789S", "1s", "1.5S"}) {
    expect_refused(call(request("/t.T/Unary", {{"grpc-timeout", timeout}}), framed("x")), 13,
                   "malformed grpc-timeout");
  }
  for (const char* timeout : {"1H", "99999999H", "5M", "20S", "500m", "99999999u", "99999999n"}) {
    EXPECT_EQ(call(request("/t.T/Unary", {{"grpc-timeout", timeout}}), framed("x")).size(), 3u)
        << timeout;
  }
  EXPECT_EQ(served, 7);
}

TEST_F(Semantics, AnExpiredCallIsResetWithCancel) {
  start();
  client->peer.headers(1, request("/t.T/Slow", {{"grpc-timeout", "100m"}}))
      .data(1, framed("x"), kFlagEndStream);
  EXPECT_EQ(client->exchange(50ms), Lines{});
  EXPECT_EQ(client->exchange(100ms), Lines{"RST_STREAM 1 CANCEL"});
  EXPECT_EQ(served, 1);
  EXPECT_EQ(world.calls(StatusCode::kDeadlineExceeded), 1u);
  client->exchange(20s);
  EXPECT_TRUE(was_cancelled) << "the handler can see it";
}

TEST_F(Semantics, ACallThatHasExpiredNeverRuns) {
  EXPECT_EQ(call(request("/t.T/Unary", {{"grpc-timeout", "0n"}}), framed("x")),
            Lines{"RST_STREAM 1 CANCEL"});
  EXPECT_EQ(served, 0);
}

TEST_F(Semantics, ADeadlineNeedsNoWholeRequest) {
  start();
  client->peer.headers(1, request("/t.T/Unary", {{"grpc-timeout", "100m"}}));
  EXPECT_EQ(client->exchange(50ms), Lines{});
  client->peer.data(1, framed("hello").substr(0, 6));
  EXPECT_EQ(client->exchange(100ms), Lines{"RST_STREAM 1 CANCEL"});
  EXPECT_EQ(served, 0);
  EXPECT_EQ(world.calls(StatusCode::kDeadlineExceeded), 1u);
  client->peer.headers(3, request("/t.T/Unary", {{"grpc-timeout", "100m"}}));
  client->exchange(50ms);
  client->peer.data(3, framed("in time"), kFlagEndStream);
  EXPECT_EQ(client->exchange().back(), "HEADERS 3 END_STREAM grpc-status=0");
}

TEST_F(Semantics, AResetCallIsCancelled) {
  start();
  client->peer.headers(1, request("/t.T/Slow")).data(1, framed("x"), kFlagEndStream);
  client->exchange();
  client->peer.rst_stream(1, ErrorCode::kCancel);
  EXPECT_EQ(client->exchange(20s), Lines{});
  EXPECT_TRUE(was_cancelled);
  EXPECT_EQ(world.calls(StatusCode::kCancelled), 1u);
}

}  // namespace
}  // namespace saker::rpc

// What gRPC's documents ask of a client, sentence by sentence (docs/semantics.md names them): what a
// call makes of frames that say anything, right or wrong. REFUSED_STREAM and what is tried again for
// it: client_resets_test.cc.
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

#include <optional>

#include "saker/grpc/http.h"
#include "saker/rpc/raw_peers_testing.h"

namespace saker::rpc {
namespace {

using google::protobuf::StringValue;
using grpc::Status;
using grpc::StatusCode;
using h2::Fields;
using h2::kFlagEndStream;
using Answer = std::function<void(h2::Peer&)>;

const Fields kHead = {{":status", "200"}, {"content-type", "application/grpc"}};
const Fields kOk = {{"grpc-status", "0"}};

Fields head_with(std::string_view name, std::string_view value) {
  Fields fields = kHead;
  fields.push_back({name, value});
  return fields;
}

// A call that has been opened and hears `answer`.
template <typename Message>
class Asked final : private UnaryClientCall<Message, Message> {
 public:
  explicit Asked(const ChannelOptions& options = {})
      : channel(client_loop, *net::parse_address("memory://server"), options) {}

  Status ends_with(const Answer& answer, const CallOptions& call_options = {}) {
    start(call_options);
    answer(server.peer);
    server.exchange();
    return status_at_the_end();
  }
  void start(const CallOptions& call_options) {
    done = false;
    if constexpr (std::same_as<Message, RawMessage>) this->request().bytes = "request";
    ClientCall::start(channel, unary_method(), call_options);
    network.run_until([&] { return server.connected(); }, 1s);
    sent = server.exchange();
  }
  Status status_at_the_end() {
    EXPECT_TRUE(network.run_until([&] { return done; }, 1h));
    return this->status();
  }
  using UnaryClientCall<Message, Message>::cancel;
  using UnaryClientCall<Message, Message>::reply;

  net::SimNetwork network{1};
  net::SimLoop server_loop{network};
  net::SimLoop client_loop{network};
  RawServer server{network, server_loop};
  Channel channel;
  h2::Lines sent;

 private:
  void on_done() override { done = true; }
  bool done = false;
};

void expect_status(const Status& status, StatusCode code, std::string_view message) {
  EXPECT_EQ(grpc::status_code_name(status.code), grpc::status_code_name(code)) << status.message;
  EXPECT_EQ(status.message, message);
}

void expect_end(StatusCode code, std::string_view message, const Answer& answer,
                const ChannelOptions& options = {}) {
  Asked<RawMessage> call(options);
  expect_status(call.ends_with(answer), code, message);
}

// ---- without a grpc-status

TEST(ClientSemantics, HttpStatusStandsInForAMissingGrpcStatus) {
  const std::pair<const char*, StatusCode> table[] = {
      {"302", StatusCode::kUnknown},         {"400", StatusCode::kInternal},
      {"401", StatusCode::kUnauthenticated}, {"403", StatusCode::kPermissionDenied},
      {"404", StatusCode::kUnimplemented},   {"429", StatusCode::kUnavailable},
      {"431", StatusCode::kInternal},        {"500", StatusCode::kUnknown},
      {"502", StatusCode::kUnavailable},     {"503", StatusCode::kUnavailable},
      {"504", StatusCode::kUnavailable},
  };
  for (const auto& [status, code] : table) {
    expect_end(code, std::string("the peer answered HTTP status ") + status,
               [&](h2::Peer& peer) { peer.headers(1, {{":status", status}}, kFlagEndStream); });
  }
}

TEST(ClientSemantics, AGrpcStatusBeatsTheHttpStatus) {
  expect_end(StatusCode::kAborted, "", [](h2::Peer& peer) {
    peer.headers(1, {{":status", "503"}, {"grpc-status", "10"}}, kFlagEndStream);
  });
}

TEST(ClientSemantics, InformationalResponsesAreSkipped) {
  Asked<RawMessage> call;
  const Status status = call.ends_with([](h2::Peer& peer) {
    peer.headers(1, {{":status", "100"}}).headers(1, {{":status", "103"}});
    peer.headers(1, kHead).data(1, framed("reply")).headers(1, kOk, kFlagEndStream);
  });
  EXPECT_TRUE(status.ok()) << status.message;
  EXPECT_EQ(call.reply().bytes, "reply");
}

TEST(ClientSemantics, ResponsesThatAreNotGrpc) {
  expect_end(StatusCode::kUnknown, "the response's content-type is not gRPC", [](h2::Peer& peer) {
    peer.headers(1, {{":status", "200"}, {"content-type", "text/html"}}).data(1, "<html>");
  });
  expect_end(StatusCode::kUnknown, "the response ended without a grpc-status", [](h2::Peer& peer) {
    peer.headers(1, kHead).data(1, framed("x")).headers(1, {{"x", "y"}}, kFlagEndStream);
  });
  expect_end(StatusCode::kInternal, "the response ended without a grpc-status",
             [](h2::Peer& peer) { peer.headers(1, kHead).data(1, framed("x"), kFlagEndStream); });
  expect_end(StatusCode::kInternal, "the server's response was malformed", [](h2::Peer& peer) {
    peer.headers(1, {{"content-type", "application/grpc"}});  // no :status
  });
}

TEST(ClientSemantics, AStatusThatIsNoCodeIsUnknown) {
  for (const char* status : {"17", "99", "-1", "x", ""}) {
    expect_end(StatusCode::kUnknown, "why", [&](h2::Peer& peer) {
      const Fields trailers = {{"grpc-status", status}, {"grpc-message", "why"}};
      peer.headers(1, kHead).data(1, framed("x")).headers(1, trailers, kFlagEndStream);
    });
  }
}

TEST(ClientSemantics, MessagesAreDecodedAndBrokenPercentsStay) {
  expect_end(StatusCode::kAborted, "50 % Größe %zz", [](h2::Peer& peer) {
    Fields fields = kHead;
    fields.push_back({"grpc-status", "10"});
    fields.push_back({"grpc-message", "50 %25 Gr%C3%B6%C3%9fe %zz"});
    peer.headers(1, fields, kFlagEndStream);
  });
}

// ---- messages

TEST(ClientSemantics, ExactlyOneReply) {
  expect_end(StatusCode::kUnimplemented, "status OK without a reply",
             [](h2::Peer& peer) { peer.headers(1, kHead).headers(1, kOk, kFlagEndStream); });
  expect_end(StatusCode::kUnimplemented, "more than one reply to a unary call", [](h2::Peer& peer) {
    peer.headers(1, kHead).data(1, framed("1") + framed("2")).headers(1, kOk, kFlagEndStream);
  });
  expect_end(StatusCode::kInternal, "the reply was cut short", [](h2::Peer& peer) {
    peer.headers(1, kHead).data(1, framed("hello").substr(0, 7)).headers(1, kOk, kFlagEndStream);
  });
}

TEST(ClientSemantics, RepliesThatAreNotWhatTheySay) {
  expect_end(StatusCode::kInternal, "a reply's flag is neither 0 nor 1",
             [](h2::Peer& peer) { peer.headers(1, kHead).data(1, framed("x", 2)); });
  expect_end(StatusCode::kInternal, "compressed reply without a grpc-encoding",
             [](h2::Peer& peer) { peer.headers(1, kHead).data(1, framed("x", 1)); });
  expect_end(StatusCode::kInternal, "the reply's grpc-encoding is not known",
             [](h2::Peer& peer) { peer.headers(1, head_with("grpc-encoding", "snappy")); });
  expect_end(StatusCode::kInternal, "a reply is not what its grpc-encoding says",
             [](h2::Peer& peer) {
               peer.headers(1, head_with("grpc-encoding", "gzip")).data(1, framed("no gzip", 1));
             });
  Asked<StringValue> call;
  expect_status(call.ends_with([](h2::Peer& peer) {
    peer.headers(1, kHead).data(1, framed("\xff\xff")).headers(1, kOk, kFlagEndStream);
  }),
                StatusCode::kInternal, "the reply does not parse");
}

TEST(ClientSemantics, WhatIsOverALimit) {
  expect_end(StatusCode::kResourceExhausted, "reply of 4294967295 bytes is over the limit",
             [](h2::Peer& peer) {
               peer.headers(1, kHead).data(1, std::string("\x00\xff\xff\xff\xff", 5));
             });
  ChannelOptions options;
  options.connection.max_header_list_bytes = 1000;
  const std::string large(2000, 'a');
  expect_end(
      StatusCode::kResourceExhausted, "response metadata is over the limit",
      [&](h2::Peer& peer) { peer.headers(1, head_with("x-large", large)); }, options);
  const std::string commas(800, ',');
  expect_end(
      StatusCode::kResourceExhausted, "response metadata is over the limit",
      [&](h2::Peer& peer) { peer.headers(1, head_with("x-bin", commas)); }, options);
  ChannelOptions small;
  small.max_send_message_bytes = 6;
  expect_end(
      StatusCode::kResourceExhausted, "request of 7 bytes is over the limit of 6", [](h2::Peer&) {},
      small);
}

// The stream is reset; the connection, and what the server says there of HPACK, goes on.
TEST(ClientSemantics, WhatIsOverALimitEndsTheCallOnly) {
  ChannelOptions options;
  options.max_receive_message_bytes = 100;
  options.connection.max_header_list_bytes = 1000;
  const std::string large(2000, 'a');
  const Answer kTooMuch[] = {
      [](h2::Peer& peer) { peer.headers(1, kHead).data(1, framed(std::string(101, 'r'))); },
      [](h2::Peer& peer) {
        peer.headers(1, kHead).data(1, std::string("\x00\xff\xff\xff\xff", 5));
      },
      [&](h2::Peer& peer) { peer.headers(1, head_with("x-large", large)); },
      [&](h2::Peer& peer) {
        peer.headers(1, kHead).data(1, framed("r"));
        peer.headers(1, {{"grpc-status", "0"}, {"x-large", large}}, kFlagEndStream);
      },
  };
  for (const Answer& answer : kTooMuch) {
    Asked<RawMessage> call(options);
    EXPECT_EQ(call.ends_with(answer).code, StatusCode::kResourceExhausted);
    const Status second = call.ends_with([](h2::Peer& peer) {
      peer.headers(3, kHead).data(3, framed("reply")).headers(3, kOk, kFlagEndStream);
    });
    EXPECT_TRUE(second.ok()) << second.message;
    EXPECT_EQ(call.reply().bytes, "reply");
    EXPECT_EQ(call.server.connections, 1);
  }
}

TEST(ClientSemantics, RequestMetadataOverTheServersLimitIsNotSent) {
  Asked<RawMessage> call;
  call.server.peer.settings({{h2::SettingId::kMaxHeaderListSize, 500}});
  grpc::Metadata metadata;
  ASSERT_EQ(metadata.add("x-large", std::string(600, 'a')), grpc::AddResult::kOk);
  expect_status(call.ends_with([](h2::Peer&) {}, {.metadata = &metadata}),
                StatusCode::kResourceExhausted,
                "request metadata is over the server's limit of 500 bytes");
}

// ---- ends

TEST(ClientSemantics, EveryResetHasItsStatus) {
  for (uint32_t number = 0; number <= 0xe; ++number) {
    const auto code = static_cast<h2::ErrorCode>(number);
    if (code == h2::ErrorCode::kRefusedStream) continue;
    expect_end(grpc::status_from_reset(number),
               "the server reset the stream with " + std::string(h2::error_code_name(code)),
               [&](h2::Peer& peer) { peer.rst_stream(1, code); });
  }
}

TEST(ClientSemantics, OurOwnClockDecidesTheDeadline) {
  Asked<RawMessage> call;
  const CallOptions options{.deadline = call.network.now() + 5s};
  expect_status(call.ends_with([](h2::Peer& peer) { peer.headers(1, kHead); }, options),
                StatusCode::kDeadlineExceeded, "deadline exceeded");
  EXPECT_EQ(call.server.exchange().back(), "RST_STREAM 1 CANCEL");
}

TEST(ClientSemantics, CancelResetsTheStream) {
  Asked<RawMessage> call;
  call.start({});
  call.cancel();
  expect_status(call.status_at_the_end(), StatusCode::kCancelled, "cancelled by the caller");
  EXPECT_EQ(call.server.exchange().back(), "RST_STREAM 1 CANCEL");
}

TEST(ClientSemantics, AConnectionThatEndsIsUnavailable) {
  Asked<RawMessage> call;
  call.start({});
  call.server.close();
  const Status status = call.status_at_the_end();
  EXPECT_EQ(status.code, StatusCode::kUnavailable);
  EXPECT_NE(status.message.find("the connection to "), std::string::npos) << status.message;
}

TEST(ClientSemantics, AServerThatAnswersNoPingIsUnavailable) {
  ChannelOptions options;
  options.keepalive = {.time = 10s, .timeout = 5s};
  Asked<RawMessage> call(options);
  const Status status = call.ends_with([](h2::Peer&) {});
  EXPECT_EQ(status.code, StatusCode::kUnavailable);
  EXPECT_NE(status.message.find("no answer to keepalive pings"), std::string::npos);
}

// Stock servers end connections that ping them without a call more than once in five minutes.
TEST(ClientSemantics, NoPingsWithoutACall) {
  ChannelOptions options;
  options.keepalive = {.time = 10s, .timeout = 5s};
  options.idle_timeout = Duration::max();  // connections at rest stay
  Asked<RawMessage> call(options);
  const Status status = call.ends_with([](h2::Peer& peer) {
    peer.headers(1, kHead).data(1, framed("reply")).headers(1, kOk, kFlagEndStream);
  });
  EXPECT_TRUE(status.ok()) << status.message;
  EXPECT_EQ(call.server.exchange(1h), h2::Lines{});
  EXPECT_FALSE(call.server.closed_by_peer());
}

// Once more, and no third time: a client must not besiege a server that wants to be left alone.
TEST(ClientSemantics, AServerThatGoesAwayAtOnceIsUnavailable) {
  Asked<RawMessage> call;
  call.server.goes_away = true;
  call.start({});
  const Status status = call.status_at_the_end();
  EXPECT_EQ(status.code, StatusCode::kUnavailable);
  EXPECT_NE(status.message.find("the server is going away"), std::string::npos) << status.message;
  EXPECT_EQ(call.server.connections, 2);
}

// A drain takes two; whoever sends thousands does not fill our memory with their words.
TEST(ClientSemantics, TheLastGoawayIsTheOneThatIsTold) {
  Asked<RawMessage> call;
  call.start({});
  for (int at = 0; at < 100; ++at) {
    call.server.peer.goaway(1, h2::ErrorCode::kNoError, "word " + std::to_string(at));
  }
  call.server.exchange();
  call.server.close();
  const Status status = call.status_at_the_end();
  expect_status(status, StatusCode::kUnavailable,
                "the connection to memory://server was lost: the server is going away, NO_ERROR, "
                "word 99");
}

TEST(ClientSemantics, NobodyThereIsUnavailable) {
  net::SimNetwork network(1);
  net::SimLoop loop(network);
  Channel channel(loop, *net::parse_address("memory://nobody"));
  TestUnary call;
  call.start(channel, unary_method());
  EXPECT_TRUE(network.run_until([&] { return call.done == 1; }, 1min));
  EXPECT_EQ(call.status().code, StatusCode::kUnavailable);
}

// ---- requests that do not parse, seen by a server

TEST(ServerParsing, RequestsThatDoNotParseAreInternal) {
  SimWorld world;
  world.dispatcher.add_unary<StringValue, StringValue>(
      "/t.T/Unary", [](ServerContext&, StringValue&, StringValue&) { return Status{}; });
  world.dispatcher.add_client_streaming<StringValue, StringValue>(
      "/t.T/Collect",
      [](ServerContext&, Reader<StringValue>& requests, StringValue&) -> Task<Status> {
        StringValue request;
        while (co_await requests.read(request)) {
        }
        co_return Status{};
      });
  world.start();
  RawClient client(world);
  h2::StreamId id = 1;
  for (const char* path : {"/t.T/Unary", "/t.T/Collect"}) {
    const Fields fields = {{":method", "POST"},
                           {":scheme", "http"},
                           {":path", path},
                           {"content-type", "application/grpc"}};
    client.peer.headers(id, fields).data(id, framed("\xff\xff"), kFlagEndStream);
    const auto lines = client.exchange();
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find(" grpc-status=13 grpc-message="), std::string::npos) << lines[0];
    EXPECT_NE(lines[0].find("message does not parse"), std::string::npos) << lines[0];
    id += 2;
  }
}

}  // namespace
}  // namespace saker::rpc

// Statuses that a client gives by itself where the reply is a stream or the channel has gone:
// docs/semantics.md, section 2. Unary calls: client_semantics_test.cc.
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "saker/rpc/raw_peers_testing.h"

namespace saker::rpc {
namespace {

using google::protobuf::StringValue;
using grpc::Status;
using grpc::StatusCode;
using h2::kFlagEndStream;
using Answer = std::function<void(h2::Peer&)>;

const h2::Fields kHead = {{":status", "200"}, {"content-type", "application/grpc"}};
const h2::Fields kOk = {{"grpc-status", "0"}};

class Collect final : public StreamingClientCall<StringValue, StringValue> {
 public:
  bool done = false;

 private:
  void on_reply(StringValue&) override {}
  void on_writable() override {}
  void on_done() override { done = true; }
};

void expect_status(const Status& status, StatusCode code, std::string_view message) {
  EXPECT_EQ(grpc::status_code_name(status.code), grpc::status_code_name(code)) << status.message;
  EXPECT_EQ(status.message, message);
}

// One of client streaming, answered so.
void expect_end(StatusCode code, std::string_view message, const Answer& answer,
                const ChannelOptions& options = {}) {
  net::SimNetwork network{1};
  net::SimLoop server_loop{network};
  net::SimLoop client_loop{network};
  RawServer server(network, server_loop);
  Channel channel(client_loop, *net::parse_address("memory://server"), options);
  Collect call;
  call.start(channel, collect_method());
  server.exchange();
  answer(server.peer);
  server.exchange();
  ASSERT_TRUE(call.done);
  expect_status(call.status(), code, message);
}

TEST(StreamStatuses, RepliesThatAreNotWhatTheySay) {
  expect_end(StatusCode::kInternal, "a reply does not parse", [](h2::Peer& peer) {
    peer.headers(1, kHead).data(1, framed("\xff\xff")).headers(1, kOk, kFlagEndStream);
  });
  expect_end(StatusCode::kInternal, "a reply's flag is neither 0 nor 1", [](h2::Peer& peer) {
    peer.headers(1, kHead).data(1, framed("", 2)).headers(1, kOk, kFlagEndStream);
  });
  expect_end(StatusCode::kInternal, "the stream ended inside a message", [](h2::Peer& peer) {
    peer.headers(1, kHead).data(1, framed("hello").substr(0, 7)).headers(1, kOk, kFlagEndStream);
  });
}

TEST(StreamStatuses, ExactlyOneReply) {
  expect_end(StatusCode::kUnimplemented, "more than one reply", [](h2::Peer& peer) {
    peer.headers(1, kHead).data(1, framed("") + framed("")).headers(1, kOk, kFlagEndStream);
  });
  expect_end(StatusCode::kUnimplemented, "status OK without a reply",
             [](h2::Peer& peer) { peer.headers(1, kHead).headers(1, kOk, kFlagEndStream); });
}

TEST(StreamStatuses, WhatIsOverALimit) {
  const Answer answer = [](h2::Peer& peer) {
    peer.headers(1, kHead).data(1, framed(std::string(200, 'x')).substr(0, 100));
  };
  ChannelOptions small;
  small.max_receive_message_bytes = 100;
  expect_end(StatusCode::kResourceExhausted, "a reply of 200 bytes is over the limit", answer,
             small);
  ChannelOptions poor;
  poor.max_connection_memory_bytes = 50;
  expect_end(StatusCode::kResourceExhausted,
             "a reply of 200 bytes is over what is left of the connection's memory for messages",
             answer, poor);
}

// ---- channels

TEST(ChannelStatuses, AUnaryReplyForWhichThereIsNoMemory) {
  net::SimNetwork network{1};
  net::SimLoop server_loop{network};
  net::SimLoop client_loop{network};
  RawServer server(network, server_loop);
  ChannelOptions options;
  options.max_connection_memory_bytes = 50;
  Channel channel(client_loop, *net::parse_address("memory://server"), options);
  TestUnary call;
  call.start(channel, unary_method());
  server.exchange();
  server.peer.headers(1, kHead).data(1, framed(std::string(200, 'x')).substr(0, 100));
  server.exchange();
  ASSERT_EQ(call.done, 1);
  expect_status(call.status(), StatusCode::kResourceExhausted,
                "reply of 200 bytes is over what is left of the connection's memory for messages");
}

// Its part of a reply is charged by way of its policy, which goes with it.
TEST(ChannelStatuses, ACallWithAServiceConfigMayBeDestroyedInsideAReply) {
  net::SimNetwork network{1};
  net::SimLoop server_loop{network};
  net::SimLoop client_loop{network};
  RawServer server(network, server_loop);
  auto config = ServiceConfig::parse(
      R"({"methodConfig": [{"name": [{}], "maxResponseMessageBytes": 1000}]})");
  ASSERT_TRUE(config);
  ChannelOptions options;
  options.service_config = std::make_shared<const ServiceConfig>(*std::move(config));
  Channel channel(client_loop, *net::parse_address("memory://server"), options);
  auto call = std::make_unique<TestUnary>();
  call->start(channel, unary_method());
  server.exchange();
  const size_t before = client_loop.chunks().outstanding();
  server.peer.headers(1, kHead).data(1, framed(std::string(200, 'x')).substr(0, 100));
  server.exchange();
  ASSERT_EQ(call->done, 0);
  EXPECT_EQ(client_loop.chunks().outstanding(), before + 1);
  call.reset();
  server.exchange();  // its RST_STREAM
  EXPECT_EQ(client_loop.chunks().outstanding(), before);
}

TEST(ChannelStatuses, WhatWaitsWhenAChannelIsClosedAndWhatComesLater) {
  net::SimNetwork network{1};
  net::SimLoop loop{network};
  Channel channel(loop, *net::parse_address("memory://nobody"));
  TestUnary waits;
  TestUnary late;
  waits.start(channel, unary_method(), {.wait_for_ready = true});
  network.run_until([] { return false; }, 1s);
  ASSERT_EQ(waits.done, 0);
  channel.close();
  late.start(channel, unary_method());
  network.run_until([] { return false; }, 1s);
  for (const TestUnary* call : {&waits, &late}) {
    ASSERT_EQ(call->done, 1);
    expect_status(call->status(), StatusCode::kUnavailable, "the channel was closed");
  }
}

// What was written may have been seen, so that only a server's word makes it safe to start over; the
// call cannot, having kept nothing.
TEST(ChannelStatuses, AStreamThatAServerWhichGoesAwayHasNotSeen) {
  net::SimNetwork network{1};
  net::SimLoop server_loop{network};
  net::SimLoop client_loop{network};
  RawServer server(network, server_loop);
  Channel channel(client_loop, *net::parse_address("memory://server"));
  TestStream stream;
  stream.when_writable = [&] { stream.send("request"); };
  stream.start(channel, bidi_method());
  server.exchange();
  server.peer.goaway(0, h2::ErrorCode::kNoError);
  server.exchange();
  ASSERT_EQ(stream.done, 1);
  expect_status(stream.status(), StatusCode::kUnavailable, "the server is shutting down");
}

// A descriptor that was inherited is one connection: its number may be anybody's later.
TEST(ChannelStatuses, ADescriptorIsOneConnection) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const std::string name = "fd:" + std::to_string(ends[0]);
  const auto loop = net::make_epoll_loop();
  ASSERT_TRUE(loop);
  Channel channel(**loop, *net::parse_address(name));
  const auto end_of = [&](TestUnary& call) {
    const Time give_up = time_after((*loop)->read_clock(), 60s);
    while (call.done == 0 && (*loop)->read_clock() < give_up) (*loop)->run_once(give_up);
    return call.status();
  };
  close(ends[1]);
  TestUnary first;
  first.start(channel, unary_method());
  EXPECT_EQ(end_of(first).code, StatusCode::kUnavailable);
  TestUnary second;
  second.start(channel, unary_method(), {.wait_for_ready = true});
  expect_status(end_of(second), StatusCode::kUnavailable,
                name + " was one connection, and that has ended");
}

}  // namespace
}  // namespace saker::rpc

// The four kinds of call over one connection: order, half-closes, early ends, empty and huge
// messages; on an ideal network and on one that cuts everything into pieces.
#include "saker/rpc/streaming_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/rpc/rpc_testing.h"

namespace saker::rpc {
namespace {

using grpc::Status;
using grpc::StatusCode;
using testing::ElementsAre;

class Streaming : public testing::TestWithParam<bool> {
 protected:
  Streaming() : world(7, GetParam() ? rough_network() : net::SimFaults{}) {
    world.dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Unary", [](ServerContext&, RawMessage& request, RawMessage& reply) {
          reply.bytes.swap(request.bytes);
          return Status{};
        });
    world.dispatcher.add_client_streaming<RawMessage, RawMessage>(
        "/t.T/Collect",
        [](ServerContext&, Reader<RawMessage>& requests, RawMessage& reply) -> Task<Status> {
          RawMessage request;
          while (co_await requests.read(request)) reply.bytes += request.bytes + ";";
          co_return Status{};
        });
    world.dispatcher.add_server_streaming<RawMessage, RawMessage>(
        "/t.T/Expand",
        [](ServerContext&, RawMessage& request, Writer<RawMessage>& replies) -> Task<Status> {
          for (int index = 0; index < std::stoi(request.bytes); ++index) {
            if (!co_await replies.write({std::to_string(index)})) break;
          }
          co_return Status{};
        });
    world.dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", echo_stream);
  }

  void serve_bidi(BidiHandler handler) {
    world.dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", std::move(handler));
  }
  void start(const ClientMethod& method) {
    world.start();
    call.start(world.channel(), method);
  }
  void finish() {
    ASSERT_TRUE(world.run_until([&] { return call.done > 0; }));
    world.run_for(1s);
    EXPECT_EQ(call.done, 1);
  }
  // The connection that the call used is still there and works.
  void expect_connection_lives() {
    TestUnary ping;
    ping.request().bytes = "ping";
    ping.start(world.channel(), unary_method());
    ASSERT_TRUE(world.run_until([&] { return ping.done == 1; }));
    EXPECT_TRUE(ping.status().ok()) << ping.status().message;
    EXPECT_EQ(ping.reply().bytes, "ping");
    EXPECT_EQ(world.server().counters().connections_opened, 1u);
  }

  SimWorld world;
  TestStream call;
};

INSTANTIATE_TEST_SUITE_P(Networks, Streaming, testing::Bool(),
                         [](const auto& which) { return which.param ? "Rough" : "Ideal"; });

TEST_P(Streaming, CollectsInOrder) {
  call.when_writable = [&] {
    for (int index = 0; index < 100; ++index) call.send(std::to_string(index), index == 99);
  };
  start(collect_method());
  finish();
  std::string expected;
  for (int index = 0; index < 100; ++index) expected += std::to_string(index) + ";";
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  EXPECT_THAT(call.replies, ElementsAre(expected));
}

TEST_P(Streaming, CollectsNothing) {
  call.when_writable = [&] { call.writes_done(); };
  start(collect_method());
  finish();
  EXPECT_TRUE(call.status().ok());
  EXPECT_THAT(call.replies, ElementsAre(""));
}

TEST_P(Streaming, ExpandsInOrder) {
  call.when_writable = [&] { call.send("500", true); };
  start(expand_method());
  finish();
  EXPECT_TRUE(call.status().ok());
  ASSERT_EQ(call.replies.size(), 500u);
  for (size_t index = 0; index < 500; ++index)
    EXPECT_EQ(call.replies[index], std::to_string(index));
}

// A status without a message has to bring the response head itself.
TEST_P(Streaming, ExpandsToNothing) {
  call.when_writable = [&] { call.send("0", true); };
  start(expand_method());
  finish();
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  EXPECT_TRUE(call.replies.empty());
}

TEST_P(Streaming, ExpandWithoutARequestIsUnimplemented) {
  call.when_writable = [&] { call.writes_done(); };
  start(expand_method());
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kUnimplemented);
  expect_connection_lives();
}

TEST_P(Streaming, EchoesEmptyMessages) {
  call.when_writable = [&] {
    for (const char* text : {"", "a", "", "", "b"}) call.send(text);
    call.writes_done();
  };
  start(bidi_method());
  finish();
  EXPECT_TRUE(call.status().ok());
  EXPECT_THAT(call.replies, ElementsAre("", "a", "", "", "b"));
}

// Each side speaks only after it has heard the other.
TEST_P(Streaming, TakesTurns) {
  call.when_writable = [&] { call.send("x"); };
  call.when_reply = [&](const std::string& reply) {
    if (reply.size() < 200) {
      call.send(reply + "x");
    } else {
      call.writes_done();
    }
  };
  start(bidi_method());
  finish();
  EXPECT_TRUE(call.status().ok());
  EXPECT_EQ(call.replies.size(), 200u);
}

TEST_P(Streaming, RepliesAfterTheClientsHalfClose) {
  serve_bidi([](ServerContext&, Reader<RawMessage>& requests,
                Writer<RawMessage>& replies) -> Task<Status> {
    RawMessage request;
    std::string all;
    while (co_await requests.read(request)) all += request.bytes;
    EXPECT_FALSE(co_await requests.read(request)) << "an end stays an end";
    for (const char c : all) co_await replies.write({std::string(1, c)});
    co_return Status{};
  });
  call.when_writable = [&] {
    call.send("ab");
    call.send("c", true);
    EXPECT_FALSE(call.send("after the end"));
    EXPECT_FALSE(call.writable());
  };
  start(bidi_method());
  finish();
  EXPECT_TRUE(call.status().ok());
  EXPECT_THAT(call.replies, ElementsAre("a", "b", "c"));
}

TEST_P(Streaming, ServersEarlyStatusEndsTheCall) {
  serve_bidi([](ServerContext& context, Reader<RawMessage>& requests,
                Writer<RawMessage>& replies) -> Task<Status> {
    RawMessage request;
    co_await requests.read(request);
    co_await replies.write({"one"});
    co_await replies.write({"two"});
    (void)context.trailing_metadata().add("why", "enough");
    co_return Status{StatusCode::kFailedPrecondition, "enough: 100 %", {}};
  });
  call.when_writable = [&] {
    while (call.writable()) call.send(std::string(10'000, 'x'));
  };
  start(bidi_method());
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kFailedPrecondition);
  EXPECT_EQ(call.status().message, "enough: 100 %");
  EXPECT_EQ(call.trailing_metadata().find("why"), "enough");
  EXPECT_THAT(call.replies, ElementsAre("one", "two"));
  EXPECT_FALSE(call.send("late"));
  expect_connection_lives();
}

TEST_P(Streaming, EarlyOkWithoutReadingIsOk) {
  serve_bidi([](ServerContext&, Reader<RawMessage>&, Writer<RawMessage>&) -> Task<Status> {
    co_return Status{};
  });
  call.when_writable = [&] { call.send(std::string(1 << 20, 'x')); };
  start(bidi_method());
  finish();
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  expect_connection_lives();
}

TEST_P(Streaming, PausedCallGetsEverythingAtItsEnd) {
  call.pause(true);
  call.when_writable = [&] { call.send("20", true); };
  start(expand_method());
  finish();
  EXPECT_TRUE(call.status().ok());
  EXPECT_EQ(call.replies.size(), 20u);
}

// ---- handlers that throw

TEST_P(Streaming, ThrowingHandlerIsInternal) {
  serve_bidi([](ServerContext&, Reader<RawMessage>& requests, Writer<RawMessage>&) -> Task<Status> {
    RawMessage request;
    co_await requests.read(request);
    throw std::runtime_error("no");
  });
  call.when_writable = [&] { call.send("x"); };
  start(bidi_method());
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kInternal);
  expect_connection_lives();
}

TEST_P(Streaming, HandlerThatThrowsBeforeItIsACoroutineIsInternal) {
  serve_bidi([](ServerContext&, Reader<RawMessage>&, Writer<RawMessage>&) -> Task<Status> {
    throw std::runtime_error("no");
  });
  start(bidi_method());
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kInternal);
  expect_connection_lives();
}

TEST_P(Streaming, ThrowingExpandIsInternal) {
  start(expand_method());
  call.when_writable = [&] { call.send("not a number", true); };
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kInternal);
  expect_connection_lives();
}

// ---- sizes

TEST_P(Streaming, FourMebibytesBothWays) {
  const std::string large(4 << 20, 'L');
  call.when_writable = [&] {
    if (!call.writable() || call.writable_events > 1) return;
    call.send(large);
    call.send("small");
    call.send(large, true);
  };
  start(bidi_method());
  finish();
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  ASSERT_EQ(call.replies.size(), 3u);
  EXPECT_TRUE(call.replies[0] == large && call.replies[1] == "small" && call.replies[2] == large);
}

TEST_P(Streaming, TooLargeARequestIsResourceExhausted) {
  call.when_writable = [&] { call.send(std::string((4 << 20) + 1, 'L'), true); };
  start(bidi_method());
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kResourceExhausted) << call.status().message;
  expect_connection_lives();
}

TEST_P(Streaming, TooLargeAReplyIsResourceExhausted) {
  world.channel_options.max_receive_message_bytes = 1000;
  serve_bidi([](ServerContext&, Reader<RawMessage>&, Writer<RawMessage>& replies) -> Task<Status> {
    co_await replies.write({"fits"});
    co_await replies.write({std::string(1001, 'x')});
    co_await replies.write({"never seen"});
    co_return Status{};
  });
  start(bidi_method());
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kResourceExhausted) << call.status().message;
  EXPECT_THAT(call.replies, ElementsAre("fits"));
  expect_connection_lives();
}

TEST_P(Streaming, TooLargeAUnaryMessageIsResourceExhausted) {
  world.channel_options.max_receive_message_bytes = 1000;
  world.start();
  for (const size_t size : {size_t{1001}, size_t{(4 << 20) + 1}}) {  // the reply; the request
    TestUnary unary;
    unary.request().bytes.assign(size, 'x');
    unary.start(world.channel(), unary_method());
    ASSERT_TRUE(world.run_until([&] { return unary.done == 1; }));
    EXPECT_EQ(unary.status().code, StatusCode::kResourceExhausted) << size;
  }
  expect_connection_lives();
}

// ---- a client-streaming call has one reply

TEST_P(Streaming, TwoRepliesToAClientStreamAreUnimplemented) {
  serve_bidi([](ServerContext&, Reader<RawMessage>&, Writer<RawMessage>& replies) -> Task<Status> {
    co_await replies.write({"one"});
    co_await replies.write({"two"});
    co_return Status{};
  });
  const ClientMethod method("/t.T/Bidi", MethodKind::kClientStreaming);
  start(method);
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kUnimplemented);
}

TEST_P(Streaming, NoReplyToAClientStreamIsUnimplemented) {
  serve_bidi([](ServerContext&, Reader<RawMessage>&, Writer<RawMessage>&) -> Task<Status> {
    co_return Status{};
  });
  const ClientMethod method("/t.T/Bidi", MethodKind::kClientStreaming);
  start(method);
  finish();
  EXPECT_EQ(call.status().code, StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace saker::rpc

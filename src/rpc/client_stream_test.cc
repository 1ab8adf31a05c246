// Streaming calls from a coroutine, against a real server in the simulator.
#include "saker/rpc/client_stream.h"

#include <gtest/gtest.h>

#include "saker/rpc/rpc_testing.h"

namespace saker::rpc {
namespace {

using grpc::Status;
using grpc::StatusCode;
using TypedBidi = TypedMethod<RawMessage, RawMessage, MethodKind::kBidiStreaming>;
using TypedCollect = TypedMethod<RawMessage, RawMessage, MethodKind::kClientStreaming>;
using TypedExpand = TypedMethod<RawMessage, RawMessage, MethodKind::kServerStreaming>;

const TypedBidi& bidi() {
  static const TypedBidi method("/t.T/Bidi");
  return method;
}
const TypedCollect& collect() {
  static const TypedCollect method("/t.T/Collect");
  return method;
}
const TypedExpand& expand() {
  static const TypedExpand method("/t.T/Expand");
  return method;
}

class Streams : public testing::Test {
 protected:
  Streams() : world(1, rough_network()) {
    world.dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", echo_stream);
    world.dispatcher.add_client_streaming<RawMessage, RawMessage>(
        "/t.T/Collect",
        [](ServerContext&, Reader<RawMessage>& requests, RawMessage& reply) -> Task<Status> {
          RawMessage request;
          while (co_await requests.read(request)) reply.bytes += request.bytes;
          co_return Status{};
        });
    world.dispatcher.add_server_streaming<RawMessage, RawMessage>(
        "/t.T/Expand",
        [this](ServerContext&, RawMessage& request, Writer<RawMessage>& replies) -> Task<Status> {
          for (int at = 0; at < kReplies; ++at) {
            if (!co_await replies.write({request.bytes + std::to_string(at)})) break;
            ++served_;
          }
          co_return Status{StatusCode::kAborted, "that was all", {}};
        });
    world.start();
  }

  Status run(Task<Status> task) {
    bool done = false;
    task.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done);
    EXPECT_TRUE(world.run_until([&] { return done; }));
    return done ? task.result() : Status{StatusCode::kUnknown, "did not end", {}};
  }

  static constexpr int kReplies = 1000;
  int served_ = 0;
  SimWorld world;
};

TEST_F(Streams, TalksBothWays) {
  const auto body = [](Channel& channel) -> Task<Status> {
    ClientStream stream(channel, bidi());
    RawMessage reply;
    for (int at = 0; at < 100; ++at) {
      const RawMessage request{std::to_string(at)};
      EXPECT_TRUE(co_await stream.write(request));
      EXPECT_TRUE(co_await stream.read(reply));
      EXPECT_EQ(reply.bytes, request.bytes);
    }
    co_await stream.writes_done();
    EXPECT_FALSE(co_await stream.read(reply));
    co_return co_await stream.finish();
  };
  EXPECT_TRUE(run(body(world.channel())).ok());
}

TEST_F(Streams, WritesNoFasterThanTheServerTakes) {
  const auto body = [](Channel& channel) -> Task<Status> {
    ClientStream stream(channel, collect());
    const RawMessage part{std::string(10'000, 'x')};
    for (int at = 0; at < 400; ++at) EXPECT_TRUE(co_await stream.write(part, at == 399));
    RawMessage reply;
    EXPECT_TRUE(co_await stream.read(reply));
    EXPECT_EQ(reply.bytes.size(), 4'000'000u);
    EXPECT_FALSE(co_await stream.write(part)) << "after the last one";
    co_return co_await stream.finish();
  };
  EXPECT_TRUE(run(body(world.channel())).ok());
}

TEST_F(Streams, ReadsEverythingThenTheStatus) {
  const auto body = [](Channel& channel) -> Task<Status> {
    ClientStream stream(channel, expand());
    EXPECT_TRUE(co_await stream.write({"r"}, true));
    RawMessage reply;
    int count = 0;
    while (co_await stream.read(reply)) EXPECT_EQ(reply.bytes, "r" + std::to_string(count++));
    EXPECT_EQ(count, kReplies);
    co_return co_await stream.finish();
  };
  const Status status = run(body(world.channel()));
  EXPECT_EQ(status.code, StatusCode::kAborted);
  EXPECT_EQ(status.message, "that was all");
}

// 1000 replies of 4 KiB are far more than windows and output hold: a reader that stops stops the
// server.
TEST_F(Streams, WhatIsNotReadStaysAway) {
  const auto body = [this](Channel& channel) -> Task<Status> {
    ClientStream stream(channel, expand());
    EXPECT_TRUE(co_await stream.write({std::string(4096, 'x')}, true));
    RawMessage reply;
    EXPECT_TRUE(co_await stream.read(reply));
    co_await Nap(channel.loop(), 5s);
    EXPECT_LT(served_, kReplies);
    co_return co_await stream.finish();  // drops the rest
  };
  EXPECT_EQ(run(body(world.channel())).code, StatusCode::kAborted);
  EXPECT_EQ(served_, kReplies);
}

TEST_F(Streams, CancelAndDeadlineEndIt) {
  const auto body = [](Channel& channel, bool cancels) -> Task<Status> {
    const Time deadline = time_after(channel.loop().now(), 1s);
    ClientStream stream(channel, bidi(), {.deadline = deadline});
    EXPECT_TRUE(co_await stream.write({"one"}));
    if (cancels) stream.cancel();
    RawMessage reply;
    while (co_await stream.read(reply)) {
    }
    EXPECT_FALSE(co_await stream.write({"two"}));
    co_return co_await stream.finish();
  };
  EXPECT_EQ(run(body(world.channel(), true)).code, StatusCode::kCancelled);
  EXPECT_EQ(run(body(world.channel(), false)).code, StatusCode::kDeadlineExceeded);
}

TEST_F(Streams, WithoutAServerEverythingSaysSo) {
  world.stop_listening();
  const auto body = [](Channel& channel) -> Task<Status> {
    ClientStream stream(channel, bidi());
    EXPECT_FALSE(co_await stream.write({"anybody?"}));
    co_await stream.writes_done();
    RawMessage reply;
    EXPECT_FALSE(co_await stream.read(reply));
    co_return co_await stream.finish();
  };
  EXPECT_EQ(run(body(world.channel())).code, StatusCode::kUnavailable);
}

// The server's handler sees the end of its call.
TEST_F(Streams, AnAbandonedStreamIsReset) {
  const auto body = [](Channel& channel) -> Task<Status> {
    {
      ClientStream stream(channel, expand());
      EXPECT_TRUE(co_await stream.write({std::string(4096, 'x')}, true));
      RawMessage reply;
      EXPECT_TRUE(co_await stream.read(reply));
    }
    co_await Nap(channel.loop(), 1s);
    co_return Status{};
  };
  EXPECT_TRUE(run(body(world.channel())).ok());
  EXPECT_EQ(world.calls(StatusCode::kCancelled), 1u);
  EXPECT_LT(served_, kReplies);
}

}  // namespace
}  // namespace saker::rpc

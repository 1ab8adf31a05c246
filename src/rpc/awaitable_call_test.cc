#include "saker/rpc/awaitable_call.h"

#include <gtest/gtest.h>

#include "saker/rpc/rpc_testing.h"

namespace saker::rpc {
namespace {

using grpc::Status;
using grpc::StatusCode;
using TypedUnary = TypedMethod<RawMessage, RawMessage, MethodKind::kUnary>;

const TypedUnary& typed_unary() {
  static const TypedUnary method("/t.T/Unary");
  return method;
}

class Awaitable : public testing::Test {
 protected:
  Awaitable() {
    world.dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Unary",
        [this](ServerContext& context, RawMessage& request, RawMessage& reply) -> Task<Status> {
          served_deadline = context.deadline();
          if (request.bytes == "wait") co_await Nap(context.loop(), 10s);
          if (request.bytes == "fail") co_return Status{StatusCode::kAborted, "as you wish", {}};
          served_cancelled = context.cancelled();
          reply.bytes = "re: " + request.bytes;
          co_return Status{};
        });
  }
  // Runs `task` on the client's loop to its end.
  Status run(Task<Status> task) {
    bool done = false;
    task.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done);
    EXPECT_TRUE(world.run_until([&] { return done; }));
    return done ? task.result() : Status{StatusCode::kUnknown, "did not end", {}};
  }

  bool served_cancelled = false;
  Time served_deadline{};
  SimWorld world;
};

TEST_F(Awaitable, GivesStatusAndReply) {
  world.start();
  const auto body = [](Channel& channel) -> Task<Status> {
    auto [status, reply] = co_await call(channel, typed_unary(), {"hello"});
    EXPECT_EQ(reply.bytes, "re: hello");
    co_return status;
  };
  EXPECT_TRUE(run(body(world.channel())).ok());
}

TEST_F(Awaitable, GivesTheServersError) {
  world.start();
  const auto body = [](Channel& channel) -> Task<Status> {
    const auto result = co_await call(channel, typed_unary(), {"fail"});
    co_return result.status;
  };
  const Status status = run(body(world.channel()));
  EXPECT_EQ(status.code, StatusCode::kAborted);
  EXPECT_EQ(status.message, "as you wish");
}

TEST_F(Awaitable, KeepsItsDeadline) {
  world.start();
  const auto body = [](SimWorld& at) -> Task<Status> {
    const CallOptions options{.deadline = at.network.now() + 100ms};
    co_return (co_await call(at.channel(), typed_unary(), {"wait"}, options)).status;
  };
  EXPECT_EQ(run(body(world)).code, StatusCode::kDeadlineExceeded);
}

// A hundred thousand calls that fail at once, one after the other:
// the stack does not grow with them.
TEST_F(Awaitable, ManyFailuresInARowNeedNoStack) {
  world.start();
  world.channel().close();
  const auto body = [](Channel& channel) -> Task<Status> {
    Status last;
    for (int index = 0; index < 100'000; ++index) {
      last = (co_await call(channel, typed_unary(), {"x"})).status;
    }
    co_return last;
  };
  EXPECT_EQ(run(body(world.channel())).code, StatusCode::kUnavailable);
}

// It goes on outside of all events, where even the channel may go.
TEST_F(Awaitable, MayDestroyTheChannelThatItWaitedFor) {
  world.start();
  const auto body = [](SimWorld& at) -> Task<Status> {
    auto result = co_await call(at.channel(), typed_unary(), {"x"});
    at.destroy_channel();
    co_return std::move(result.status);
  };
  EXPECT_TRUE(run(body(world)).ok());
}

TEST_F(Awaitable, DestroyedCoroutineAbandonsItsCall) {
  world.start();
  {
    const auto body = [](Channel& channel) -> Task<Status> {
      co_return (co_await call(channel, typed_unary(), {"wait"})).status;
    };
    Task<Status> task = body(world.channel());
    task.start([](void*) { FAIL() << "resumed"; }, nullptr);
    world.run_for(1s);
  }
  world.run_for(20s);
  EXPECT_TRUE(served_cancelled);
}

// ---- from a server's handler: the server is its own client, on one loop

class Relay : public Awaitable {
 protected:
  Relay() {
    world.dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Relay",
        [this](ServerContext& context, RawMessage& request, RawMessage& reply) -> Task<Status> {
          auto result = co_await call(context, *upstream, typed_unary(), std::move(request));
          ++relayed;
          relay_status = result.status;
          reply.bytes = "relayed " + result.reply.bytes;
          co_return result.status;
        });
    world.start();
    upstream = std::make_unique<Channel>(world.server_loop, *net::parse_address("memory://server"));
  }
  void relay(std::string text, const CallOptions& options = {}) {
    unary.request().bytes = std::move(text);
    unary.start(world.channel(), method, options);
  }

  const ClientMethod method{"/t.T/Relay"};
  std::unique_ptr<Channel> upstream;
  int relayed = 0;
  Status relay_status;
  TestUnary unary;
};

TEST_F(Relay, PassesTheCallOn) {
  relay("x");
  ASSERT_TRUE(world.run_until([&] { return unary.done == 1; }));
  EXPECT_TRUE(unary.status().ok()) << unary.status().message;
  EXPECT_EQ(unary.reply().bytes, "relayed re: x");
}

TEST_F(Relay, InheritsTheDeadline) {
  relay("wait", {.deadline = world.network.now() + 100ms});
  ASSERT_TRUE(world.run_until([&] { return relayed == 1; }, 1s));
  EXPECT_NE(relay_status.code, StatusCode::kOk);
  EXPECT_EQ(unary.status().code, StatusCode::kDeadlineExceeded);
  EXPECT_LT(served_deadline, kNever);
}

TEST_F(Relay, IsCancelledWithTheCallThatItServes) {
  relay("wait");
  world.run_for(1s);
  unary.cancel();
  ASSERT_TRUE(world.run_until([&] { return relayed == 1; }, 1s));
  EXPECT_EQ(relay_status.code, StatusCode::kCancelled);
  world.run_for(20s);
  EXPECT_TRUE(served_cancelled);
}

}  // namespace
}  // namespace saker::rpc

// Deadlines of calls whose handlers wake each other: a call that suspends has its deadline armed,
// whatever else its turn has ended.
#include <gtest/gtest.h>

#include "saker/rpc/raw_peers_testing.h"

namespace saker::rpc {
namespace {

using grpc::Status;
using h2::kFlagEndStream;
using h2::Lines;

class Deadlines : public testing::Test {
 protected:
  // Poll waits until a Push comes, which then takes its time.
  struct Wait {
    std::coroutine_handle<>& waiting;
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> handle) { waiting = handle; }
    void await_resume() {}
  };
  void start() {
    world.dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Poll", [this](ServerContext&, RawMessage&, RawMessage&) -> Task<Status> {
          co_await Wait{waiting};
          co_return Status{};
        });
    world.dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Push", [this](ServerContext& context, RawMessage&, RawMessage&) -> Task<Status> {
          if (waiting) std::exchange(waiting, nullptr).resume();
          co_await Nap(context.loop(), 50s);
          co_return Status{};
        });
    world.dispatcher.add_bidi_streaming<RawMessage, RawMessage>(
        "/t.T/Bidi",
        [this](ServerContext&, Reader<RawMessage>& requests, Writer<RawMessage>&) -> Task<Status> {
          RawMessage message;
          while (co_await requests.read(message)) {
            if (waiting) std::exchange(waiting, nullptr).resume();
          }
          co_return Status{};
        });
    world.start();
    client.emplace(world);
  }
  void call(h2::StreamId id, std::string_view path, std::string_view timeout, uint8_t flags) {
    const h2::Fields head = {{":method", "POST"},
                             {":scheme", "http"},
                             {":path", path},
                             {"content-type", "application/grpc"},
                             {"grpc-timeout", timeout}};
    client->peer.headers(id, head).data(id, framed("x"), flags);
  }

  std::coroutine_handle<> waiting;
  SimWorld world;
  std::optional<RawClient> client;
};

TEST_F(Deadlines, HoldWhereTheHandlerHasEndedAnotherCall) {
  start();
  call(1, "/t.T/Poll", "100S", kFlagEndStream);
  client->exchange(1s);
  call(3, "/t.T/Push", "5S", kFlagEndStream);
  const Lines lines = client->exchange(4s);
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.back(), "HEADERS 1 END_STREAM grpc-status=0");
  EXPECT_EQ(client->exchange(2s), Lines{"RST_STREAM 3 CANCEL"});
}

TEST_F(Deadlines, HoldForStreamsToo) {
  start();
  call(1, "/t.T/Poll", "100S", kFlagEndStream);
  client->exchange(1s);
  call(3, "/t.T/Bidi", "5S", 0);
  EXPECT_FALSE(client->exchange(4s).empty());
  EXPECT_EQ(client->exchange(2s), Lines{"RST_STREAM 3 CANCEL"});
}

}  // namespace
}  // namespace saker::rpc

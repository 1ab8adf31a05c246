// Flow control of streaming calls: a slow side slows the other down, memory stays flat meanwhile,
// and nobody who waits for room is forgotten.
#include <gtest/gtest.h>

#include "saker/net/timer.h"
#include "saker/rpc/raw_peers_testing.h"
#include "saker/rpc/rpc_testing.h"

namespace saker::rpc {
namespace {

using grpc::Status;
using grpc::StatusCode;

// More chunks than this at one time would mean that somebody gathers what flow control should have
// stopped: windows and output are 64 KiB and 512 KiB, a large chunk is 64 KiB.
constexpr size_t kFewChunks = 64;

class Flow : public testing::Test {
 protected:
  void serve_bidi(BidiHandler handler) {
    world.dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", std::move(handler));
  }
  void watch_chunks() {
    most_chunks = std::max({most_chunks, world.server_loop.chunks().outstanding(),
                            world.client_loop.chunks().outstanding()});
  }

  SimWorld world;
  size_t most_chunks = 0;
};

// Takes one reply, then lets some time pass before it wants the next.
class SlowReader final : public StreamingClientCall<RawMessage, RawMessage>, private net::Timer {
 public:
  SlowReader(SimWorld& owner, uint64_t count) : world(owner), to_send(count) {}
  SimWorld& world;
  uint64_t to_send;
  uint64_t sent = 0;
  uint64_t received = 0;
  uint64_t wrong = 0;
  int done = 0;
  std::function<void()> watch = [] {};

 private:
  void on_writable() override {
    while (sent < to_send && writable()) {
      write({"message " + std::to_string(sent)}, sent + 1 == to_send);
      ++sent;
    }
    watch();
  }
  void on_reply(RawMessage& reply) override {
    if (reply.bytes != "message " + std::to_string(received)) ++wrong;
    if (++received % 1000 == 0) {
      pause(true);
      world.client_loop.arm(*this, world.client_loop.now() + 5ms);
    }
    watch();
  }
  void on_timer(Time) override { pause(false); }
  void on_done() override {
    world.client_loop.cancel(*this);
    ++done;
  }
};

TEST_F(Flow, AHundredThousandMessagesBothWaysWithASlowReader) {
  constexpr uint64_t kMessages = 100'000;
  world.dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", echo_stream);
  world.start();
  SlowReader call(world, kMessages);
  call.watch = [&] { watch_chunks(); };
  call.start(world.channel(), bidi_method());
  ASSERT_TRUE(world.run_until([&] { return call.done == 1; }, 1h));
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  EXPECT_EQ(call.received, kMessages);
  EXPECT_EQ(call.wrong, 0u);
  EXPECT_LE(most_chunks, kFewChunks);
}

TEST_F(Flow, AWriterWaitsForAReaderThatDoesNotRead) {
  uint64_t written = 0;
  serve_bidi([&](ServerContext&, Reader<RawMessage>&, Writer<RawMessage>& replies) -> Task<Status> {
    for (; written < 10'000; ++written) {
      watch_chunks();
      if (!co_await replies.write({std::string(1000, 'x')})) break;
    }
    co_return Status{};
  });
  world.start();
  TestStream call;
  call.pause(true);
  call.start(world.channel(), bidi_method());
  world.run_for(10s);
  EXPECT_GT(written, 60u);
  EXPECT_LT(written, 600u) << "a window of 64 KiB and an output of 512 KiB";
  EXPECT_TRUE(call.replies.empty());
  call.pause(false);
  ASSERT_TRUE(world.run_until([&] { return call.done == 1; }));
  EXPECT_TRUE(call.status().ok());
  EXPECT_EQ(call.replies.size(), 10'000u);
  EXPECT_LE(most_chunks, kFewChunks);
}

TEST_F(Flow, AClientWaitsForAHandlerThatDoesNotRead) {
  bool read_now = false;
  uint64_t read = 0;
  serve_bidi([&](ServerContext& context, Reader<RawMessage>& requests,
                 Writer<RawMessage>&) -> Task<Status> {
    while (!read_now) co_await Nap(context.loop(), 10ms);
    RawMessage request;
    while (co_await requests.read(request)) {
      ++read;
      watch_chunks();
    }
    co_return Status{};
  });
  world.start();
  TestStream call;
  uint64_t sent = 0;
  call.when_writable = [&] {
    while (sent < 10'000 && call.writable()) call.send(std::string(1000, 'x'), ++sent == 10'000);
    watch_chunks();
  };
  call.start(world.channel(), bidi_method());
  world.run_for(10s);
  EXPECT_GT(sent, 60u);
  EXPECT_LT(sent, 600u);
  read_now = true;
  ASSERT_TRUE(world.run_until([&] { return call.done == 1; }));
  EXPECT_TRUE(call.status().ok());
  EXPECT_EQ(read, 10'000u);
  EXPECT_LE(most_chunks, kFewChunks);
}

// Streams whose windows are wide open fill the connection's output:
// no stream is told by its own window to go on.
class FullOutput : public Flow {
 protected:
  static constexpr int kStreams = 20;
  static constexpr int kMessages = 200;

  FullOutput() {
    for (h2::ConnectionOptions* options :
         {&world.server_options.connection, &world.channel_options.connection}) {
      options->output_cap_bytes = 2000;
      options->initial_stream_window_bytes = 8 << 20;
      options->initial_connection_window_bytes = 64 << 20;
    }
  }
  void run_all() {
    for (auto& call : calls) {
      call = std::make_unique<TestStream>();
      auto* self = call.get();
      auto sent = std::make_shared<int>(0);
      call->when_writable = [this, self, sent] {
        while (*sent < requests && self->writable()) {
          self->send(std::string(100, 'x'), ++*sent == requests);
        }
      };
      call->start(world.channel(), bidi_method());
    }
    const bool ended = world.run_until([&] {
      return std::all_of(calls.begin(), calls.end(), [](auto& call) { return call->done == 1; });
    });
    ASSERT_TRUE(ended);
    for (auto& call : calls) EXPECT_TRUE(call->status().ok()) << call->status().message;
  }

  int requests = kMessages;
  std::array<std::unique_ptr<TestStream>, kStreams> calls;
};

TEST_F(FullOutput, EveryServerWriterGoesOn) {
  requests = 1;
  serve_bidi([](ServerContext&, Reader<RawMessage>&, Writer<RawMessage>& replies) -> Task<Status> {
    for (int index = 0; index < kMessages; ++index) co_await replies.write({std::string(100, 'y')});
    co_return Status{};
  });
  world.start();
  run_all();
  for (auto& call : calls) EXPECT_EQ(call->replies.size(), size_t{kMessages});
}

TEST_F(FullOutput, EveryClientWriterGoesOn) {
  world.dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", echo_stream);
  world.start();
  run_all();
  for (auto& call : calls) EXPECT_EQ(call->replies.size(), size_t{kMessages});
}

// A call that is asked, says no, and is not told by its own stream.
TEST_F(FullOutput, AskingIsEnoughToBeTold) {
  world.dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", echo_stream);
  world.start();
  TestStream noisy;
  TestStream quiet;
  bool refused = false;
  noisy.start(world.channel(), bidi_method());
  quiet.start(world.channel(), bidi_method());
  ASSERT_TRUE(world.run_until([&] { return noisy.writable_events + quiet.writable_events == 2; }));
  for (int index = 0; index < 30; ++index) noisy.send(std::string(100, 'x'));
  refused = !quiet.writable();
  EXPECT_TRUE(refused);
  ASSERT_TRUE(world.run_until([&] { return quiet.writable_events == 2; }, 1s));
}

// Or a thousand calls would keep a thousand large messages. Small ones keep their room.
TEST_F(Flow, WhoWaitsKeepsNothingLarge) {
  const RawMessage* held = nullptr;
  size_t read = 0;
  serve_bidi([&](ServerContext&, Reader<RawMessage>& in, Writer<RawMessage>&) -> Task<Status> {
    RawMessage message;
    held = &message;
    while (co_await in.read(message)) read += message.bytes.size();
    held = nullptr;
    co_return Status{};
  });
  world.start();
  RawClient client(world);
  client.peer.headers(1, {{":method", "POST"},
                          {":scheme", "http"},
                          {":path", "/t.T/Bidi"},
                          {"te", "trailers"},
                          {"content-type", "application/grpc"}});
  client.peer.data(1, framed(std::string(16'000, 'l')));
  client.exchange();
  ASSERT_EQ(read, 16'000u);
  ASSERT_NE(held, nullptr);
  EXPECT_LT(held->bytes.capacity(), 100u);
  client.peer.data(1, framed(std::string(1000, 's')));
  client.exchange();
  EXPECT_EQ(read, 17'000u);
  EXPECT_EQ(held->bytes, std::string(1000, 's'));
  client.peer.data(1, "", h2::kFlagEndStream);
  client.exchange();
  EXPECT_EQ(held, nullptr);
}

TEST_F(Flow, PauseAndResumeKeepOrder) {
  serve_bidi([](ServerContext&, Reader<RawMessage>&, Writer<RawMessage>& replies) -> Task<Status> {
    for (int index = 0; index < 1000; ++index) co_await replies.write({std::to_string(index)});
    co_return Status{};
  });
  world.start();
  TestStream call;
  call.when_reply = [&](const std::string&) { call.pause(true); };
  call.start(world.channel(), bidi_method());
  while (call.done == 0) {
    const size_t before = call.replies.size();
    world.run_for(1ms);
    if (call.done == 0) {
      EXPECT_LE(call.replies.size(), before + 1) << "one at a time";
    }
    call.pause(false);
  }
  ASSERT_EQ(call.replies.size(), 1000u);
  for (size_t index = 0; index < 1000; ++index)
    EXPECT_EQ(call.replies[index], std::to_string(index));
}

// A server that takes nothing for long slows one call down: that is no reason to end others.
TEST_F(Flow, OneCallThatWaitsForRoomLeavesTheOthersAlone) {
  serve_bidi([](ServerContext& context, Reader<RawMessage>& requests,
                Writer<RawMessage>&) -> Task<Status> {
    co_await Nap(context.loop(), 10min);
    RawMessage message;
    while (co_await requests.read(message)) {
    }
    co_return Status{};
  });
  world.dispatcher.add_unary<RawMessage, RawMessage>(
      "/t.T/Unary", [](ServerContext& context, RawMessage&, RawMessage&) -> Task<Status> {
        co_await Nap(context.loop(), 8min);
        co_return Status{};
      });
  world.start();
  TestStream held;
  held.when_writable = [&] {
    if (held.writable_events > 1) return;
    for (int at = 0; at < 4; ++at) held.send(std::string(60'000, 'x'), at == 3);
  };
  held.start(world.channel(), bidi_method());
  TestUnary other;
  other.start(world.channel(), unary_method());
  world.run_for(11min);
  EXPECT_EQ(held.done, 1);
  EXPECT_TRUE(held.status().ok()) << held.status().message;
  EXPECT_EQ(other.done, 1);
  EXPECT_TRUE(other.status().ok()) << other.status().message;
}

}  // namespace
}  // namespace saker::rpc

// All four kinds at once over a loopback socket, a hundred thousand messages in each direction, one
// reader slow: every message arrives in order, and memory stays flat on both sides.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "saker/rpc/rpc_testing.h"
#include "saker/rpc/server.h"

namespace saker::rpc {
namespace {

using grpc::Status;

constexpr uint64_t kMessages = 100'000;
constexpr size_t kFewChunks = 64;  // windows, output and socket buffers in large chunks
constexpr size_t kMaxGrowthBytes = 16 << 20;

// Sanitizers keep freed memory.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kResidentMemoryTells = false;
#else
constexpr bool kResidentMemoryTells = true;
#endif

// Valgrind, too, has a heap of its own, which it has preloaded.
bool runs_under_valgrind() {
  const char* preloaded = std::getenv("LD_PRELOAD");
  return preloaded != nullptr && std::string_view(preloaded).contains("vgpreload");
}

size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  size_t total = 0;
  size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

std::string message(uint64_t index) {
  return "message number " + std::to_string(index);
}

void note_most(std::atomic<size_t>& most, size_t value) {
  if (value > most.load(std::memory_order_relaxed)) most.store(value, std::memory_order_relaxed);
}

// Writes and checks numbered messages; takes a rest of some turns after every `rest_every` replies.
class Numbers final : public StreamingClientCall<RawMessage, RawMessage>, private net::TurnTask {
 public:
  Numbers(net::Loop& owner, uint64_t count, uint64_t rests)
      : loop(owner), to_send(count), rest_every(rests) {}
  net::Loop& loop;
  const uint64_t to_send;
  const uint64_t rest_every;
  uint64_t sent = 0;
  uint64_t received = 0;
  uint64_t wrong = 0;
  int done = 0;
  std::atomic<size_t> most_chunks{0};

 private:
  static constexpr int kRestTurns = 50;

  void on_writable() override {
    while (sent < to_send && writable()) {
      write(message(sent), sent + 1 == to_send);
      ++sent;
    }
    note_most(most_chunks, loop.chunks().outstanding());
  }
  void on_reply(RawMessage& reply) override {
    if (reply.bytes != message(received++)) ++wrong;
    if (rest_every == 0 || received % rest_every != 0) return;
    pause(true);
    rest_turns_ = kRestTurns;
    loop.at_turn_end(*this);
  }
  void run_at_turn_end() override {
    note_most(most_chunks, loop.chunks().outstanding());
    if (--rest_turns_ == 0) return pause(false);
    loop.at_turn_end(*this);
  }
  void on_done() override { ++done; }

  int rest_turns_ = 0;
};

class Load : public testing::Test {
 protected:
  Load() : server(one_thread()) {
    Dispatcher& dispatcher = server.dispatcher();
    dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", watched_echo());
    dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Unary", [](ServerContext&, RawMessage& request, RawMessage& reply) {
          reply.bytes.swap(request.bytes);
          return Status{};
        });
    dispatcher.add_client_streaming<RawMessage, RawMessage>(
        "/t.T/Collect",
        [](ServerContext&, Reader<RawMessage>& requests, RawMessage& reply) -> Task<Status> {
          RawMessage request;
          uint64_t count = 0;
          while (co_await requests.read(request)) count += request.bytes == message(count) ? 1 : 0;
          reply.bytes = std::to_string(count);
          co_return Status{};
        });
    dispatcher.add_server_streaming<RawMessage, RawMessage>(
        "/t.T/Expand",
        [](ServerContext&, RawMessage&, Writer<RawMessage>& replies) -> Task<Status> {
          RawMessage reply;
          for (uint64_t index = 0; index < kMessages; ++index) {
            reply.bytes = message(index);
            if (!co_await replies.write(reply)) break;
          }
          co_return Status{};
        });
    EXPECT_TRUE(server.prepare());
    const net::Address address = *server.listen(*net::parse_address("127.0.0.1:0"));
    server.start();
    channel = std::make_unique<Channel>(*loop, address);
  }
  ~Load() override {
    channel.reset();
    server.shut_down();
    server.wait();
  }

  static ServerOptions one_thread() {
    ServerOptions options;
    options.threads = 1;
    return options;
  }
  BidiHandler watched_echo() {
    return [this](ServerContext& context, Reader<RawMessage>& requests,
                  Writer<RawMessage>& replies) -> Task<Status> {
      RawMessage request;
      while (co_await requests.read(request)) {
        note_most(most_server_chunks, context.loop().chunks().outstanding());
        if (!co_await replies.write(request)) break;
      }
      co_return Status{};
    };
  }
  bool run_until(const std::function<bool()>& done) {
    const Time end = loop->read_clock() + 100s;
    while (!done() && loop->read_clock() < end) loop->run_once(end);
    return done();
  }

  std::atomic<size_t> most_server_chunks{0};
  Server server;
  std::unique_ptr<net::Loop> loop = *net::make_epoll_loop();
  std::unique_ptr<Channel> channel;
};

TEST_F(Load, AllKindsAtOnceWithASlowReader) {
  TestUnary ping;
  uint64_t pings = 0;
  bool over = false;
  ping.when_done = [&] {
    EXPECT_TRUE(ping.status().ok()) << ping.status().message;
    ++pings;
    if (!over) ping.start(*channel, unary_method());
  };
  ping.start(*channel, unary_method());
  ASSERT_TRUE(run_until([&] { return pings == 1; }));
  const size_t before = resident_bytes();

  Numbers bidi(*loop, kMessages, 1000);
  Numbers expand(*loop, 1, 0);
  TestStream collect;
  uint64_t collected = 0;
  collect.when_writable = [&] {
    while (collected < kMessages && collect.writable()) {
      collect.send(message(collected), collected + 1 == kMessages);
      ++collected;
    }
  };
  bidi.start(*channel, bidi_method());
  expand.start(*channel, expand_method());
  collect.start(*channel, collect_method());
  ASSERT_TRUE(run_until([&] { return bidi.done + expand.done + collect.done == 3; }));
  const size_t after = resident_bytes();
  over = true;
  ASSERT_TRUE(run_until([&] { return !ping.active(); }));

  EXPECT_TRUE(bidi.status().ok()) << bidi.status().message;
  EXPECT_EQ(bidi.received, kMessages);
  EXPECT_EQ(bidi.wrong, 0u);
  EXPECT_TRUE(expand.status().ok()) << expand.status().message;
  EXPECT_EQ(expand.received, kMessages);
  EXPECT_EQ(expand.wrong, 0u);
  EXPECT_TRUE(collect.status().ok()) << collect.status().message;
  ASSERT_EQ(collect.replies.size(), 1u);
  EXPECT_EQ(collect.replies[0], std::to_string(kMessages));
  EXPECT_GT(pings, 10u) << "unary calls go on meanwhile";
  EXPECT_LE(bidi.most_chunks, kFewChunks);
  EXPECT_LE(most_server_chunks, kFewChunks);
  if (kResidentMemoryTells && !runs_under_valgrind()) {
    EXPECT_LT(after, before + kMaxGrowthBytes);
  }
}

}  // namespace
}  // namespace saker::rpc

// Reads that ask for much: messages that become a thousand times as large, thousands of frames. Such a
// connection takes its turns between those of the others, and nothing of what it has sent in one piece
// is lost.
#include <gtest/gtest.h>

#include <algorithm>

#include "saker/rpc/packer.h"
#include "saker/rpc/raw_peers_testing.h"
#include "saker/rpc/turn_input.h"

namespace saker::rpc {
namespace {

using grpc::Compression;
using grpc::Status;
using h2::Fields;
using h2::kFlagEndStream;
using h2::Lines;

// Of a message: a turn's worth.
constexpr size_t kUnpackedBytes = TurnLimits().message_bytes / Unpacking::kUnpackedCost + 1;
// Of a message that is not packed: the same.
constexpr size_t kLargeBytes = TurnLimits().message_bytes;
constexpr int kMessages = 30;
constexpr int kMessagesOfATurn = TurnLimits().message_bytes / TurnLimits().least_message_bytes;

Fields request(std::string_view path) {
  return {{":method", "POST"},
          {":scheme", "http"},
          {":path", path},
          {"te", "trailers"},
          {"content-type", "application/grpc"},
          {"grpc-encoding", "gzip"}};
}

// A message of so many `letter`s with its prefix.
std::string packed(char letter) {
  net::SimNetwork network{1};
  net::SimLoop loop{network};
  ChunkQueue out(loop.chunks());
  const std::string large(kUnpackedBytes, letter);
  Packer().append(Compression::kGzip, as_bytes(large), out);
  std::string bytes(out.size(), '\0');
  out.copy_to({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  return bytes;
}

// A message of nothing, with its prefix: empty blocks of deflate, five bytes each, in zlib's format.
std::string packed_nothing(int blocks) {
  std::string bytes("\x78\x01", 2);
  for (int block = 0; block < blocks; ++block) {
    const bool is_last = block == blocks - 1;
    bytes.append(is_last ? "\1" : std::string(1, '\0')).append("\0\0\xff\xff", 4);
  }
  bytes.append("\0\0\0\1", 4);
  std::string prefix(grpc::kMessagePrefixBytes, '\1');
  grpc::write_message_prefix(reinterpret_cast<uint8_t*>(prefix.data()), true,
                             static_cast<uint32_t>(bytes.size()));
  return prefix + bytes;
}

int64_t count_of(const Lines& lines, std::string_view part) {
  return std::count_if(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.find(part) != line.npos; });
}

class ServerTurns : public testing::Test {
 protected:
  ServerTurns() {
    world.server_options.connection.initial_stream_window_bytes = 1 << 20;
    world.dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Unary", [this](ServerContext&, RawMessage& in, RawMessage&) {
          note(in);
          return Status{};
        });
    world.dispatcher.add_client_streaming<RawMessage, RawMessage>(
        "/t.T/Collect",
        [this](ServerContext&, Reader<RawMessage>& in, RawMessage&) -> Task<Status> {
          RawMessage message;
          while (co_await in.read(message)) note(message);
          co_return Status{};
        });
    world.start();
  }
  void note(const RawMessage& message) {
    if (message.bytes.empty()) order += '0';
    if (message.bytes.size() == kLargeBytes) order += 'L';
    if (message.bytes.size() == kUnpackedBytes || message.bytes.size() == 1)
      order += message.bytes[0];
  }
  static void ask(RawClient& client, char letter) {
    for (h2::StreamId id = 1; id < 2 * kMessages; id += 2) {
      client.peer.headers(id, request("/t.T/Unary")).data(id, packed(letter), kFlagEndStream);
    }
  }
  static void stream(RawClient& client, char letter) {
    client.peer.headers(1, request("/t.T/Collect"));
    for (int i = 0; i < kMessages; ++i) client.peer.data(1, packed(letter));
    client.peer.data(1, "", kFlagEndStream);
  }
  // What both have to send arrives at the same moment, each in one read.
  void expect_turns(RawClient& one, RawClient& other, int calls) {
    one.send();
    other.send();
    EXPECT_EQ(count_of(one.exchange(), "grpc-status=0"), calls);
    EXPECT_EQ(count_of(other.exchange(), "grpc-status=0"), calls);
    EXPECT_EQ(std::ranges::count(order, 'a'), kMessages);
    EXPECT_EQ(std::ranges::count(order, 'b'), kMessages);
    for (const char letter : {'a', 'b'})
      EXPECT_EQ(order.find(std::string(3, letter)), order.npos) << order;
  }

  // What is sent at one moment arrives at one moment.
  static net::SimFaults even_network() {
    net::SimFaults faults;
    faults.latency_min = faults.latency_max = 50us;
    return faults;
  }

  SimWorld world{1, even_network()};
  std::string order;  // of messages as handlers see them, by their letters
};

TEST_F(ServerTurns, OfUnaryCalls) {
  RawClient one(world);
  RawClient other(world);
  ask(one, 'a');
  ask(other, 'b');
  expect_turns(one, other, kMessages);
}

TEST_F(ServerTurns, OfHandlersThatRead) {
  RawClient one(world);
  RawClient other(world);
  stream(one, 'a');
  stream(other, 'b');
  expect_turns(one, other, 1);
}

// Frames of a few bytes, thousands in a read.
TEST_F(ServerTurns, OfManyFrames) {
  constexpr int kFrames = 5000;
  RawClient one(world);
  RawClient other(world);
  for (auto [client, letter] : {std::pair{&one, 'a'}, std::pair{&other, 'b'}}) {
    client->peer.headers(1, request("/t.T/Collect"));
    for (int i = 0; i < kFrames; ++i) client->peer.data(1, std::string("\0\0\0\0\1", 5) + letter);
    client->peer.data(1, "", kFlagEndStream);
  }
  one.send();
  other.send();
  EXPECT_EQ(count_of(one.exchange(), "grpc-status=0"), 1);
  EXPECT_EQ(count_of(other.exchange(), "grpc-status=0"), 1);
  for (const char letter : {'a', 'b'}) {
    EXPECT_EQ(std::ranges::count(order, letter), kFrames);
    EXPECT_EQ(order.find(std::string(kMessagesOfATurn + 2, letter)), order.npos);
  }
}

// It unpacks to nothing, and takes its time all the same.
TEST_F(ServerTurns, OfWhatUnpacksToNothing) {
  for (const char* path : {"/t.T/Unary", "/t.T/Collect"}) {
    order.clear();
    RawClient one(world);
    RawClient other(world);
    Fields head = request(path);
    head.back().value = "deflate";
    one.peer.headers(1, head).data(1, packed_nothing(3000), kFlagEndStream);
    other.peer.headers(1, request(path)).data(1, framed("b"), kFlagEndStream);
    one.send();
    other.send();
    EXPECT_EQ(count_of(one.exchange(), "grpc-status=0"), 1);
    EXPECT_EQ(count_of(other.exchange(), "grpc-status=0"), 1);
    EXPECT_EQ(order, "b0");
  }
}

// Plain ones, which all lack no more than their last bytes when that read comes.
TEST_F(ServerTurns, OfMessagesThatEndTogether) {
  RawClient one(world);
  RawClient other(world);
  const std::string message = framed(std::string(kLargeBytes, 'a'));
  const std::string_view most = std::string_view(message).substr(0, message.size() - 1);
  for (h2::StreamId id = 1; id <= 7; id += 2) {
    one.peer.headers(id, request("/t.T/Unary"));
    for (size_t at = 0; at < most.size(); at += 16'000) one.peer.data(id, most.substr(at, 16'000));
    one.exchange();
  }
  for (h2::StreamId id = 1; id <= 7; id += 2) one.peer.data(id, "a", kFlagEndStream);
  other.peer.headers(1, request("/t.T/Unary")).data(1, framed("b"), kFlagEndStream);
  one.send();
  other.send();
  EXPECT_EQ(count_of(one.exchange(), "grpc-status=0"), 4);
  EXPECT_EQ(order, "bLLLL");
}

// What is left of the read dies with the connection.
TEST_F(ServerTurns, AnErrorInTheMiddle) {
  RawClient greedy(world);
  constexpr int kBefore = 10;
  for (h2::StreamId id = 1; id < 2 * kMessages; id += 2) {
    if (id == 2 * kBefore + 1) greedy.peer.headers(2, request("/t.T/Unary"));  // ours are even
    greedy.peer.headers(id, request("/t.T/Unary")).data(id, packed('a'), kFlagEndStream);
  }
  EXPECT_EQ(count_of(greedy.exchange(), "GOAWAY"), 1);
  EXPECT_TRUE(greedy.closed_by_peer());
  EXPECT_EQ(order, std::string(kBefore, 'a'));
}

TEST_F(ServerTurns, AServerThatEndsInBetween) {
  RawClient greedy(world);
  ask(greedy, 'a');
  greedy.send();
  ASSERT_TRUE(world.run_until([&] { return !order.empty(); }));
  world.destroy_server();
  world.run_for(1s);
  EXPECT_LT(order.size(), static_cast<size_t>(kMessages));
}

TEST(ServerTurnsOnRoughNetworks, NothingIsLost) {
  const std::string message = packed('a');
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SimWorld world(seed, rough_network());
    int served = 0;
    world.dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Unary", [&](ServerContext&, RawMessage& in, RawMessage&) {
          served += in.bytes.size() == kUnpackedBytes;
          return Status{};
        });
    world.start();
    RawClient client(world);
    for (h2::StreamId id = 1; id < 2 * kMessages; id += 2) {
      client.peer.headers(id, request("/t.T/Unary")).data(id, message, kFlagEndStream);
    }
    EXPECT_EQ(count_of(client.exchange(10s), "grpc-status=0"), kMessages) << seed;
    EXPECT_EQ(served, kMessages) << seed;
  }
}

}  // namespace
}  // namespace saker::rpc

#include "saker/net/relay.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <thread>

#include "saker/net/transport_harness.h"

namespace saker::net::test {
namespace {

// client_ ── the relay ── server_
class RelayTest : public testing::Test, private RelayEvents {
 protected:
  explicit RelayTest(Duration half_close_timeout = std::chrono::minutes(1)) {
    Descriptor accepted, connected;
    make_pair(client_, accepted);
    make_pair(server_, connected);
    auto stream = must(loop_->adopt(owned(std::move(connected))), "adopt");
    relay_ = make_relay(*loop_, owned(std::move(accepted)), std::move(stream),
                        {.half_close_timeout = half_close_timeout}, *this);
  }
  void TearDown() override {
    relay_.reset();
    EXPECT_EQ(loop_->connection_count(), 0u);
  }

  static void make_pair(Descriptor& ours, Descriptor& theirs) {
    std::array<int, 2> fds;
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
    ours = Descriptor(fds[0]);
    theirs = Descriptor(fds[1]);
  }
  static Accepted owned(Descriptor descriptor) {
    return {std::move(descriptor), 0, {.transport = Transport::kUnix}};
  }

  void turn() { loop_->run_once(loop_->read_clock() + std::chrono::milliseconds(2)); }
  // What arrives at `fd` until it has `size` bytes, or the end; at most `step` bytes a turn.
  std::string read(const Descriptor& fd, size_t size, size_t step = 1 << 20) {
    std::string out;
    std::string buffer(step, '\0');
    for (int turns = 0; out.size() < size && turns < 20'000; ++turns) {
      const ssize_t part = ::recv(fd.get(), buffer.data(), step, 0);
      if (part == 0) break;
      if (part > 0) out.append(buffer, 0, static_cast<size_t>(part));
      turn();
    }
    return out;
  }
  bool is_ended(const Descriptor& fd) {
    for (int turns = 0; turns < 1000; ++turns) {
      char byte;
      const ssize_t part = ::recv(fd.get(), &byte, 1, 0);
      if (part == 0 || (part < 0 && errno == ECONNRESET)) return true;
      turn();
    }
    return false;
  }
  void send(const Descriptor& fd, const std::string& bytes) {
    ASSERT_EQ(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void on_relay_end() override {
    ++ends_;
    if (destroys_in_end_) relay_.reset();
  }

  std::unique_ptr<Loop> loop_ = must(make_epoll_loop(), "loop");
  Descriptor client_;
  Descriptor server_;
  std::unique_ptr<Relay> relay_;
  int ends_ = 0;
  bool destroys_in_end_ = false;
};

TEST_F(RelayTest, BytesGoBothWays) {
  send(client_, "question");
  EXPECT_EQ(read(server_, 8), "question");
  send(server_, "answer");
  EXPECT_EQ(read(client_, 6), "answer");
  EXPECT_EQ(relay_->bytes_forth(), 8u);
  EXPECT_EQ(relay_->bytes_back(), 6u);
  EXPECT_EQ(ends_, 0);
}

// More than all buffers take: the writer has to wait for the reader, and nothing is lost.
TEST_F(RelayTest, ASlowReaderSlowsItsWriterDown) {
  const std::string bytes = pattern(8 << 20);
  size_t sent = 0;
  std::string received;
  std::string buffer(10'000, '\0');
  while (received.size() < bytes.size()) {
    const ssize_t part =
        ::send(client_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (part > 0) sent += static_cast<size_t>(part);
    turn();
    const ssize_t got = ::recv(server_.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) received.append(buffer, 0, static_cast<size_t>(got));
    ASSERT_LE(relay_->bytes_forth() - received.size(), 2u << 20) << "held without bound";
  }
  EXPECT_TRUE(received == bytes);
}

TEST_F(RelayTest, AHalfCloseStaysOne) {
  send(client_, "last words");
  ::shutdown(client_.get(), SHUT_WR);
  EXPECT_EQ(read(server_, 100), "last words");
  EXPECT_TRUE(is_ended(server_));
  EXPECT_EQ(ends_, 0);
  const std::string answer = pattern(1 << 20);
  size_t sent = 0;
  std::string received;
  std::string buffer(4096, '\0');
  for (int turns = 0; received.size() < answer.size() && turns < 10'000; ++turns) {
    const ssize_t part =
        ::send(server_.get(), answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
    if (part > 0) sent += static_cast<size_t>(part);
    turn();
    const ssize_t got = ::recv(client_.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) received.append(buffer, 0, static_cast<size_t>(got));
  }
  EXPECT_TRUE(received == answer);
  ::shutdown(server_.get(), SHUT_WR);
  EXPECT_TRUE(is_ended(client_));
  turn();
  EXPECT_EQ(ends_, 1);
}

TEST_F(RelayTest, BytesInFrontOfAnEndArrive) {
  const std::string bytes = pattern(150'000);
  send(client_, bytes);
  client_.reset();
  EXPECT_TRUE(read(server_, bytes.size(), 1000) == bytes);
  EXPECT_TRUE(is_ended(server_));
}

TEST_F(RelayTest, ABreakEndsBoth) {
  destroys_in_end_ = true;
  server_.reset();
  const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (ends_ == 0 && std::chrono::steady_clock::now() < give_up_at) {
    (void)::send(client_.get(), "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    turn();
  }
  EXPECT_EQ(ends_, 1);  // when the client could have said its last words
  EXPECT_TRUE(is_ended(client_));
}

// A side that breaks because nobody reads what it is sent has said something before: whichever of both
// the relay sees first.
TEST_F(RelayTest, LastWordsOfASideThatBreaksArrive) {
  const std::string words = pattern(100'000);
  send(client_, "a question that nobody reads");
  for (int turns = 0; relay_->bytes_forth() == 0 && turns < 1000; ++turns) turn();
  send(client_, "more of it");  // waits at the relay in front of the answer
  send(server_, words);
  server_.reset();
  std::string received;
  std::string buffer(10'000, '\0');
  for (int turns = 0; received.size() < words.size() && turns < 20'000; ++turns) {
    (void)::send(client_.get(), "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    const ssize_t part = ::recv(client_.get(), buffer.data(), buffer.size(), 0);
    if (part == 0) break;
    if (part > 0) received.append(buffer, 0, static_cast<size_t>(part));
    turn();
  }
  EXPECT_TRUE(received == words) << received.size();
  client_.reset();
  for (int turns = 0; ends_ == 0 && turns < 1000; ++turns) turn();
  EXPECT_EQ(ends_, 1);
}

// Relays that wait a second for the other side.
class HalfClosedRelayTest : public RelayTest {
 protected:
  HalfClosedRelayTest() : RelayTest(kTimeout) {}
  static constexpr Duration kTimeout = std::chrono::seconds(1);
};

TEST_F(HalfClosedRelayTest, EndWithoutABytePassing) {
  server_.reset();
  EXPECT_TRUE(is_ended(client_));
  for (int turns = 0; ends_ == 0 && turns < 20'000; ++turns) turn();
  EXPECT_EQ(ends_, 1);
}

// Half closed for longer than the limit, but never without a byte for that long: each turn finds one to
// pass on before it looks at its timers, however late the turn is.
TEST_F(HalfClosedRelayTest, LastWhileInUse) {
  ::shutdown(client_.get(), SHUT_WR);
  EXPECT_TRUE(is_ended(server_));
  for (int sent = 1; sent <= 12; ++sent) {
    std::this_thread::sleep_for(kTimeout / 4);
    send(server_, "x");
    turn();
    char byte = 0;
    ASSERT_EQ(::recv(client_.get(), &byte, 1, 0), 1) << sent;
    ASSERT_EQ(ends_, 0) << sent;
  }
}

TEST_F(RelayTest, WhoWaitsForNothingDoesNotSpin) {
  // The server takes nothing, and the client fills all buffers and closes.
  while (true) {
    const std::string block(100'000, 'x');
    if (::send(client_.get(), block.data(), block.size(), MSG_NOSIGNAL) <= 0) break;
    turn();
  }
  for (int turns = 0; turns < 10; ++turns) turn();
  client_.reset();
  const Time begin = loop_->read_clock();
  int turns = 0;
  while (loop_->read_clock() < begin + std::chrono::milliseconds(30)) {
    loop_->run_once(begin + std::chrono::milliseconds(30));
    ++turns;
  }
  EXPECT_LE(turns, 5);
}

}  // namespace
}  // namespace saker::net::test

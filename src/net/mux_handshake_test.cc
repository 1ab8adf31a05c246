// A multiplexer that misbehaves, told byte by byte what to answer.
#include "saker/net/mux_handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>

#include "saker/net/socket_address.h"
#include "saker/net/transport_harness.h"

namespace saker::net::test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class MuxHandshakeTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto at = must(
        socket_addresses({.transport = Transport::kUnix, .path = address_.path}, Purpose::kListen),
        "address")[0];
    listener_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(listener_.get(), at.get(), at.size), 0);
    ASSERT_EQ(::listen(listener_.get(), 8), 0);
  }
  void begin(Duration timeout = milliseconds(5000)) {
    attempt_ = std::make_unique<TestConnect>(*loop_, address_, ConnectOptions{.timeout = timeout});
    peer_ = Descriptor(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    turn();
    EXPECT_EQ(raw_read(peer_.get(), 16), "CONNECT 5000000\n");
  }
  void answer(std::string_view bytes) {
    ASSERT_EQ(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    turn();
  }
  void turn() {
    for (int i = 0; i < 3; ++i) loop_->run_once(loop_->read_clock() + milliseconds(2));
  }
  void expect_failure(int error, const std::string& words) {
    ASSERT_EQ(attempt_->count, 1);
    EXPECT_FALSE(attempt_->stream);
    EXPECT_EQ(attempt_->error.system_error, error) << attempt_->error.message;
    EXPECT_THAT(attempt_->error.message, HasSubstr(words));
    EXPECT_THAT(attempt_->error.message, HasSubstr(to_string(address_)));
  }

  TemporaryDirectory files_;
  const Address address_{
      .transport = Transport::kVsockMux, .path = files_.path("v"), .port = 5'000'000};
  std::unique_ptr<Loop> loop_ = must(make_epoll_loop(), "loop");
  Descriptor listener_;
  Descriptor peer_;
  std::unique_ptr<TestConnect> attempt_;
};

// Split anywhere, and with the peer's first bytes right behind: not one of them may be lost.
TEST_F(MuxHandshakeTest, TakesTheOkLineAndNotAByteMoreOverEverySplit) {
  const std::string line = "OK 1073741824\n";
  const std::string all = line + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (size_t split = 0; split <= all.size(); ++split) {
    begin();
    if (split > 0) answer(all.substr(0, split));
    EXPECT_EQ(attempt_->count, split >= line.size() ? 1 : 0) << split;
    if (split < all.size()) answer(all.substr(split));
    ASSERT_EQ(attempt_->count, 1) << split;
    ASSERT_TRUE(attempt_->stream) << attempt_->error.message;
    attempt_->stream->start();
    turn();
    EXPECT_EQ(attempt_->stream->received, all.substr(line.size())) << split;
    EXPECT_EQ(attempt_->stream->stream().peer().name, to_string(address_));
  }
}

TEST_F(MuxHandshakeTest, OneByteAtATime) {
  begin();
  for (const char c : std::string("OK 7\n")) answer({&c, 1});
  ASSERT_EQ(attempt_->count, 1);
  EXPECT_TRUE(attempt_->stream);
}

TEST_F(MuxHandshakeTest, APartialLineDoesNotSpinTheLoop) {
  begin();
  answer("OK 1");
  const Time end = loop_->read_clock() + milliseconds(20);
  int turns = 0;
  for (; loop_->read_clock() < end; ++turns) loop_->run_once(end);
  EXPECT_LE(turns, 5);
}

TEST_F(MuxHandshakeTest, WrongAnswersAreNamed) {
  for (const std::string text :
       {"NO\n", "OK\n", "OK \n", "OK x\n", "OK 1 \n", "ok 1\n", "\n",
        "HTTP/1.1 400 Bad Request\r\n", "OK 11111111111111111111111111111111", "\x01\x02\xFF\n"}) {
    begin();
    answer(text);
    expect_failure(EPROTO, "instead of OK and a port");
  }
}

TEST_F(MuxHandshakeTest, AnEndBeforeOkIsTransient) {
  for (const std::string text : {"", "OK 1"}) {
    begin();
    if (!text.empty()) answer(text);
    peer_.reset();
    turn();
    expect_failure(ECONNRESET, "nobody listens there");
  }
}

TEST_F(MuxHandshakeTest, SilenceTimesOut) {
  begin(milliseconds(40));
  const Time end = loop_->read_clock() + milliseconds(2000);
  while (attempt_->count == 0 && loop_->read_clock() < end) turn();
  expect_failure(ETIMEDOUT, "no OK from the vsock multiplexer");
}

TEST_F(MuxHandshakeTest, SilenceTimesOutLongBeforeTheWholeAttempt) {
  begin(std::chrono::minutes(1));
  const Time end = loop_->read_clock() + std::chrono::seconds(10);
  while (attempt_->count == 0 && loop_->read_clock() < end) turn();
  expect_failure(ETIMEDOUT, "no OK from the vsock multiplexer");
}

}  // namespace
}  // namespace saker::net::test

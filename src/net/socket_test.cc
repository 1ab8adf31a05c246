// What only real sockets have: half close, resets, stale paths, inherited descriptors, names,
// running out of descriptors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
// After <sys/socket.h>, which it needs.
#include <linux/vm_sockets.h>

#include <cerrno>

#include "saker/net/listen_socket.h"
#include "saker/net/socket_address.h"
#include "saker/net/transport_harness.h"
#include "saker/net/tuning.h"

namespace saker::net::test {
namespace {

using std::chrono::milliseconds;
using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

Address parsed(const std::string& text) {
  return must(parse_address(text), "address");
}

class SocketTest : public testing::Test {
 protected:
  void TearDown() override {
    raw_.reset();
    listener_.reset();
    events_.streams.clear();
    loop_.reset();
    EXPECT_EQ(open_descriptors(), descriptors_) << "a descriptor was left open";
  }
  bool run_until(const std::function<bool()>& done, Duration limit = std::chrono::seconds(20)) {
    const Time end = loop_->read_clock() + limit;
    while (!done()) {
      if (loop_->read_clock() > end) return false;
      loop_->run_once(loop_->read_clock() + milliseconds(5));
    }
    return true;
  }
  void settle() {
    run_until([] { return false; }, milliseconds(30));
  }
  // A listener, and a raw socket connected to it.
  void make_pair(const std::string& address) {
    listener_ = must(loop_->listen(parsed(address), {}, events_), "listen");
    raw_ = raw_connect(listener_->address());
    ASSERT_TRUE(raw_);
    ASSERT_TRUE(run_until([&] { return !events_.streams.empty(); }));
  }
  TestStream& stream() { return *events_.streams.front(); }
  void reset_raw() {
    const linger now{1, 0};
    setsockopt(raw_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    raw_.reset();
  }
  void expect_a_rest() {
    const Time end = loop_->read_clock() + milliseconds(30);
    int turns = 0;
    for (; loop_->read_clock() < end; ++turns) loop_->run_once(end);
    EXPECT_LE(turns, 5);
  }
  Result<std::unique_ptr<Listener>> listen(const std::string& address, ListenOptions options = {}) {
    return loop_->listen(parsed(address), options, events_);
  }

  size_t descriptors_ = open_descriptors();
  std::unique_ptr<Loop> loop_ = must(make_epoll_loop(), "loop");
  TestListener events_{*loop_};
  std::unique_ptr<Listener> listener_;
  Descriptor raw_;
  TemporaryDirectory files_;
};

TEST_F(SocketTest, APeerThatHalfClosesStillGetsWhatTheKernelTakesAtOnce) {
  make_pair("127.0.0.1:0");
  ASSERT_EQ(::send(raw_.get(), "last", 4, 0), 4);
  ASSERT_EQ(::shutdown(raw_.get(), SHUT_WR), 0);
  ASSERT_TRUE(run_until([&] { return stream().end_count == 1; }));
  EXPECT_EQ(stream().received, "last");
  EXPECT_EQ(stream().error.system_error, 0);
  ChunkQueue reply(loop_->chunks());
  reply.append(as_bytes("reply"));
  stream().stream().submit(std::move(reply));
  EXPECT_FALSE(stream().stream().write_in_flight());
  stream().stream().close();
  EXPECT_EQ(raw_read(raw_.get(), 100), "reply");
}

TEST_F(SocketTest, AResetIsReportedWithItsErrno) {
  make_pair("127.0.0.1:0");
  reset_raw();
  ASSERT_TRUE(run_until([&] { return stream().end_count == 1; }));
  EXPECT_EQ(stream().error.system_error, ECONNRESET);
  EXPECT_EQ(stream().error.message, "closed by the peer");
}

TEST_F(SocketTest, AResetIsReportedToAPausedReader) {
  make_pair("127.0.0.1:0");
  stream().stream().pause_reading(true);
  reset_raw();
  ASSERT_TRUE(run_until([&] { return stream().end_count == 1; }));
  EXPECT_EQ(stream().error.system_error, ECONNRESET);
}

TEST_F(SocketTest, AnUnixPeerThatClosesWhileReadingIsPausedDoesNotSpinTheLoop) {
  make_pair("unix:" + files_.path("s"));
  stream().stream().pause_reading(true);
  ASSERT_EQ(::send(raw_.get(), "last", 4, 0), 4);
  raw_.reset();
  settle();
  expect_a_rest();
  EXPECT_EQ(stream().end_count, 0);
  stream().stream().pause_reading(false);
  ASSERT_TRUE(run_until([&] { return stream().end_count == 1; }));
  EXPECT_EQ(stream().received, "last");
}

TEST_F(SocketTest, WhatThePeerSaidBeforeItWentIsReadAfterAWriteFailed) {
  make_pair("unix:" + files_.path("s"));
  struct Task final : PostedTask {
    void run() override { action(); }
    std::function<void()> action;
  } task;
  task.action = [&] {  // within a turn, so that no epoll_wait comes between
    ASSERT_EQ(::send(raw_.get(), "goaway", 6, 0), 6);
    raw_.reset();
    EXPECT_TRUE(stream().send("too late"));
  };
  loop_->post(task);
  ASSERT_TRUE(run_until([&] { return stream().end_count == 1; }));
  EXPECT_EQ(stream().received, "goaway");
  EXPECT_EQ(stream().error.system_error, EPIPE);
  EXPECT_EQ(stream().sent_count, 0);
}

TEST_F(SocketTest, AWriterWhosePeerNeverReadsAgainEndsInTheEnd) {
  make_pair("unix:" + files_.path("s"));
  ASSERT_EQ(::shutdown(raw_.get(), SHUT_RD), 0);  // our send: EPIPE; our recv: nothing, for ever
  EXPECT_TRUE(stream().send("x"));
  ASSERT_TRUE(run_until([&] { return stream().end_count == 1; }));
  EXPECT_EQ(stream().error.system_error, EPIPE);
}

TEST_F(SocketTest, UnreadInputDoesNotDestroyTheLastWordsOfAStreamThatCloses) {
  make_pair("127.0.0.1:0");
  stream().stream().pause_reading(true);
  const std::string flood = pattern(100'000);
  ASSERT_EQ(::send(raw_.get(), flood.data(), flood.size(), 0), 100'000);
  settle();
  ASSERT_TRUE(stream().send("goaway"));
  stream().stream().close();
  EXPECT_EQ(raw_read(raw_.get(), 6), "goaway");
  char byte;
  EXPECT_EQ(::recv(raw_.get(), &byte, 1, 0), 0) << "a reset, which may overtake the last words";
}

TEST_F(SocketTest, DualStackListenersAnswerBothFamilies) {
  for (const std::string text : {":0", "[::]:0"}) {
    auto listener = listen(text);
    if (!listener) GTEST_SKIP() << "no IPv6 here: " << listener.error().message;
    const std::string port = std::to_string((*listener)->address().port);
    EXPECT_NE(port, "0");
    events_.peers.clear();
    const Descriptor ipv4 = raw_connect(parsed("127.0.0.1:" + port));
    const Descriptor ipv6 = raw_connect(parsed("[::1]:" + port));
    ASSERT_TRUE(run_until([&] { return events_.peers.size() == 2; }));
    EXPECT_THAT(events_.peers[0].name, StartsWith("ipv4:127.0.0.1:"));
    EXPECT_THAT(events_.peers[1].name, StartsWith("ipv6:[::1]:"));
    EXPECT_TRUE(events_.peers[0].is_local && events_.peers[1].is_local);
  }
}

TEST_F(SocketTest, LocalhostTriesBothFamilies) {
  auto listener = listen("[::1]:0");
  if (!listener) GTEST_SKIP() << "no IPv6 here";
  const Address target{.host = "LocalHost.", .port = (*listener)->address().port};
  EXPECT_FALSE(needs_lookup(target));
  TestConnect attempt(*loop_, target);
  ASSERT_TRUE(run_until([&] { return attempt.count == 1; }));
  ASSERT_TRUE(attempt.stream) << attempt.error.message;
  EXPECT_THAT(attempt.stream->stream().peer().name, StartsWith("ipv6:[::1]:"));
}

TEST_F(SocketTest, ConnectingToAnyOrToPortZeroIsRefusedBeforehand) {
  for (const std::string text : {"localhost:0", "vsock:any:1", "vsock:2:any"}) {
    TestConnect attempt(*loop_, parsed(text));
    ASSERT_TRUE(run_until([&] { return attempt.count == 1; }));
    EXPECT_EQ(attempt.error.system_error, EINVAL) << text;
    EXPECT_FALSE(attempt.was_early);
    EXPECT_THAT(attempt.error.message, HasSubstr("for listening, not for connecting"));
  }
}

TEST_F(SocketTest, NamesAreLookedUpWithoutBlocking) {
  TestConnect attempt(*loop_, parsed("no-such-host.invalid:1"), {.timeout = milliseconds(2000)});
  EXPECT_TRUE(needs_lookup(parsed("no-such-host.invalid:1")));
  ASSERT_TRUE(run_until([&] { return attempt.count == 1; }));
  EXPECT_FALSE(attempt.stream);
  EXPECT_THAT(attempt.error.message, HasSubstr("no-such-host.invalid"));
  EXPECT_THAT(attempt.error.system_error, AnyOf(ENOENT, EAGAIN, ETIMEDOUT))
      << attempt.error.message;
}

TEST_F(SocketTest, AHostsOwnNameConnects) {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  listener_ = must(listen(":0"), "listen");
  const Address target{.host = name, .port = listener_->address().port};
  if (!socket_addresses(target, Purpose::kConnect)) GTEST_SKIP() << name << " does not resolve";
  TestConnect attempt(*loop_, target);
  ASSERT_TRUE(run_until([&] { return attempt.count == 1; }));
  EXPECT_TRUE(attempt.stream) << attempt.error.message;
}

TEST_F(SocketTest, AnAbandonedLookupLeavesNothingBehind) {
  for (int i = 0; i < 10; ++i) {
    const TestConnect attempt(*loop_, parsed("abandoned.invalid:1"));
  }
}

// A backlog that is full: TCP drops the SYN, Unix says EAGAIN.
// Either way the attempt goes on until its time is up.
TEST_F(SocketTest, ConnectTimesOutOnAFullBacklogAndSucceedsOnceItDrains) {
  for (const std::string& text : {std::string("127.0.0.1:0"), "unix:" + files_.path("full")}) {
    listener_ = must(listen(text, {.backlog = 0}), "listen");
    listener_->pause(true);
    const Address target = listener_->address();
    const Descriptor filler = raw_connect(target);
    TestConnect patient(*loop_, target);
    TestConnect hasty(*loop_, target, {.timeout = milliseconds(60)});
    const Time begin = loop_->read_clock();
    ASSERT_TRUE(run_until([&] { return hasty.count == 1; }));
    if (hasty.stream) continue;  // a kernel with a more generous idea of 0
    EXPECT_EQ(hasty.error.system_error, ETIMEDOUT) << hasty.error.message;
    EXPECT_GE(loop_->read_clock() - begin, milliseconds(60));
    EXPECT_LT(loop_->read_clock() - begin, milliseconds(3000));
    listener_->pause(false);
    ASSERT_TRUE(run_until([&] { return patient.count == 1; }));
    EXPECT_TRUE(patient.stream) << patient.error.message;
    events_.streams.clear();
  }
}

TEST_F(SocketTest, AnInheritedListenerIsTakenOver) {
  auto opened = must(open_listen_socket(parsed("127.0.0.1:0"), {}), "open");
  const Address address = opened.address;
  listener_ = must(listen("fd:" + std::to_string(opened.fd.release())), "listen");
  EXPECT_EQ(listener_->address(), address);
  raw_ = raw_connect(address);
  ASSERT_TRUE(run_until([&] { return !events_.streams.empty(); }));
  EXPECT_EQ(events_.peers[0].transport, Transport::kTcp);
}

TEST_F(SocketTest, AConnectedDescriptorIsTakenOver) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  raw_.reset(pair[0]);
  TestConnect attempt(*loop_, parsed("fd:" + std::to_string(pair[1])));
  ASSERT_TRUE(run_until([&] { return attempt.count == 1; }));
  ASSERT_TRUE(attempt.stream) << attempt.error.message;
  EXPECT_EQ(attempt.stream->stream().peer().transport, Transport::kUnix);
  EXPECT_EQ(attempt.stream->stream().peer().pid, getpid());
  attempt.stream->start();
  ASSERT_EQ(::send(raw_.get(), "x", 1, 0), 1);
  ASSERT_TRUE(run_until([&] { return attempt.stream->received == "x"; }));
}

TEST_F(SocketTest, WrongDescriptorsAreRefusedAndLeftAlone) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const Descriptor one(pair[0]);
  const Descriptor two(pair[1]);
  EXPECT_FALSE(listen("fd:" + std::to_string(one.get())));
  EXPECT_FALSE(listen("fd:0"));
  EXPECT_FALSE(listen("fd:999999"));
  auto opened = must(open_listen_socket(parsed("127.0.0.1:0"), {}), "open");
  TestConnect attempt(*loop_, parsed("fd:" + std::to_string(opened.fd.get())));
  ASSERT_TRUE(run_until([&] { return attempt.count == 1; }));
  EXPECT_EQ(attempt.error.system_error, ENOTCONN);
  EXPECT_FALSE(listen("memory://x"));
}

class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit lower{limit, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &lower);
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

// Neither a listener that somebody shut down nor one without descriptors may spin. (One test,
// because UBSan needs descriptors of its own when it meets a class for the first time, here those
// of the way into the rest.)
TEST_F(SocketTest, AcceptErrorsRestAndOutOfDescriptorsANewcomerIsTurnedAway) {
  auto opened = must(open_listen_socket(parsed("127.0.0.1:0"), {}), "open");
  const Descriptor copy(dup(opened.fd.get()));
  listener_ = must(listen("fd:" + std::to_string(opened.fd.release())), "listen");
  ASSERT_EQ(::shutdown(copy.get(), SHUT_RDWR), 0);
  run_until([] { return false; }, milliseconds(1));
  expect_a_rest();

  listener_ = must(listen("127.0.0.1:0"), "listen");
  std::vector<Descriptor> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(raw_connect(listener_->address()));
  {
    // Descriptors are given lowest first, so a duplicate's number is the next free one.
    const int next = dup(0);
    ::close(next);
    const DescriptorLimit limit(static_cast<rlim_t>(next));
    run_until([] { return false; }, milliseconds(10));
    EXPECT_EQ(events_.streams.size(), 0u);
    EXPECT_EQ(raw_read(clients[0].get(), 1), "");
    expect_a_rest();
  }
  ASSERT_TRUE(run_until([&] { return events_.streams.size() == 3; }));
}

class VsockTest : public SocketTest {
 protected:
  void SetUp() override {
    auto opened = listen("vsock:local:any");
    if (!opened) GTEST_SKIP() << opened.error().message << " (runs again in a virtual machine)";
    listener_ = std::move(*opened);
  }
};

TEST_F(VsockTest, AcceptedConnectionsHaveTheListenersWindow) {
  listener_ = must(listen("vsock:any:any", {.vsock_window_bytes = 1 << 20}), "listen");
  EXPECT_EQ(listener_->address().cid, kVsockCidAny);
  uint64_t window = 0;
  events_.instead = [&](Accepted accepted) {
    socklen_t size = sizeof window;
    EXPECT_EQ(
        getsockopt(accepted.socket.get(), AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &window, &size), 0);
    loop_->discard(std::move(accepted));
  };
  const Address target{
      .transport = Transport::kVsock, .cid = kVsockCidLocal, .port = listener_->address().port};
  const TestConnect attempt(*loop_, target, {.vsock_window_bytes = 1 << 20});
  ASSERT_TRUE(run_until([&] { return window != 0; }));
  EXPECT_EQ(window, 1u << 20);
}

TEST_F(VsockTest, AVirtualMachineThatIsNotThereIsReportedSoon) {
  const Time begin = loop_->read_clock();
  TestConnect attempt(*loop_, parsed("vsock:4242:1"));
  ASSERT_TRUE(run_until([&] { return attempt.count == 1; }));
  EXPECT_THAT(attempt.error.system_error, AnyOf(ENODEV, ETIMEDOUT, ECONNRESET, ENETUNREACH));
  EXPECT_LT(loop_->read_clock() - begin, tuning::kVsockConnectTimeout * 3);
}

}  // namespace
}  // namespace saker::net::test

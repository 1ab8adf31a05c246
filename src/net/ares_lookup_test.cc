// Names through c-ares: a hosts file and a name server of the test's own making.
#include "saker/net/ares_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "saker/base/bytes.h"
#include "saker/net/epoll_loop.h"
#include "saker/net/socket_options.h"
#include "saker/net/transport_harness.h"

namespace saker::net {
namespace {

using std::chrono::seconds;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct Answer final : ResolveEvents {
  void on_resolved(Result<std::vector<Address>> result) override {
    ++count;
    if (!result) {
      error = result.error();
      return;
    }
    for (const Address& address : *result) texts.push_back(to_string(address));
  }
  int count = 0;
  std::vector<std::string> texts;
  Error error;
};

// A name server on this machine (RFC 1035), over UDP and TCP: whatever name it is asked for has the
// IPv4 address 127.0.0.9, and no IPv6 address. Works when serve() is called.
class NameServer {
 public:
  enum class Manner : uint8_t { kAnswers, kSilent, kRefuses, kTruncates };

  NameServer() {
    for (int tries = 0; tries < 50 && !tcp_; ++tries) bind_both();
    EXPECT_TRUE(tcp_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void serve() {
    serve_udp();
    serve_tcp();
  }

  Manner manner = Manner::kAnswers;
  int asked_over_udp = 0;
  int asked_over_tcp = 0;

 private:
  static constexpr size_t kHeaderBytes = 12;

  void bind_both() {
    udp_ = Descriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    Descriptor tcp = *make_socket(AF_INET);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* raw = reinterpret_cast<sockaddr*>(&at);
    if (::bind(udp_.get(), raw, size) != 0 || ::getsockname(udp_.get(), raw, &size) != 0) return;
    if (::bind(tcp.get(), raw, size) != 0 || ::listen(tcp.get(), 5) != 0) return;
    port_ = ntohs(at.sin_port);
    tcp_ = std::move(tcp);
  }
  void serve_udp() {
    std::vector<uint8_t> question(512);
    sockaddr_in from{};
    socklen_t size = sizeof from;
    auto* raw = reinterpret_cast<sockaddr*>(&from);
    const ssize_t got = ::recvfrom(udp_.get(), question.data(), question.size(), 0, raw, &size);
    if (got <= 0) return;
    ++asked_over_udp;
    if (manner == Manner::kSilent) return;
    question.resize(static_cast<size_t>(got));
    const auto answer = answer_to(question, manner == Manner::kTruncates);
    (void)::sendto(udp_.get(), answer.data(), answer.size(), 0, raw, size);
  }
  void serve_tcp() {
    if (!peer_) peer_ = Descriptor(::accept4(tcp_.get(), nullptr, nullptr, SOCK_NONBLOCK));
    if (!peer_) return;
    std::vector<uint8_t> buffer(2048);
    const ssize_t got = ::recv(peer_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) input_.insert(input_.end(), buffer.begin(), buffer.begin() + got);
    while (input_.size() >= 2 && input_.size() >= 2u + load_be16(input_.data())) {
      const auto end = input_.begin() + 2 + load_be16(input_.data());
      ++asked_over_tcp;
      auto answer = answer_to({input_.begin() + 2, end}, false);
      input_.erase(input_.begin(), end);
      answer.insert(answer.begin(), 2, 0);
      store_be16(answer.data(), static_cast<uint16_t>(answer.size() - 2));
      (void)::send(peer_.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }
  std::vector<uint8_t> answer_to(std::vector<uint8_t> question, bool truncated) const {
    size_t end = kHeaderBytes;  // of the question: labels, their end, type and class
    while (end < question.size() && question[end] != 0) end += question[end] + 1u;
    end += 1 + 4;
    if (end > question.size()) return question;
    const bool wants_ipv4 = load_be16(&question[end - 4]) == 1;
    const bool refuses = manner == Manner::kRefuses;
    const bool has_answer = wants_ipv4 && !truncated && !refuses;
    question.resize(end);
    store_be16(&question[2],
               static_cast<uint16_t>(0x8180 | (truncated ? 0x200 : 0) | (refuses ? 3 : 0)));
    store_be16(&question[6], has_answer ? 1 : 0);
    store_be32(&question[8], 0);  // neither authority nor additional records
    if (!has_answer) return question;
    const uint8_t record[] = {0xc0, kHeaderBytes, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 9};
    question.insert(question.end(), std::begin(record), std::end(record));
    return question;
  }

  Descriptor udp_;
  Descriptor tcp_;
  Descriptor peer_;
  std::vector<uint8_t> input_;  // over TCP
  uint16_t port_ = 0;
};

class AresLookupTest : public testing::Test {
 protected:
  void SetUp() override {
    hosts_ = files_.path("hosts");
    std::ofstream(hosts_) << "127.0.0.2 pair.test\n127.0.0.3 pair.test\n::1 six.test\n";
    setenv("CARES_HOSTS", hosts_.c_str(), 1);
  }
  void TearDown() override { unsetenv("CARES_HOSTS"); }
  bool run_until(const std::function<bool()>& done, Duration limit = seconds(20)) {
    const Time end = loop_->read_clock() + limit;
    while (!done() && loop_->read_clock() < end) {
      loop_->run_once(loop_->read_clock() + std::chrono::milliseconds(5));
      server_.serve();
    }
    return done();
  }
  AresLookup ask(const char* name, Duration timeout, Answer& answer) {
    return {static_cast<EpollLoop&>(*loop_), *parse_address(name), timeout, answer,
            server_.address()};
  }

  test::TemporaryDirectory files_;
  std::string hosts_;
  NameServer server_;
  std::unique_ptr<Loop> loop_ = *make_epoll_loop();
};

TEST_F(AresLookupTest, TheHostsFileIsAskedFirst) {
  Answer answer;
  const auto attempt = loop_->resolve(*parse_address("pair.test:50051"), seconds(5), answer);
  EXPECT_EQ(answer.count, 0) << "never inside resolve()";
  ASSERT_TRUE(run_until([&] { return answer.count == 1; }));
  EXPECT_THAT(answer.texts, testing::UnorderedElementsAre("127.0.0.2:50051", "127.0.0.3:50051"))
      << answer.error.message;
}

TEST_F(AresLookupTest, BothFamilies) {
  Answer answer;
  const auto attempt = loop_->resolve(*parse_address("six.test:1"), seconds(5), answer);
  ASSERT_TRUE(run_until([&] { return answer.count == 1; }));
  EXPECT_THAT(answer.texts, ElementsAre("[::1]:1")) << answer.error.message;
}

TEST_F(AresLookupTest, AnUnknownNameIsAnError) {
  Answer answer;
  const auto attempt = loop_->resolve(*parse_address("no-such-host.invalid:1"), seconds(2), answer);
  ASSERT_TRUE(run_until([&] { return answer.count == 1; }));
  EXPECT_THAT(answer.error.message, HasSubstr("no-such-host.invalid"));
  EXPECT_THAT(answer.error.system_error, AnyOf(ENOENT, EAGAIN, ETIMEDOUT));
}

TEST_F(AresLookupTest, TheNameServerIsAsked) {
  Answer answer;
  const AresLookup lookup = ask("a.served.test:50051", seconds(10), answer);
  EXPECT_EQ(answer.count, 0) << "never inside its constructor";
  ASSERT_TRUE(run_until([&] { return answer.count == 1; }));
  EXPECT_THAT(answer.texts, ElementsAre("127.0.0.9:50051")) << answer.error.message;
  EXPECT_GE(server_.asked_over_udp, 2) << "for both families";
}

TEST_F(AresLookupTest, AnAnswerThatIsCutOffIsAskedForOverTcp) {
  server_.manner = NameServer::Manner::kTruncates;
  Answer answer;
  const AresLookup lookup = ask("a.served.test:1", seconds(10), answer);
  ASSERT_TRUE(run_until([&] { return answer.count == 1; }));
  EXPECT_THAT(answer.texts, ElementsAre("127.0.0.9:1")) << answer.error.message;
  EXPECT_GE(server_.asked_over_tcp, 1);
}

TEST_F(AresLookupTest, ANameThatTheServerDoesNotKnowDoesNotExist) {
  server_.manner = NameServer::Manner::kRefuses;
  Answer answer;
  const AresLookup lookup = ask("a.served.test:1", seconds(10), answer);
  ASSERT_TRUE(run_until([&] { return answer.count == 1; }));
  EXPECT_EQ(answer.error.system_error, ENOENT) << answer.error.message;
  EXPECT_THAT(answer.error.message, HasSubstr("a.served.test"));
}

TEST_F(AresLookupTest, ASilentServerCostsTheTimeoutAndNoMore) {
  server_.manner = NameServer::Manner::kSilent;
  Answer answer;
  const Time begin = loop_->read_clock();
  const AresLookup lookup = ask("a.served.test:1", std::chrono::milliseconds(200), answer);
  ASSERT_TRUE(run_until([&] { return answer.count == 1; }));
  EXPECT_GE(loop_->read_clock() - begin, std::chrono::milliseconds(200));
  EXPECT_EQ(answer.error.system_error, ETIMEDOUT);
  EXPECT_THAT(answer.error.message, HasSubstr("no answer in time"));
  EXPECT_GE(server_.asked_over_udp, 1);
}

TEST_F(AresLookupTest, DestroyingItWhileTheServerThinks) {
  server_.manner = NameServer::Manner::kSilent;
  Answer answer;
  {
    const AresLookup lookup = ask("a.served.test:1", seconds(5), answer);
    ASSERT_TRUE(run_until([&] { return server_.asked_over_udp > 0; }));
  }
  run_until([] { return false; }, std::chrono::milliseconds(50));
  EXPECT_EQ(answer.count, 0);
}

TEST_F(AresLookupTest, DestroyingItAbandonsTheLookup) {
  Answer answer;
  for (const char* name : {"pair.test:1", "no-such-host.invalid:1"}) {
    loop_->resolve(*parse_address(name), seconds(2), answer).reset();
  }
  run_until([] { return false; }, std::chrono::milliseconds(50));
  EXPECT_EQ(answer.count, 0);
}

}  // namespace
}  // namespace saker::net

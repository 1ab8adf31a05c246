// Server: what its loops have to agree on: the limit on connections, and a shut-down in which nobody
// who has come is forgotten. Real loops and threads, over Unix sockets.
#include "saker/rpc/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "saker/h2/frame.h"
#include "saker/net/descriptor.h"

namespace saker::rpc {
namespace {

using namespace std::chrono_literals;

class Servers : public testing::Test {
 protected:
  static net::Address any_address() {
    static int count = 0;
    const std::string name = "saker-server-test-" + std::to_string(getpid());
    return *net::parse_address("unix-abstract:" + name + "-" + std::to_string(++count));
  }
  // Connected, and waiting for at most half a minute in each recv().
  static net::Descriptor connect_to(const net::Address& address) {
    net::Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience = {.tv_sec = 30, .tv_usec = 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const std::string name = net::to_string(address).substr(std::strlen("unix-abstract:"));
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path + 1, name.data(), name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), size), 0);
    return fd;
  }
  // What comes until the server closes; "silence" where it does not.
  static std::string read_all(const net::Descriptor& fd) {
    std::string all;
    char some[4096];
    for (;;) {
      const ssize_t size = recv(fd.get(), some, sizeof some, 0);
      if (size < 0 && errno == EAGAIN) return "silence";
      if (size <= 0) return all;
      all.append(some, static_cast<size_t>(size));
    }
  }
  // SETTINGS come, not the end.
  static bool is_greeted(const net::Descriptor& fd) {
    char first = 0;
    return recv(fd.get(), &first, 1, 0) == 1;
  }
  static size_t count_goaways(std::string_view bytes) {
    size_t count = 0;
    while (bytes.size() >= h2::kFrameHeaderBytes) {
      const auto at = [&](size_t index) { return static_cast<uint8_t>(bytes[index]); };
      if (at(3) == static_cast<uint8_t>(h2::FrameType::kGoaway)) ++count;
      const size_t length = (size_t{at(0)} << 16) + (size_t{at(1)} << 8) + at(2);
      bytes.remove_prefix(std::min(bytes.size(), h2::kFrameHeaderBytes + length));
    }
    return count;
  }

  ServerOptions options;
};

TEST_F(Servers, ListenAsksForPrepare) {
  Server server(options);
  const auto bound = server.listen(any_address());
  ASSERT_FALSE(bound);
  EXPECT_NE(bound.error().message.find("prepare()"), std::string::npos) << bound.error().message;
  server.shut_down();
  server.wait();
}

// Those that wait in the backlog are accepted in the turn in which loop 0 learns of the end, and every
// other one is another loop's.
TEST_F(Servers, WhoComesDuringAShutDownIsToldOfIt) {
  options.threads = 2;
  options.drain_timeout = 10min;
  Server server(options);
  ASSERT_TRUE(server.prepare());
  const net::Address address = any_address();
  ASSERT_TRUE(server.listen(address));
  std::vector<net::Descriptor> clients;
  for (int at = 0; at < 6; ++at) clients.push_back(connect_to(address));
  server.shut_down();
  server.start();
  for (const net::Descriptor& client : clients) {
    EXPECT_EQ(count_goaways(read_all(client)), 2u);
  }
  server.wait();
}

// What a process has that a test decides.
struct FakeMemory final : ProcessMemory {
  uint64_t resident_bytes() override { return bytes; }
  uint64_t in_use_bytes() override { return bytes; }
  void give_back() override {}
  std::atomic<uint64_t> bytes{100 << 20};
};

TEST_F(Servers, ALimitOnMemoryLeavesAQuarterAtLeast) {
  FakeMemory memory;
  memory.bytes = 30 << 20;
  options.process_memory = &memory;
  options.max_memory_bytes = (40 << 20) - 1;
  const auto refused = Server(options).prepare();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "a memory limit of 40MiB is too low: 30MiB are in use before the first connection; the "
            "least is 40MiB");
  options.max_memory_bytes = 40 << 20;
  EXPECT_TRUE(Server(options).prepare());
}

// The watch has the last word about each look, and so do the connections that come after it.
TEST_F(Servers, ShortOfMemoryConnectionsAreClosedAtOnce) {
  FakeMemory memory;
  std::mutex mutex;
  std::vector<std::string> said;
  const auto has_said = [&](std::string_view part) {
    const std::lock_guard lock(mutex);
    return !said.empty() && said.back().contains(part);
  };
  options.threads = 2;
  options.max_memory_bytes = 256 << 20;
  options.process_memory = &memory;
  options.report_memory = [&](const std::string& what) {
    const std::lock_guard lock(mutex);
    said.push_back(what);
  };
  Server server(options);
  ASSERT_TRUE(server.prepare());
  const net::Address address = *server.listen(any_address());
  server.start();
  const net::Descriptor before = connect_to(address);
  EXPECT_TRUE(is_greeted(before));
  memory.bytes = 230 << 20;
  while (!has_said("new connections are refused")) std::this_thread::sleep_for(1ms);
  EXPECT_FALSE(is_greeted(connect_to(address)));
  memory.bytes = 100 << 20;
  while (!has_said("well again")) std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(is_greeted(connect_to(address)));
  const auto& refused = server.loop(0).counters().connections_refused;
  EXPECT_EQ(refused[static_cast<size_t>(ConnectionRefusal::kMemory)], 1u);
  server.shut_down();
  EXPECT_GT(read_all(before).size(), 0u) << "who was there stays until the end";
  server.wait();
}

TEST_F(Servers, TheLimitOnConnectionsIsTheWholeServers) {
  options.threads = 2;
  options.max_connections = 3;
  Server server(options);
  ASSERT_TRUE(server.prepare());
  const net::Address address = any_address();
  ASSERT_TRUE(server.listen(address));
  std::vector<net::Descriptor> clients;
  for (int at = 0; at < 8; ++at) clients.push_back(connect_to(address));
  server.start();
  size_t served = 0;
  for (const net::Descriptor& client : clients) served += is_greeted(client) ? 1 : 0;
  EXPECT_EQ(served, 3u);
  const auto& refused = server.loop(0).counters().connections_refused;
  EXPECT_EQ(refused[static_cast<size_t>(ConnectionRefusal::kFull)], 5u);
  server.shut_down();
  server.wait();
}

}  // namespace
}  // namespace saker::rpc

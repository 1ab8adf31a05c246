// Unix socket paths: stale ones, live ones, their mode and their end.
#include "saker/net/listen_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>

#include "saker/net/socket_address.h"
#include "saker/net/transport_harness.h"

namespace saker::net::test {
namespace {

using testing::HasSubstr;

class ListenSocketTest : public testing::Test {
 protected:
  Address at(std::string_view name) {
    return {.transport = Transport::kUnix, .path = files_.path(name)};
  }
  ListenSocket open(std::string_view name, ListenOptions options = {}) {
    return must(open_listen_socket(at(name), options), "listen");
  }

  TemporaryDirectory files_;
};

TEST_F(ListenSocketTest, APathOfADeadServerIsReplaced) {
  {
    const auto address = must(socket_addresses(at("s"), Purpose::kListen), "address")[0];
    const Descriptor dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(dead.get(), address.get(), address.size), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(files_.path("s")));
  const ListenSocket socket = open("s");
  EXPECT_TRUE(raw_connect(socket.address));
}

TEST_F(ListenSocketTest, ALiveServersPathIsLeftAlone) {
  const ListenSocket live = open("live");
  const auto second = open_listen_socket(at("live"), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().system_error, EADDRINUSE);
  EXPECT_THAT(second.error().message, HasSubstr("a live server answers there"));
  EXPECT_TRUE(raw_connect(live.address));
}

TEST_F(ListenSocketTest, ALiveServerWithAFullBacklogIsLeftAlone) {
  const ListenSocket live = open("live", {.backlog = 0});
  const Descriptor filler = raw_connect(live.address);
  const auto second = open_listen_socket(at("live"), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().system_error, EADDRINUSE);
}

TEST_F(ListenSocketTest, AFileThatIsNotASocketIsLeftAlone) {
  std::ofstream(files_.path("file")) << "precious";
  const auto result = open_listen_socket(at("file"), {});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("not a socket"));
  EXPECT_EQ(std::filesystem::file_size(files_.path("file")), 8u);
}

TEST_F(ListenSocketTest, AMissingDirectoryIsNamed) {
  const auto result = open_listen_socket(at("no/such/directory"), {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().system_error, ENOENT);
  EXPECT_THAT(result.error().message, HasSubstr("no/such/directory"));
}

TEST_F(ListenSocketTest, APathHasItsModeWhateverTheUmask) {
  const mode_t before = umask(077);
  const ListenSocket socket = open("s", {.unix_mode = 0666});
  umask(before);
  struct stat status;
  ASSERT_EQ(stat(files_.path("s").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0666u);
}

TEST_F(ListenSocketTest, APathGoesWithItsListener) {
  open("s");
  EXPECT_FALSE(std::filesystem::exists(files_.path("s")));
  const Address mux{.transport = Transport::kVsockMux, .path = files_.path("v"), .port = 52};
  {
    const ListenSocket socket = must(open_listen_socket(mux, {}), "listen");
    EXPECT_TRUE(std::filesystem::exists(files_.path("v_52")));
  }
  EXPECT_FALSE(std::filesystem::exists(files_.path("v_52")));
}

TEST_F(ListenSocketTest, APathThatAnotherServerTookStays) {
  std::optional<ListenSocket> first = open("s");
  std::filesystem::remove(files_.path("s"));
  const ListenSocket successor = open("s");
  first.reset();
  EXPECT_TRUE(std::filesystem::exists(files_.path("s")));
  EXPECT_TRUE(raw_connect(successor.address));
}

}  // namespace
}  // namespace saker::net::test

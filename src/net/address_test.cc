#include "saker/net/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace saker::net {
namespace {

using testing::HasSubstr;

struct Good {
  std::string text;
  Address address;
  std::string canonical;
};

Address tcp(std::string host, uint32_t port) {
  return {.host = std::move(host), .port = port};
}
Address named(Transport transport, std::string path, uint32_t port = 0) {
  return {.transport = transport, .path = std::move(path), .port = port};
}
Address vsock(uint32_t cid, uint32_t port) {
  return {.transport = Transport::kVsock, .cid = cid, .port = port};
}

Address to_host(Address address) {
  address.to_host = true;
  return address;
}

const std::string kLongestPath = "/" + std::string(106, 'p');
const std::string kLongestHost = std::string(253, 'h');

TEST(Address, GoodOnes) {
  const Good cases[] = {
      {"localhost:50051", tcp("localhost", 50051), "localhost:50051"},
      {"127.0.0.1:0", tcp("127.0.0.1", 0), "127.0.0.1:0"},
      {"0.0.0.0:65535", tcp("0.0.0.0", 65535), "0.0.0.0:65535"},
      {":80", tcp("", 80), ":80"},
      {"tcp://a-b_c.example.:1", tcp("a-b_c.example.", 1), "a-b_c.example.:1"},
      {"dns:///example.org:443", tcp("example.org", 443), "example.org:443"},
      {"dns:53", tcp("dns", 53), "dns:53"},
      {"memory:53", tcp("memory", 53), "memory:53"},
      {"[::1]:50051", tcp("::1", 50051), "[::1]:50051"},
      {"tcp://[::]:1", tcp("::", 1), "[::]:1"},
      {"dns:///[2001:DB8:0:0:0:0:0:1]:1", tcp("2001:db8::1", 1), "[2001:db8::1]:1"},
      {"[fe80::1%eth0]:7", tcp("fe80::1%eth0", 7), "[fe80::1%eth0]:7"},
      {"[::ffff:1.2.3.4]:7", tcp("::ffff:1.2.3.4", 7), "[::ffff:1.2.3.4]:7"},
      {"tcp://unix:50051", tcp("unix", 50051), "tcp://unix:50051"},
      {"tcp://vsock-mux:1", tcp("vsock-mux", 1), "tcp://vsock-mux:1"},
      {"tcp://fd:3", tcp("fd", 3), "tcp://fd:3"},
      {kLongestHost + ":1", tcp(kLongestHost, 1), kLongestHost + ":1"},
      {"unix:/run/a b.sock", named(Transport::kUnix, "/run/a b.sock"), "unix:/run/a b.sock"},
      {"unix:///run/a.sock", named(Transport::kUnix, "/run/a.sock"), "unix:/run/a.sock"},
      {"unix:////run/a.sock", named(Transport::kUnix, "/run/a.sock"), "unix:/run/a.sock"},
      {"unix:relative:1", named(Transport::kUnix, "relative:1"), "unix:relative:1"},
      {"unix:" + kLongestPath, named(Transport::kUnix, kLongestPath), "unix:" + kLongestPath},
      {"unix-abstract:/a:b", named(Transport::kUnixAbstract, "/a:b"), "unix-abstract:/a:b"},
      {"vsock:2:5005", vsock(2, 5005), "vsock:2:5005"},
      {"vsock://2:5005", vsock(2, 5005), "vsock:2:5005"},
      {"vsock:-1:5005", vsock(kVsockCidAny, 5005), "vsock:any:5005"},
      {"vsock::5005", vsock(kVsockCidAny, 5005), "vsock:any:5005"},
      {"vsock://:5005", vsock(kVsockCidAny, 5005), "vsock:any:5005"},
      {"vsock:4294967295:0", vsock(kVsockCidAny, 0), "vsock:any:0"},
      {"vsock:any:any", vsock(kVsockCidAny, kVsockPortAny), "vsock:any:any"},
      {"vsock:local:4294967294", vsock(1, 4294967294), "vsock:1:4294967294"},
      {"vsock:host:1", vsock(2, 1), "vsock:2:1"},
      {"vsock:hypervisor:1", vsock(0, 1), "vsock:0:1"},
      {"vsock:16:1?to_host=1", to_host(vsock(16, 1)), "vsock:16:1?to_host=1"},
      {"vsock://16:1?to_host=0", vsock(16, 1), "vsock:16:1"},
      {"vsock-mux:/run/v:x.sock:52", named(Transport::kVsockMux, "/run/v:x.sock", 52),
       "vsock-mux:/run/v:x.sock:52"},
      {"vsock-mux:///v.sock:52", named(Transport::kVsockMux, "/v.sock", 52),
       "vsock-mux:/v.sock:52"},
      {"hvsock:///v.sock:4294967294", named(Transport::kVsockMux, "/v.sock", 4294967294),
       "vsock-mux:/v.sock:4294967294"},
      {"fd:0", {.transport = Transport::kFd, .fd = 0}, "fd:0"},
      {"fd:1000", {.transport = Transport::kFd, .fd = 1000}, "fd:1000"},
      {"memory://server", named(Transport::kMemory, "server"), "memory://server"},
  };
  for (const Good& good : cases) {
    const auto parsed = parse_address(good.text);
    ASSERT_TRUE(parsed) << good.text << ": " << parsed.error().message;
    EXPECT_EQ(*parsed, good.address) << good.text;
    EXPECT_EQ(to_string(*parsed), good.canonical) << good.text;
    const auto again = parse_address(to_string(*parsed));
    ASSERT_TRUE(again) << to_string(*parsed);
    EXPECT_EQ(*again, good.address) << good.canonical;
  }
}

struct Bad {
  std::string text;
  std::string what;
};

TEST(Address, BadOnesSayWhatAndGiveAnExample) {
  const Bad cases[] = {
      {"", "it is empty"},
      {"localhost", "the port is missing"},
      {"localhost:", "the port is missing"},
      {"localhost:65536", "port \"65536\" is not a number from 0 to 65535"},
      {"localhost:-1", "port \"-1\""},
      {"localhost:+1", "port \"+1\""},
      {"localhost: 1", "port \" 1\""},
      {"localhost:1x", "port \"1x\""},
      {"localhost:99999999999999999999", "port"},
      {"a b:1", "has the character \" \""},
      {"h\x01:1", "has the character \"?\""},
      {"h\xC3\xA4:1", "has the character"},
      {"a/b:1", "has the character \"/\""},
      {"256.0.0.1:1", "host \"256.0.0.1\" is not an IPv4 address"},
      {"1.2.3:1", "is not an IPv4 address"},
      {kLongestHost + "h:1", "longer than 253"},
      {"::1:50051", "an IPv6 address needs brackets"},
      {"fe80::1", "needs brackets"},
      {"[::1", "the bracket is not closed"},
      {"[::1]", "the port is missing"},
      {"[::1]x", "the port is missing"},
      {"[::1]:", "the port is missing"},
      {"[1.2.3.4]:1", "\"1.2.3.4\" is not an IPv6 address"},
      {"[]:1", "is not an IPv6 address"},
      {"[fe80::1%]:1", "is not an IPv6 address"},
      {"http://x:1", "the scheme \"http\" is none of"},
      {"dns://8.8.8.8/x:1", "a name server cannot be chosen"},
      {"unix:", "the path is missing"},
      {"unix://host/x", "has no host"},
      {"unix:" + kLongestPath + "x", "the path has 108 bytes, the kernel takes 107"},
      {std::string("unix:/a\0b", 9), "zero byte"},
      {"unix-abstract:", "the path is missing"},
      {"vsock:2", "the port is missing"},
      {"vsock:2:", "the port is missing"},
      {"vsock:x:1", "CID \"x\""},
      {"vsock:-2:1", "CID \"-2\""},
      {"vsock:4294967296:1", "CID \"4294967296\""},
      {"vsock:2:4294967296", "port \"4294967296\""},
      {"vsock:2:-1", "port \"-1\""},
      {"vsock:2:1:1", "port \"1:1\""},
      {"vsock:2:1?", "its only option is ?to_host=1"},
      {"vsock:2:1?to_host=2", "its only option is ?to_host=1"},
      {"vsock-mux:/v.sock", "the port is missing"},
      {"vsock-mux:v.sock:1", "does not start with /"},
      {"vsock-mux:/v.sock:any", "port \"any\""},
      {"hvsock://v.sock:1", "does not start with /"},
      {"fd:", "is not a descriptor number"},
      {"fd:-1", "is not a descriptor number"},
      {"fd:2147483648", "is not a descriptor number"},
      {"memory://", "the name is missing"},
  };
  for (const Bad& bad : cases) {
    const auto parsed = parse_address(bad.text);
    ASSERT_FALSE(parsed) << bad.text;
    EXPECT_THAT(parsed.error().message, HasSubstr(bad.what)) << bad.text;
    EXPECT_THAT(parsed.error().message, HasSubstr("; write for example ")) << bad.text;
    EXPECT_EQ(parsed.error().message.rfind("address \"", 0), 0u) << parsed.error().message;
  }
}

TEST(Address, MessagesStayShortAndPrintable) {
  const auto parsed = parse_address(std::string(100'000, '\n'));
  ASSERT_FALSE(parsed);
  EXPECT_LT(parsed.error().message.size(), 700u);
  EXPECT_EQ(parsed.error().message.find('\n'), std::string::npos);
}

// Whatever parses, prints; whatever is printed, parses to the same.
TEST(Address, EverySubstringOfGoodTextsRoundTrips) {
  const std::string texts[] = {"tcp://[fe80::1%e]:123", "unix:///a:1",    "vsock-mux:///a:12",
                               "vsock://-1:4294967295", "dns:///unix:12", "unix-abstract:x"};
  for (const std::string& text : texts) {
    for (size_t begin = 0; begin <= text.size(); ++begin) {
      for (size_t size = 0; begin + size <= text.size(); ++size) {
        const auto parsed = parse_address(text.substr(begin, size));
        if (!parsed) continue;
        const auto again = parse_address(to_string(*parsed));
        ASSERT_TRUE(again) << text.substr(begin, size) << " -> " << to_string(*parsed);
        EXPECT_EQ(*again, *parsed) << to_string(*parsed);
      }
    }
  }
}

TEST(Address, TransportNames) {
  EXPECT_EQ(transport_name(Transport::kTcp), "tcp");
  EXPECT_EQ(transport_name(Transport::kUnix), "unix");
  EXPECT_EQ(transport_name(Transport::kUnixAbstract), "unix");
  EXPECT_EQ(transport_name(Transport::kVsock), "vsock");
  EXPECT_EQ(transport_name(Transport::kVsockMux), "vsock-mux");
}

}  // namespace
}  // namespace saker::net

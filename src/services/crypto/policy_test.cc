#include "saker/services/crypto/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/rpc/peer_identity.h"

namespace saker::crypto {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

net::Peer unix_peer(int64_t uid, int64_t gid) {
  return {.transport = net::Transport::kUnix, .name = "unix:", .uid = uid, .gid = gid};
}
net::Peer vsock_peer(uint32_t cid) {
  return {.transport = net::Transport::kVsock, .name = "vsock:42:1157", .cid = cid};
}
net::Peer tcp_peer(const std::string& name) {
  return {.transport = net::Transport::kTcp, .name = name};
}

// With what the kernel says of the process that runs the guest, which must count for nothing.
net::Peer mux_peer() {
  return {.transport = net::Transport::kVsockMux,
          .name = "vsock-mux:/run/vm7/v.sock:50051",
          .uid = 1000,
          .gid = 5};
}

bool matches(std::string_view pattern, const net::Peer& peer) {
  const auto parsed = CallerPattern::parse(pattern);
  EXPECT_TRUE(parsed) << pattern;
  return parsed && parsed->matches(peer);
}

TEST(CallerPatternTest, Matches) {
  const auto four = tcp_peer("ipv4:10.1.2.3:50222");
  const auto six = tcp_peer("ipv6:[2001:db8::7]:50222");
  const struct {
    const char* pattern;
    net::Peer peer;
    bool matches;
  } cases[] = {
      {"any", four, true},
      {"any", vsock_peer(7), true},
      {"uid:1000", unix_peer(1000, 5), true},
      {"uid:1001", unix_peer(1000, 5), false},
      {"uid:0", four, false},  // no uid is not uid 0
      {"gid:5", unix_peer(1000, 5), true},
      {"gid:5", unix_peer(5, 1000), false},
      {"any", mux_peer(), true},
      {"uid:1000", mux_peer(), false},
      {"gid:5", mux_peer(), false},
      {"vsock-mux:/run/vm7/v.sock:50051", mux_peer(), true},
      {"vsock-mux:/run/vm7/*", mux_peer(), true},
      {"vsock-mux:/run/vm8/*", mux_peer(), false},
      {"vsock-mux:*", unix_peer(1000, 5), false},
      {"cid:42", vsock_peer(42), true},
      {"cid:42", vsock_peer(43), false},
      {"cid:0", four, false},
      {"ip:10.1.2.3", four, true},
      {"ip:10.1.2.4", four, false},
      {"ip:10.0.0.0/8", four, true},
      {"ip:10.1.2.0/23", four, true},
      {"ip:10.1.0.0/23", four, false},
      {"ip:0.0.0.0/0", four, true},
      {"ip:0.0.0.0/0", six, false},
      {"ip:2001:db8::/32", six, true},
      {"ip:2001:db8::7", six, true},
      {"ip:2001:db9::/32", six, false},
      {"ip:10.1.2.3", tcp_peer("ipv6:[::ffff:10.1.2.3]:1"), true},
      {"ip:::ffff:10.1.2.3", four, true},
      {"ip:10.1.2.3", unix_peer(1, 1), false},
      {"spiffe://a/b", four, false},
      {"dns:*", four, false},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(matches(test.pattern, test.peer), test.matches)
        << test.pattern << " " << test.peer.name;
  }
}

TEST(CallerPatternTest, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "ANY", "root", "uid:", "uid:-1", "uid:x", "uid:4294967296",
                           "cid:any", "ip:", "ip:10.0.0.0/33", "ip:10.0.0.0/", "ip:1.2.3",
                           "ip:::/129", "user:1000", "ip:10.0.0.1 ", "spiffe:/a"}) {
    const auto parsed = CallerPattern::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, StartsWith("'" + std::string(text) + "' is none of"));
  }
}

TEST(GlobTest, Matches) {
  const struct {
    const char* pattern;
    const char* text;
    bool matches;
  } cases[] = {
      {"a", "a", true},
      {"a", "b", false},
      {"*", "", true},
      {"*", "anything", true},
      {"pay-*", "pay-1", true},
      {"pay-*", "xpay-1", false},
      {"*-prod", "pay-prod", true},
      {"*-prod", "pay-prod-2", false},
      {"a*b*c", "aXbYbZc", true},
      {"a*b*c", "aXcYb", false},
      {"?", "x", true},
      {"?", "", false},
      {"a?c", "abc", true},
      {"", "", true},
      {"", "a", false},
      {"**", "x", true},
  };
  for (const auto& test : cases)
    EXPECT_EQ(matches_glob(test.pattern, test.text), test.matches) << test.pattern << test.text;
  // Linear enough: an exponential matcher would not end.
  EXPECT_FALSE(matches_glob("a*a*a*a*a*a*a*a*a*b", std::string(4000, 'a')));
}

TEST(IdentityTest, IsOneWord) {
  EXPECT_EQ(identity_of(unix_peer(1000, 5)), "uid:1000");
  EXPECT_EQ(identity_of(vsock_peer(42)), "cid:42");
  EXPECT_EQ(identity_of(mux_peer()), "vsock-mux:/run/vm7/v.sock:50051");
  EXPECT_EQ(identity_of(tcp_peer("ipv4:10.1.2.3:50222")), "ip:10.1.2.3");
  EXPECT_EQ(identity_of(tcp_peer("ipv6:[::1]:50222")), "ip:::1");
  EXPECT_EQ(identity_of(tcp_peer("")), "unknown");
}

TEST(IdentityTest, ACertificateNamesItsOwner) {
  tls::PeerIdentity certificate;
  certificate.uris = {"spiffe://prod.example/payments/api"};
  certificate.dns = {"api.example.org", "other.example.org"};
  net::Peer peer = tcp_peer("ipv4:10.1.2.3:50222");
  peer.identity = &certificate;
  EXPECT_EQ(identity_of(peer), "spiffe://prod.example/payments/api");
  EXPECT_TRUE(CallerPattern::parse("spiffe://prod.example/payments/*")->matches(peer));
  EXPECT_FALSE(CallerPattern::parse("spiffe://test.example/payments/*")->matches(peer));
  EXPECT_TRUE(CallerPattern::parse("dns:other.example.org")->matches(peer));
  EXPECT_FALSE(CallerPattern::parse("dns:example.org")->matches(peer));
  EXPECT_TRUE(CallerPattern::parse("ip:10.0.0.0/8")->matches(peer)) << "its address is still known";
  certificate.uris.clear();
  EXPECT_EQ(identity_of(peer), "dns:api.example.org");
}

constexpr char kPolicy[] = R"(
[[rule]]
callers = ["uid:1000"]
keys = ["pay-*", "audit"]
operations = ["get", "sign"]
rate = "120/m"
burst = 5

[[rule]]
callers = ["any"]
keys = ["*"]
operations = ["list", "get", "verify"]
)";

TEST(PolicyTest, TheFirstRuleThatFitsDecides) {
  const auto policy = parse_policy(kPolicy, "policy.toml");
  ASSERT_TRUE(policy) << policy.error().message;
  const auto ours = unix_peer(1000, 5);
  const auto other = unix_peer(1001, 5);
  const PolicyRule* const sign = policy->find(ours, "pay-1", Operation::kSign);
  ASSERT_NE(sign, nullptr);
  EXPECT_EQ(sign->rate, (RateLimit{2, 5, 1}));
  EXPECT_EQ(policy->find(ours, "pay-1", Operation::kGet), sign);
  EXPECT_NE(policy->find(ours, "pay-1", Operation::kVerify), nullptr);
  EXPECT_EQ(policy->find(ours, "other", Operation::kSign), nullptr);
  EXPECT_EQ(policy->find(other, "pay-1", Operation::kSign), nullptr);
  EXPECT_EQ(policy->find(other, "pay-1", Operation::kGet)->rate, std::nullopt);
}

TEST(PolicyTest, ARateKnowsItsRule) {
  const std::string head = "[[rule]]\ncallers = [\"any\"]\nkeys = [\"*\"]\nrate = \"1/s\"\n";
  const auto policy = parse_policy(
      head + "operations = [\"sign\"]\n" + head + "operations = [\"verify\"]\n", "policy.toml");
  ASSERT_TRUE(policy) << policy.error().message;
  const auto peer = unix_peer(1000, 5);
  EXPECT_EQ(policy->find(peer, "a", Operation::kSign)->rate, (RateLimit{1, 1, 1}));
  EXPECT_EQ(policy->find(peer, "a", Operation::kVerify)->rate, (RateLimit{1, 1, 2}));
}

TEST(PolicyTest, WithoutRulesNobodyMayDoAnything) {
  const auto policy = parse_policy("", "policy.toml");
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->find(unix_peer(0, 0), "a", Operation::kList), nullptr);
}

TEST(PolicyTest, MistakesAreToldByLine) {
  const std::string head = "[[rule]]\ncallers = [\"any\"]\nkeys = [\"*\"]\n";
  const struct {
    std::string text;
    const char* where;
    const char* what;
  } cases[] = {
      {"rule", "p:1", ""},
      {"[rule]\n", "p:1", "[[rule]]"},
      {"rules = 1\n", "p:1", "unknown key rules"},
      {"[[rule]]\n", "p:1", "needs callers"},
      {head, "p:1", "needs operations"},
      {head + "operations = [\"sing\"]\n", "p:4", "'sing' is none of"},
      {head + "operations = \"sign\"\n", "p:1", "needs operations, an array"},
      {head + "operations = [1]\n", "p:4", "array of strings"},
      {head + "operations = [\"sign\"]\nrate = 5\n", "p:5", "must be like"},
      {head + "operations = [\"sign\"]\nrate = \"0/s\"\n", "p:5", "must be like"},
      {head + "operations = [\"sign\"]\nrate = \"nan/s\"\n", "p:5", "must be like"},
      {head + "operations = [\"sign\"]\nrate = \"5/d\"\n", "p:5", "must be like"},
      {head + "operations = [\"sign\"]\nburst = 5\n", "p:5", "of no rate"},
      {head + "operations = [\"sign\"]\nrate = \"5/s\"\nburst = 0\n", "p:6", "1 or more"},
      {head + "operations = [\"sign\"]\nrate = \"5/s\"\nburst = true\n", "p:6", "1 or more"},
      {head + "\"a\\nb\" = 1\n", "p:4", "unknown key a?b"},
      {"[[rule]]\ncallers = [\"ip:10.0.0.1\\u0000\"]\n", "p:2", "'ip:10.0.0.1?' is none of"},
      {head + "operations = [\"sign\"]\nrat = \"5/s\"\n", "p:5", "unknown key rat"},
      {"[[rule]]\ncallers = [\"root\"]\nkeys = [\"*\"]\noperations = [\"sign\"]\n", "p:2",
       "'root' is none of"},
  };
  for (const auto& test : cases) {
    const auto policy = parse_policy(test.text, "p");
    ASSERT_FALSE(policy) << test.text;
    EXPECT_THAT(policy.error().message, StartsWith(std::string(test.where) + ":")) << test.text;
    EXPECT_THAT(policy.error().message, HasSubstr(test.what)) << test.text;
  }
}

}  // namespace
}  // namespace saker::crypto

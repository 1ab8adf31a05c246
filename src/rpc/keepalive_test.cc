// How often a peer may ping (gRFC A8, grpc/doc/keepalive.md), as arithmetic: what the defaults are, and
// what is too early.
#include "saker/rpc/keepalive.h"

#include <gtest/gtest.h>

namespace saker::rpc {
namespace {

using namespace std::chrono_literals;

struct PeerIs {
  bool local;
  bool calls_open;
};

// With pings at this interval: may it ping on for ever?
bool may_ping_every(Duration interval, const PeerIs& peer, const PingPolicyOptions& options = {}) {
  PingPolicy policy(options);
  Time now = Time{} + 1h;
  for (int ping = 0; ping < 50; ++ping, now += interval) {
    if (!policy.allow(now, peer.local, peer.calls_open)) return false;
  }
  return true;
}

TEST(PingPolicy, FiveMinutesWithACall) {
  const PeerIs remote{.local = false, .calls_open = true};
  EXPECT_TRUE(may_ping_every(5min, remote));
  EXPECT_FALSE(may_ping_every(5min - 1ns, remote));
}

TEST(PingPolicy, TwoHoursWithoutACall) {
  const PeerIs remote{.local = false, .calls_open = false};
  EXPECT_TRUE(may_ping_every(2h, remote));
  EXPECT_FALSE(may_ping_every(2h - 1ns, remote));
}

TEST(PingPolicy, FiveMinutesWithoutACallWhereThatIsPermitted) {
  const PeerIs remote{.local = false, .calls_open = false};
  EXPECT_TRUE(may_ping_every(5min, remote, {.permit_without_calls = true}));
  EXPECT_FALSE(may_ping_every(5min - 1ns, remote, {.permit_without_calls = true}));
}

// Unix sockets and VSOCK, with a call or without.
TEST(PingPolicy, FiveSecondsOnLocalTransports) {
  for (const bool calls_open : {false, true}) {
    const PeerIs local{.local = true, .calls_open = calls_open};
    EXPECT_TRUE(may_ping_every(5s, local));
    EXPECT_FALSE(may_ping_every(5s - 1ns, local));
  }
}

// The first ping is always right; two more are forgiven.
TEST(PingPolicy, TheThirdStrikeIsOneTooMany) {
  PingPolicy policy({});
  const Time now = Time{} + 1h;
  for (int ping = 0; ping < 3; ++ping) EXPECT_TRUE(policy.allow(now, false, true)) << ping;
  EXPECT_FALSE(policy.allow(now, false, true));
}

}  // namespace
}  // namespace saker::rpc

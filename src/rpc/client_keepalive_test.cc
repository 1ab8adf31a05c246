// What a client makes of a server that finds its pings too many (gRFC A8): it goes on with twice the
// interval, on the next connections too.
#include <gtest/gtest.h>

#include "saker/rpc/raw_peers_testing.h"

namespace saker::rpc {
namespace {

constexpr uint64_t kClientPing = 0x73616b65'726b6565;  // "sakerkee"

class ClientKeepalive : public testing::Test {
 protected:
  ClientKeepalive() {
    ChannelOptions options;
    options.keepalive = {.time = 10s, .timeout = 5s};
    channel.emplace(client_loop, *net::parse_address("memory://server"), options);
    call.request().bytes = "request";
  }
  ~ClientKeepalive() override { channel->close(); }

  // One whose stream the server has not looked at: it is started over on the next connection.
  void go_away(h2::ErrorCode code, std::string_view why) {
    const int before = server.connections;
    server.peer.goaway(0, code, std::string(why));
    server.send();
    ASSERT_TRUE(network.run_until([&] { return server.connections > before; }, 5s));
    server.exchange();
  }
  // Whole seconds of silence before the ping; it is answered.
  int seconds_to_ping() {
    const std::string ping = "PING " + std::to_string(kClientPing);
    for (int seconds = 1; seconds < 200; ++seconds) {
      const h2::Lines lines = server.exchange(1s);
      if (lines.empty()) continue;
      EXPECT_EQ(lines, h2::Lines{ping});
      server.peer.ping(kClientPing, true);
      server.exchange();
      return seconds;
    }
    return 0;
  }

  net::SimNetwork network{1};
  net::SimLoop server_loop{network};
  net::SimLoop client_loop{network};
  RawServer server{network, server_loop};
  std::optional<Channel> channel;
  TestUnary call;
};

TEST_F(ClientKeepalive, TooManyPingsDoubleTheInterval) {
  call.start(*channel, unary_method());
  server.exchange();
  EXPECT_NEAR(seconds_to_ping(), 10, 1);
  go_away(h2::ErrorCode::kEnhanceYourCalm, "too_many_pings");
  EXPECT_NEAR(seconds_to_ping(), 20, 1);
  EXPECT_NEAR(seconds_to_ping(), 20, 1) << "and so it stays";
}

TEST_F(ClientKeepalive, OtherGoawaysDoNot) {
  call.start(*channel, unary_method());
  server.exchange();
  go_away(h2::ErrorCode::kEnhanceYourCalm, "too many of something else");
  EXPECT_NEAR(seconds_to_ping(), 10, 1);
}

TEST_F(ClientKeepalive, NorDoesTheWordAlone) {
  call.start(*channel, unary_method());
  server.exchange();
  go_away(h2::ErrorCode::kNoError, "too_many_pings");
  EXPECT_NEAR(seconds_to_ping(), 10, 1);
}

}  // namespace
}  // namespace saker::rpc

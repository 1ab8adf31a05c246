// What TlsStream adds to a Stream: failures in words, the handshake's time, whom it talks to. That it
// keeps what every Stream promises is the transport suite's business.
#include "saker/net/tls_stream.h"

#include <gmock/gmock.h>

#include <cerrno>

#include "saker/net/failure_text.h"
#include "saker/net/transport_harness.h"
#include "saker/tls/certificates_testing.h"

namespace saker::net::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Either side with TLS or without, in the simulator.
class TlsStreams : public testing::Test {
 protected:
  void connect(bool server_has_tls, bool client_has_tls, const SimFaults& faults = {}) {
    world_ = make_sim_world(3, faults);
    WrapStream wrap_server, wrap_client;
    if (server_has_tls) {
      wrap_server = [this](std::unique_ptr<Stream> stream) {
        return std::make_unique<TlsStream>(world_->server(), std::move(stream), contexts_.server,
                                           options_);
      };
    }
    if (client_has_tls) {
      wrap_client = [this](std::unique_ptr<Stream> stream) {
        return std::make_unique<TlsStream>(world_->client(), std::move(stream), contexts_.client,
                                           name_, &sessions_, options_);
      };
    }
    events_ = std::make_unique<TestListener>(world_->server(), wrap_server);
    listener_ = must(world_->server().listen(world_->listen_address(), {}, *events_), "listen");
    connect_again(wrap_client);
  }
  void connect_again(const WrapStream& wrap) {
    attempt_ = std::make_unique<TestConnect>(world_->client(), listener_->address(),
                                             ConnectOptions{}, wrap);
    const size_t before = events_->streams.size();
    ASSERT_TRUE(world_->run_until(
        [&] { return attempt_->stream != nullptr && events_->streams.size() > before; }));
    client().start();
  }
  void run_until_ended(TestStream& stream) {
    ASSERT_TRUE(world_->run_until([&] { return stream.end_count > 0; }));
  }
  TestStream& client() { return *attempt_->stream; }
  TestStream& server() { return *events_->streams.back(); }
  void TearDown() override {
    attempt_.reset();
    listener_.reset();
    events_.reset();
    world_.reset();
  }

  tls::test::Contexts contexts_ = tls::test::make_contexts();
  std::string name_ = "localhost";
  TlsStreamOptions options_;
  tls::SessionCache sessions_;
  std::unique_ptr<World> world_;
  std::unique_ptr<TestListener> events_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<TestConnect> attempt_;
};

TEST_F(TlsStreams, KnowTheirPeersOnceTheyHaveShakenHands) {
  connect(true, true);
  EXPECT_TRUE(server().stream().peer().is_tls);
  EXPECT_EQ(server().stream().peer().identity, nullptr);
  client().send("hello");
  ASSERT_TRUE(world_->run_until([&] { return server().received == "hello"; }));
  ASSERT_NE(server().stream().peer().identity, nullptr);
  EXPECT_EQ(server().stream().peer().identity->name(), "spiffe://test/client");
  ASSERT_NE(client().stream().peer().identity, nullptr);
  EXPECT_EQ(client().stream().peer().identity->name(), "localhost");
  EXPECT_EQ(server().stream().peer().transport, Transport::kMemory);
}

TEST_F(TlsStreams, AServerThatHearsHttp2SaysSo) {
  connect(true, false);
  client().send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  run_until_ended(server());
  EXPECT_EQ(server().error.message, "TLS: the client speaks HTTP/2 without TLS");
  EXPECT_EQ(server().error.system_error, EPROTO);
  EXPECT_EQ(server().received, "");
  ASSERT_TRUE(world_->run_until([&] { return !client().received.empty(); }));
  EXPECT_EQ(client().received.substr(0, 2), "\x15\x03") << "an alert";
}

TEST_F(TlsStreams, AClientThatHearsHttp2SaysSo) {
  connect(false, true);
  server().send(std::string("\0\0\0\4\0\0\0\0\0", 9));
  run_until_ended(client());
  EXPECT_EQ(client().error.message, "TLS: the server speaks HTTP/2 without TLS");
  EXPECT_EQ(client().error.system_error, EPROTO);
}

TEST_F(TlsStreams, AClientThatIsAnsweredWithAnythingElseSaysSo) {
  connect(false, true);
  server().send("SSH-2.0-OpenSSH_9.2\r\n");
  run_until_ended(client());
  EXPECT_EQ(client().error.message, "TLS: the server does not speak TLS");
}

TEST_F(TlsStreams, ASilentClientLosesItsConnection) {
  options_.handshake_timeout = std::chrono::seconds(3);
  connect(true, false);
  const Time begin = world_->server().now();
  run_until_ended(server());
  EXPECT_EQ(server().error.message, "TLS: the handshake took longer than 3s");
  EXPECT_GE(world_->server().now() - begin, std::chrono::seconds(2));
}

TEST_F(TlsStreams, AHandshakeThatIsDoneHasNoTimer) {
  options_.handshake_timeout = std::chrono::seconds(3);
  connect(true, true);
  world_->run_until([] { return false; }, std::chrono::seconds(10));
  EXPECT_EQ(server().end_count + client().end_count, 0);
}

TEST_F(TlsStreams, ARefusedNameEndsBothSides) {
  name_ = "elsewhere.test";
  connect(true, true);
  client().send("never seen");
  run_until_ended(client());
  run_until_ended(server());
  EXPECT_THAT(client().error.message, HasSubstr("is not for the name that was asked for"));
  EXPECT_THAT(server().error.message, StartsWith("TLS: the client refuses our certificate"));
  EXPECT_EQ(server().received, "");
  EXPECT_EQ(client().end_count + server().end_count, 2);
  EXPECT_FALSE(client().stream().write_in_flight());
}

TEST_F(TlsStreams, AClientWithoutANameEnds) {
  name_ = "";
  connect(true, true);
  run_until_ended(client());
  EXPECT_THAT(client().error.message, HasSubstr("no name to check the server's certificate for"));
  EXPECT_EQ(client().error.system_error, EPROTO);
  EXPECT_EQ(server().received, "");
}

TEST_F(TlsStreams, AClosedPeerIsAnEndDuringTheHandshake) {
  connect(true, false);
  client().stream().close();
  run_until_ended(server());
  EXPECT_EQ(server().error.message, "TLS: closed by the peer during the handshake");
  EXPECT_EQ(server().error.system_error, 0);
}

TEST_F(TlsStreams, WhatIsSubmittedDuringTheHandshakeGoesWithIt) {
  SimFaults rough;
  rough.short_read = rough.short_write = rough.late_write = 0.5;
  connect(true, true, rough);
  const std::string bytes = pattern(700'000);
  ASSERT_TRUE(client().send(bytes));
  ASSERT_TRUE(server().send(bytes));
  EXPECT_EQ(client().sent_count, 0);
  ASSERT_TRUE(world_->run_until([&] {
    return server().received.size() == bytes.size() && client().received.size() == bytes.size();
  }));
  EXPECT_TRUE(server().received == bytes && client().received == bytes);
  ASSERT_TRUE(
      world_->run_until([&] { return client().sent_count == 1 && server().sent_count == 1; }));
}

TEST_F(TlsStreams, EndAfterAnyByteOfTheHandshake) {
  SimFaults cut;
  cut.short_write = cut.short_read = 0.9;
  for (const bool resets : {true, false}) {
    (resets ? cut.reset : cut.half_close) = 0.05;
    for (int round = 0; round < 20; ++round) {
      connect(true, true, cut);
      client().send(pattern(50'000));
      world_->run_until([&] { return client().end_count > 0 && server().end_count > 0; });
      EXPECT_LE(client().end_count, 1);
      EXPECT_LE(server().end_count, 1);
      TearDown();
    }
  }
}

TEST(FailureText, TellsWhatSpeaksAndWhatDoesNot) {
  EXPECT_TRUE(begins_tls(as_bytes("\x16")));
  EXPECT_TRUE(begins_tls(as_bytes("\x16\x03\x01")));
  EXPECT_TRUE(begins_tls(as_bytes("\x15\x03\x03")));
  EXPECT_FALSE(begins_tls(as_bytes("\x16\x02")));
  EXPECT_FALSE(begins_tls(as_bytes("\x17\x03\x03")));
  EXPECT_FALSE(begins_tls({}));
  EXPECT_EQ(not_tls_text("the client", as_bytes("GET / HTTP/1.1")),
            "the client speaks HTTP/1 without TLS");
  EXPECT_EQ(not_tls_text("the client", as_bytes("P")), "the client does not speak TLS");
}

}  // namespace
}  // namespace saker::net::test

// What every transport promises about connecting and accepting, on every transport.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "saker/net/transport_fixture.h"

namespace saker::net::test {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

class TransportConnectTest : public TransportFixture {};

TEST_P(TransportConnectTest, ConnectIsReportedOnceAndNotWithinConnect) {
  TestConnect& attempt = connect();
  ASSERT_TRUE(world_->run_until([&] { return attempt.count > 0; }));
  world_->settle();
  EXPECT_EQ(attempt.count, 1);
  EXPECT_FALSE(attempt.was_early);
  EXPECT_EQ(events_->streams.size(), 1u);
  EXPECT_EQ(world_->client().connection_count(), 1u);
  EXPECT_EQ(world_->server().connection_count(), 1u);
  attempt.stream.reset();
  EXPECT_EQ(world_->client().connection_count(), 0u);
}

TEST_P(TransportConnectTest, PeersAreNamed) {
  make_pair();
  const Peer& peer = events_->peers.front();
  const Address address = listener_->address();
  EXPECT_EQ(peer.transport,
            address.transport == Transport::kUnixAbstract ? Transport::kUnix : address.transport);
  switch (address.transport) {
    case Transport::kTcp:
      EXPECT_THAT(peer.name, AnyOf(StartsWith("ipv4:127.0.0.1:"), StartsWith("ipv6:[::1]:")));
      EXPECT_THAT(client_->stream().peer().name, HasSubstr(":" + std::to_string(address.port)));
      break;
    case Transport::kUnix:
    case Transport::kUnixAbstract:
      EXPECT_EQ(peer.name, "unix:");
      EXPECT_EQ(client_->stream().peer().name, to_string(address));
      break;
    case Transport::kVsock:
      EXPECT_THAT(peer.name, StartsWith("vsock:1:"));
      EXPECT_EQ(peer.cid, kVsockCidLocal);
      EXPECT_EQ(client_->stream().peer().name, to_string(address));
      break;
    default:
      EXPECT_EQ(peer.name, to_string(address));
      EXPECT_EQ(client_->stream().peer().name, to_string(address));
  }
  const bool is_unix =
      address.transport == Transport::kUnix || address.transport == Transport::kUnixAbstract;
  EXPECT_EQ(peer.uid, is_unix ? int64_t{getuid()} : -1);
  EXPECT_EQ(peer.gid, is_unix ? int64_t{getgid()} : -1);
  EXPECT_EQ(peer.pid, is_unix ? int64_t{getpid()} : -1);
  EXPECT_EQ(peer.is_local, address.transport != Transport::kVsockMux);
}

TEST_P(TransportConnectTest, ConnectingToNobodyFailsWithTheReason) {
  TestConnect attempt(world_->client(), world_->dead_address());
  ASSERT_TRUE(world_->run_until([&] { return attempt.count > 0; }));
  EXPECT_FALSE(attempt.was_early);
  ASSERT_FALSE(attempt.stream);
  EXPECT_THAT(world_->dead_errors(), Contains(attempt.error.system_error)) << attempt.error.message;
  EXPECT_THAT(attempt.error.message, HasSubstr(to_string(world_->dead_address())));
}

TEST_P(TransportConnectTest, AnAddressInUseIsRefused) {
  auto second = world_->server().listen(listener_->address(), {}, *events_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().system_error, EADDRINUSE) << second.error().message;
  EXPECT_THAT(second.error().message, HasSubstr(to_string(listener_->address())));
  make_pair();  // and the first is none the worse
}

TEST_P(TransportConnectTest, AnAttemptThatIsDestroyedIsNotReported) {
  for (int turns = 0; turns < 3; ++turns) {
    TestConnect attempt(world_->client(), listener_->address());
    for (int i = 0; i < turns; ++i) world_->server().run_once(Time{});
    attempt.attempt.reset();
    world_->settle();
    EXPECT_EQ(attempt.count, 0);
  }
  for (auto& stream : events_->streams) {
    ASSERT_TRUE(world_->run_until([&] { return stream->end_count == 1; }));
  }
}

TEST_P(TransportConnectTest, AnAttemptMayBeDestroyedInOnConnect) {
  auto attempt = std::make_unique<TestConnect>(world_->client(), listener_->address());
  attempt->hook = [&] { attempt.reset(); };
  ASSERT_TRUE(world_->run_until([&] { return attempt == nullptr; }));
}

TEST_P(TransportConnectTest, APausedListenerLeavesConnectionsInItsBacklog) {
  listener_->pause(true);
  connect();
  world_->settle();
  EXPECT_TRUE(events_->streams.empty());
  listener_->pause(false);
  ASSERT_TRUE(world_->run_until([&] { return events_->streams.size() == 1; }));
}

TEST_P(TransportConnectTest, AListenerMayBePausedAndDestroyedInOnAccept) {
  int accepted = 0;
  events_->instead = [&](Accepted connection) {
    ++accepted;
    world_->server().discard(std::move(connection));
    listener_->pause(true);
  };
  for (int i = 0; i < 5; ++i) connect();
  ASSERT_TRUE(world_->run_until([&] { return accepted > 0; }));
  world_->settle();
  EXPECT_EQ(accepted, 1);
  events_->instead = [&](Accepted connection) {
    ++accepted;
    world_->server().discard(std::move(connection));
    listener_.reset();
  };
  listener_->pause(false);
  ASSERT_TRUE(world_->run_until([&] { return listener_ == nullptr; }));
  world_->settle();
  EXPECT_EQ(accepted, 2);
}

TEST_P(TransportConnectTest, ADiscardedConnectionEndsAtItsPeer) {
  events_->instead = [&](Accepted connection) { world_->server().discard(std::move(connection)); };
  TestConnect& attempt = connect();
  ASSERT_TRUE(world_->run_until([&] { return attempt.count > 0; }));
  ASSERT_TRUE(attempt.stream);
  attempt.stream->start();
  ASSERT_TRUE(world_->run_until([&] { return attempt.stream->end_count == 1; }));
}

// As many as an emulated machine can take within the time limits of a handshake.
size_t connections_at_once(std::string_view world) {
  if (world.starts_with("Tls")) return 15;
  return world.ends_with("Mux") ? 40 : 150;
}

TEST_P(TransportConnectTest, ManyConnectionsAtOnce) {
  const size_t connections = connections_at_once(GetParam().name);
  events_->setup = [](TestStream& stream) {
    stream.echo();
    stream.start();
  };
  for (size_t i = 0; i < connections; ++i) {
    TestConnect& attempt = connect();
    attempt.hook = [&attempt, i] {
      ASSERT_TRUE(attempt.stream) << attempt.error.message;
      attempt.stream->start();
      attempt.stream->send(pattern(1000 + i, i));
    };
  }
  ASSERT_TRUE(world_->run_until([&] {
    return std::ranges::all_of(connects_, [i = size_t{0}](const auto& one) mutable {
      return one->stream && one->stream->received.size() == 1000 + i++;
    });
  }));
  for (size_t i = 0; i < connections; ++i) {
    EXPECT_TRUE(connects_[i]->stream->received == pattern(1000 + i, i)) << i;
  }
  EXPECT_EQ(world_->server().connection_count(), connections);
}

INSTANTIATE_TEST_SUITE_P(All, TransportConnectTest, testing::ValuesIn(all_worlds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace saker::net::test

// TLS sessions of a channel: what connects again resumes, with the server of that name and no other,
// and never what another channel or another certificate has agreed. The server's own count says so.
#include <gtest/gtest.h>

#include "saker/rpc/client_testing.h"
#include "saker/tls/certificates_testing.h"

namespace saker::rpc {
namespace {

using tls::test::Handshakes;
using tls::test::handshakes_of;
using tls::test::TestCa;

// Two backends that share a certificate for both of their names, and the keys of its tickets: either
// could resume the other's sessions, if a client let it.
class TlsSessions : public testing::Test {
 protected:
  TlsSessions() : contexts_(make_contexts()) {
    for (size_t index = 0; index < 2; ++index) {
      cluster.backend(index).options.tls = contexts_.server;
      restart(index);
      cluster.client_loop.script_name(kNames[index], std::vector{cluster.backend(index).address()});
    }
    cluster.options.tls = contexts_.client;
    cluster.options.initial_backoff = 10ms;
  }

  tls::test::Contexts make_contexts() const {
    const tls::test::Issued issued = ca_.issue({.names = "DNS:one.test,DNS:two.test"});
    return {
        *tls::ServerContext::make({.certificate_chain = issued.chain, .private_key = issued.key}),
        *tls::ClientContext::make({.ca = ca_.certificate()})};
  }
  void start(std::initializer_list<size_t> backends) {
    net::Target target;
    for (const size_t index : backends) {
      const std::string name = std::string("dns:///") + kNames[index] + ":1";
      target.addresses.push_back(*net::parse_address(name));
    }
    cluster.start(target);
  }
  // The channel has seen that its connection is gone before the next call.
  void stop(size_t index) {
    cluster.backend(index).stop();
    cluster.run_for(1s);
  }
  void restart(size_t index) {
    stop(index);
    cluster.backend(index).start();
  }
  std::string call() { return cluster.call({.wait_for_ready = true}); }
  Handshakes handshakes() const { return handshakes_of(contexts_.server); }

  static constexpr const char* kNames[] = {"one.test", "two.test"};
  const TestCa ca_;
  SimCluster cluster{2};
  tls::test::Contexts contexts_;
};

TEST_F(TlsSessions, AChannelThatConnectsAgainResumes) {
  start({0});
  for (long round = 0; round < 4; ++round) {
    ASSERT_EQ(call(), "s0") << cluster.status.message;
    EXPECT_EQ(handshakes(), (Handshakes{round + 1, round}));
    restart(0);
  }
}

TEST_F(TlsSessions, NotWithAServerOfAnotherName) {
  stop(1);
  start({0, 1});
  ASSERT_EQ(call(), "s0") << cluster.status.message;
  stop(0);
  cluster.backend(1).start();
  ASSERT_EQ(call(), "s1") << cluster.status.message;
  EXPECT_EQ(handshakes(), (Handshakes{2, 0})) << "the ticket was for one.test";
  stop(1);
  cluster.backend(0).start();
  ASSERT_EQ(call(), "s0") << cluster.status.message;
  EXPECT_EQ(handshakes(), (Handshakes{3, 1})) << "and still is";
}

TEST_F(TlsSessions, NotInAnotherChannel) {
  start({0});
  ASSERT_EQ(call(), "s0") << cluster.status.message;
  start({0});
  ASSERT_EQ(call(), "s0") << cluster.status.message;
  EXPECT_EQ(handshakes(), (Handshakes{2, 0}));
}

TEST_F(TlsSessions, NotOnceTheServerHasANewCertificate) {
  start({0});
  ASSERT_EQ(call(), "s0") << cluster.status.message;
  const tls::test::Contexts renewed = make_contexts();
  cluster.backend(0).options.tls = renewed.server;
  restart(0);
  ASSERT_EQ(call(), "s0") << cluster.status.message;
  EXPECT_EQ(handshakes_of(renewed.server), (Handshakes{1, 0}));
}

}  // namespace
}  // namespace saker::rpc

// Whom an engine trusts, whom it refuses, and what it says then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/tls/engine_testing.h"
#include "saker/tls/pem.h"

namespace saker::tls::test {
namespace {

using testing::HasSubstr;

class Certificates : public testing::Test {
 protected:
  ServerContext server(const Issued& own, bool asks = false, bool requires_one = false) {
    ServerContextOptions options{own.chain, own.key, {}, requires_one};
    if (asks || requires_one) options.client_ca = ca_.certificate();
    auto context = ServerContext::make(options);
    EXPECT_TRUE(context) << context.error().message;
    return *context;
  }
  ClientContext client(const Issued& own = {}) {
    auto context = ClientContext::make({ca_.certificate(), own.chain, own.key, false});
    EXPECT_TRUE(context) << context.error().message;
    return *context;
  }
  // What the client says of a server with `own`, asked for as `name`.
  std::string refusal(const Issued& own, const std::string& name = "localhost") {
    Pair pair({server(own), client()}, name);
    pair.exchange();
    EXPECT_EQ(pair.client.engine.state(), State::kFailed);
    EXPECT_EQ(pair.server.engine.state(), State::kFailed);
    server_says_ = pair.server.engine.error();
    return pair.client.engine.error();
  }

  TestCa ca_;
  std::string server_says_;
};

TEST_F(Certificates, AreCheckedForTheName) {
  const Issued own = ca_.issue({.names = "DNS:a.test,DNS:*.b.test,IP:10.1.2.3,IP:fd00::1"});
  for (const char* name : {"a.test", "x.b.test", "10.1.2.3", "fd00::1"}) {
    Pair pair({server(own), client()}, name);
    pair.exchange();
    EXPECT_TRUE(pair.is_open()) << name << ": " << pair.client.engine.error();
  }
  for (const char* name : {"b.test", "c.test", "x.y.b.test", "10.1.2.4", "localhost"}) {
    EXPECT_THAT(refusal(own, name), HasSubstr("is not for the name that was asked for; it is for "
                                              "a.test, *.b.test, 10.1.2.3"))
        << name;
  }
  EXPECT_THAT(server_says_,
              HasSubstr("the client refuses our certificate (alert: bad certificate"));
}

TEST_F(Certificates, OfAnotherCaAreRefused) {
  const TestCa other("another CA");
  EXPECT_THAT(refusal(other.issue()),
              HasSubstr("the server's certificate is not trusted: unable to get local issuer"));
  EXPECT_THAT(server_says_, HasSubstr("the client does not know the CA of our certificate"));
}

TEST_F(Certificates, ThatHaveExpiredOrAreNotYetGoodAreRefused) {
  EXPECT_THAT(refusal(ca_.issue({.valid_until_s = -60})), HasSubstr("has expired (CN=server)"));
  EXPECT_THAT(server_says_, HasSubstr("says that our certificate has expired"));
  EXPECT_THAT(refusal(ca_.issue({.valid_from_s = 3600})), HasSubstr("is not yet valid"));
}

TEST_F(Certificates, MayBeLeftUnchecked) {
  const TestCa other("another CA");
  auto trusting = ClientContext::make({.ca = {}, .skip_verify = true});
  ASSERT_TRUE(trusting);
  Pair pair({server(other.issue({.valid_until_s = -60})), *trusting}, "anybody.test");
  pair.exchange();
  EXPECT_TRUE(pair.is_open()) << pair.client.engine.error();
  EXPECT_EQ(pair.client.engine.peer_identity(), nullptr) << "nothing was proved";
}

TEST_F(Certificates, OfClientsAreRequiredWhereTheOptionsSaySo) {
  Pair pair({server(ca_.issue(), true, true), client()});
  pair.exchange();
  EXPECT_EQ(pair.server.engine.error(), "the client sent no certificate, and one is required");
  EXPECT_EQ(pair.client.engine.state(), State::kFailed);
  EXPECT_THAT(pair.client.engine.error(),
              HasSubstr("the server requires a certificate of ours, and there is none"));
}

TEST_F(Certificates, OfClientsMayBeLeftOutWhereTheyAreNotRequired) {
  Pair without({server(ca_.issue(), true), client()});
  without.exchange();
  EXPECT_TRUE(without.is_open());
  EXPECT_EQ(without.server.engine.peer_identity(), nullptr);
  Pair with({server(ca_.issue(), true), client(ca_.issue({.common_name = "me", .names = ""}))});
  with.exchange();
  ASSERT_NE(with.server.engine.peer_identity(), nullptr);
  EXPECT_EQ(with.server.engine.peer_identity()->name(), "CN=me");
}

TEST_F(Certificates, OfClientsOfAnotherCaAreRefusedAlsoWhereNoneIsRequired) {
  const TestCa other("another CA");
  Pair pair({server(ca_.issue(), true), client(other.issue({.common_name = "stranger"}))});
  pair.exchange();
  EXPECT_THAT(pair.server.engine.error(), HasSubstr("the client's certificate is not trusted"));
  EXPECT_THAT(pair.server.engine.error(), HasSubstr("CN=stranger"));
  EXPECT_THAT(pair.client.engine.error(), HasSubstr("the server does not know the CA of our"));
}

// A certificate that nobody asked for is nobody's identity.
TEST_F(Certificates, OfClientsThatWereNotAskedForAreNotShown) {
  Pair pair({server(ca_.issue()), client(ca_.issue())});
  pair.exchange();
  EXPECT_TRUE(pair.is_open());
  EXPECT_EQ(pair.server.engine.peer_identity(), nullptr);
}

TEST_F(Certificates, NamesWithControlCharactersAreLeftOut) {
  const Issued own = ca_.issue({.names = "DNS:good.test,URI:spiffe://a b/c,DNS:also.test"});
  Pair pair({server(ca_.issue(), true), client(own)});
  pair.exchange();
  const PeerIdentity* identity = pair.server.engine.peer_identity();
  ASSERT_NE(identity, nullptr);
  EXPECT_EQ(identity->dns, (std::vector<std::string>{"good.test", "also.test"}));
  EXPECT_TRUE(identity->uris.empty());
}

TEST_F(Certificates, PemThatCannotBeUsedIsNamed) {
  const Issued own = ca_.issue();
  const Issued other = ca_.issue();
  const auto refused = [&](Pem chain, Pem key, Pem ca = {}) {
    const auto made = ServerContext::make({std::move(chain), std::move(key), std::move(ca), false});
    EXPECT_FALSE(made);
    return made ? std::string() : made.error().message;
  };
  EXPECT_EQ(refused({"", "a.pem"}, own.key),
            "a.pem: there is no certificate in it (PEM is expected)");
  EXPECT_EQ(refused({"nonsense", "a.pem"}, own.key),
            "a.pem: there is no certificate in it (PEM is expected)");
  EXPECT_THAT(refused({own.chain.text.substr(0, 200), "a.pem"}, own.key), HasSubstr("a.pem: the "));
  EXPECT_EQ(refused(own.chain, own.chain),
            "server.pem: there is no private key in it (PEM is expected)");
  EXPECT_THAT(refused(own.chain, other.key),
              HasSubstr("server-key.pem: the private key does not belong to the certificate"));
  EXPECT_EQ(refused(own.chain, own.key, {"nonsense", "ca"}),
            "ca: there is no CA certificate in it (PEM is expected)");
  const std::string broken = own.chain.text +
                             "-----BEGIN CERTIFICATE-----\nAAAA\n"
                             "-----END CERTIFICATE-----\n";
  EXPECT_THAT(refused({broken, "a.pem"}, own.key),
              HasSubstr("a.pem: the certificate chain cannot"));
  EXPECT_FALSE(ServerContext::make({own.chain, own.key, {}, true}));
  // An empty file is not the same as none: nobody is to be let in for it.
  EXPECT_EQ(refused(own.chain, own.key, {"", "empty"}),
            "empty: there is no CA certificate in it (PEM is expected)");
  EXPECT_FALSE(ClientContext::make({.ca = {"", "empty"}}));
}

TEST_F(Certificates, AreSummedUp) {
  EXPECT_THAT(server(ca_.issue()).summary(), HasSubstr("CN=server, valid until "));
  EXPECT_EQ(ServerContext().summary(), "no certificate");
  EXPECT_FALSE(ServerContext());
}

}  // namespace
}  // namespace saker::tls::test

// The engine against OpenSSL's own client and server, told to do what ours never do: no ALPN, old
// versions, forbidden cipher suites, renegotiation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "saker/tls/engine_testing.h"

namespace saker::tls::test {
namespace {

using testing::HasSubstr;

class Foreign {
 public:
  Foreign(const SSL_METHOD* method, bool is_server, const std::string& alpn)
      : context_(SSL_CTX_new(method)) {
    SSL_CTX_set_security_level(context_, 0);
    SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
    if (is_server) use_certificate();
    ssl = SSL_new(context_);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    const auto* bytes = reinterpret_cast<const unsigned char*>(alpn.data());
    if (!alpn.empty()) SSL_set_alpn_protos(ssl, bytes, static_cast<unsigned>(alpn.size()));
    is_server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
  }
  ~Foreign() {
    SSL_free(ssl);
    SSL_CTX_free(context_);
  }

  // Until neither has more to say. Reads what comes.
  void exchange(Side& with) {
    if (with.engine.state() == State::kHandshake) with.receive({});
    for (bool more = true; more;) {
      ERR_clear_error();
      if (SSL_is_init_finished(ssl) == 0) SSL_do_handshake(ssl);
      char buffer[4096];
      size_t size = 0;
      while (SSL_read_ex(ssl, buffer, sizeof buffer, &size) == 1) received.append(buffer, size);
      char* bytes = nullptr;
      const long count = BIO_get_mem_data(SSL_get_wbio(ssl), &bytes);
      const std::string out(bytes, static_cast<size_t>(count));
      (void)BIO_reset(SSL_get_wbio(ssl));
      if (!out.empty()) with.receive(as_bytes(out));
      const std::string in = with.take_output();
      if (!in.empty()) BIO_write(SSL_get_rbio(ssl), in.data(), static_cast<int>(in.size()));
      more = !out.empty() || !in.empty();
    }
  }
  bool is_connected() const { return SSL_is_init_finished(ssl) == 1; }

  SSL* ssl = nullptr;
  std::string received;

 private:
  void use_certificate() {
    const TestCa ca;
    const Issued own = ca.issue();
    BIO* chain = BIO_new_mem_buf(own.chain.text.data(), -1);
    BIO* key = BIO_new_mem_buf(own.key.text.data(), -1);
    X509* certificate = PEM_read_bio_X509(chain, nullptr, nullptr, nullptr);
    EVP_PKEY* private_key = PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context_, certificate);
    SSL_CTX_use_PrivateKey(context_, private_key);
    X509_free(certificate);
    EVP_PKEY_free(private_key);
    BIO_free(chain);
    BIO_free(key);
  }

  SSL_CTX* context_;
};

const std::string kH2 = "\x02h2";

class ForeignPeers : public testing::Test {
 protected:
  ForeignPeers() {
    const Issued own = ca_.issue();
    server_ = std::make_unique<Side>(pool_, *ServerContext::make({own.chain, own.key, {}, false}));
    auto trusting = ClientContext::make({.skip_verify = true});
    client_ = std::make_unique<Side>(pool_, *trusting, "localhost");
  }
  // What our server says of a client.
  std::string refusal(Foreign& client) {
    client.exchange(*server_);
    EXPECT_FALSE(client.is_connected());
    EXPECT_EQ(server_->engine.state(), State::kFailed);
    return server_->engine.error();
  }

  TestCa ca_;
  ChunkPool pool_;
  std::unique_ptr<Side> server_;
  std::unique_ptr<Side> client_;
};

TEST_F(ForeignPeers, AreServed) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Issued own = ca_.issue();
    Side server(pool_, *ServerContext::make({own.chain, own.key, {}, false}));
    Foreign client(TLS_client_method(), false, kH2);
    SSL_set_max_proto_version(client.ssl, version);
    client.exchange(server);
    ASSERT_TRUE(client.is_connected());
    ASSERT_EQ(server.engine.state(), State::kOpen) << server.engine.error();
    SSL_write(client.ssl, "hello", 5);
    client.exchange(server);
    EXPECT_EQ(server.received, "hello");
    server.send("world");
    client.exchange(server);
    EXPECT_EQ(client.received, "world");
    EXPECT_EQ(SSL_version(client.ssl), version);
    EXPECT_EQ(SSL_get_current_compression(client.ssl), nullptr);
    SSL_shutdown(client.ssl);
    client.exchange(server);
    EXPECT_EQ(server.engine.state(), State::kPeerClosed);
  }
}

TEST_F(ForeignPeers, WithoutAlpnAreRefused) {
  Foreign client(TLS_client_method(), false, "");
  EXPECT_EQ(refusal(client), "the client does not offer HTTP/2 (ALPN h2)");
}

TEST_F(ForeignPeers, WithAlpnForSomethingElseAreRefused) {
  Foreign client(TLS_client_method(), false, "\x08http/1.1");
  EXPECT_EQ(refusal(client), "the client does not offer HTTP/2 (ALPN h2)");
}

TEST_F(ForeignPeers, ServersThatKnowNothingOfAlpnAreRefused) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto trusting = ClientContext::make({.skip_verify = true});
    Side client(pool_, *trusting, "localhost");
    Foreign server(TLS_server_method(), true, "");
    SSL_set_max_proto_version(server.ssl, version);
    server.exchange(client);
    EXPECT_EQ(client.engine.state(), State::kFailed);
    EXPECT_EQ(client.engine.error(), "the server did not agree to HTTP/2 (ALPN h2)");
  }
}

TEST_F(ForeignPeers, OfOldVersionsAreRefused) {
  Foreign client(TLS_client_method(), false, kH2);
  SSL_set_min_proto_version(client.ssl, TLS1_VERSION);
  SSL_set_max_proto_version(client.ssl, TLS1_1_VERSION);
  EXPECT_EQ(refusal(client), "the client speaks only versions of TLS before 1.2");
  Foreign server(TLS_server_method(), true, kH2);
  SSL_set_min_proto_version(server.ssl, TLS1_VERSION);
  SSL_set_max_proto_version(server.ssl, TLS1_1_VERSION);
  server.exchange(*client_);
  EXPECT_EQ(client_->engine.error(),
            "the server does not speak our versions of TLS, 1.2 and 1.3 (alert: protocol version)");
}

// RFC 9113 appendix A: no static RSA, no CBC.
TEST_F(ForeignPeers, WithForbiddenCiphersAreRefused) {
  for (const char* cipher :
       {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "AES256-SHA", "DHE-RSA-AES128-GCM-SHA256"}) {
    const Issued own = ca_.issue();
    Side server(pool_, *ServerContext::make({own.chain, own.key, {}, false}));
    Foreign client(TLS_client_method(), false, kH2);
    SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
    ASSERT_EQ(SSL_set_cipher_list(client.ssl, cipher), 1);
    client.exchange(server);
    EXPECT_EQ(server.engine.state(), State::kFailed) << cipher;
    EXPECT_EQ(server.engine.error(),
              "the client has no cipher suite that HTTP/2 allows (RFC 9113 section 9.2.2)");
  }
}

TEST_F(ForeignPeers, MayNotRenegotiate) {
  Foreign client(TLS_client_method(), false, kH2);
  SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
  client.exchange(*server_);
  ASSERT_TRUE(client.is_connected());
  ASSERT_EQ(SSL_renegotiate(client.ssl), 1);
  SSL_do_handshake(client.ssl);
  client.exchange(*server_);
  EXPECT_EQ(SSL_is_init_finished(client.ssl), 0) << "it was let to";
}

TEST_F(ForeignPeers, MayRenewTheirKeys) {
  Foreign client(TLS_client_method(), false, kH2);
  client.exchange(*server_);
  ASSERT_TRUE(client.is_connected());
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    SSL_write(client.ssl, "x", 1);
    client.exchange(*server_);
    server_->send("y");
    client.exchange(*server_);
  }
  EXPECT_EQ(server_->received, "xxxxx");
  EXPECT_EQ(client.received, "yyyyy");
}

}  // namespace
}  // namespace saker::tls::test

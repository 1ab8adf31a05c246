// A client of OpenSSL's that makes a TlsStream work for little: KeyUpdate after KeyUpdate (RFC 8446
// section 4.6.3), whose answers it does not read, up to kTlsUnsentBytes of them and past it; and records
// of one byte.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <map>

#include "saker/net/tls_stream.h"
#include "saker/net/transport_harness.h"
#include "saker/net/tuning.h"
#include "saker/tls/certificates_testing.h"

namespace saker::net::test {
namespace {

constexpr size_t kAnswerBytes = 27;  // a record of one KeyUpdate

// TLS 1.3 over memory.
class Renewer {
 public:
  Renewer() : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    const unsigned char alpn[] = {2, 'h', '2'};
    SSL_set_alpn_protos(ssl_, alpn, sizeof alpn);
    SSL_set_connect_state(ssl_);
  }
  ~Renewer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  Renewer(const Renewer&) = delete;
  Renewer& operator=(const Renewer&) = delete;

  bool is_connected() const { return SSL_is_init_finished(ssl_) == 1; }
  void feed(std::string_view bytes) {
    if (!bytes.empty()) BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
    char plain[1024];
    size_t size = 0;
    if (is_connected()) {
      while (SSL_read_ex(ssl_, plain, sizeof plain, &size) == 1) {
      }
    } else {
      SSL_do_handshake(ssl_);
    }
  }
  void ask() {
    ASSERT_EQ(SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(ssl_), 1);
  }
  void write_record(std::string_view bytes) {
    size_t written = 0;
    ASSERT_EQ(SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written), 1);
  }
  std::string take_output() {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl_), &bytes);
    std::string out(bytes, static_cast<size_t>(size));
    (void)BIO_reset(SSL_get_wbio(ssl_));
    return out;
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
};

class TlsFlood : public testing::Test {
 protected:
  TlsFlood() {
    events_ =
        std::make_unique<TestListener>(world_->server(), [this](std::unique_ptr<Stream> stream) {
          return std::make_unique<TlsStream>(world_->server(), std::move(stream), contexts_.server);
        });
    listener_ = must(world_->server().listen(world_->listen_address(), {}, *events_), "listen");
    attempt_ = std::make_unique<TestConnect>(world_->client(), listener_->address());
    EXPECT_TRUE(world_->run_until(
        [&] { return attempt_->stream != nullptr && !events_->streams.empty(); }));
    client().start();
    client().data_hook = [this] { renewer_.feed(std::exchange(client().received, {})); };
    renewer_.feed({});
    EXPECT_TRUE(world_->run_until([&] {
      send();
      return renewer_.is_connected() && is_open();
    }));
  }
  TestStream& client() { return *attempt_->stream; }
  TestStream& server() { return *events_->streams.front(); }
  bool is_open() {
    return static_cast<TlsStream&>(server().stream()).engine().state() == tls::State::kOpen;
  }
  void send() {
    if (client().stream().write_in_flight() || client().end_count > 0) return;
    unsent_ += renewer_.take_output();
    if (!unsent_.empty() && client().send(unsent_)) unsent_.clear();
  }
  // How many the server answers, out of `most`.
  size_t ask(size_t most) {
    size_t asked = 0;
    for (; asked < most && server().end_count == 0; asked += 20) {
      for (int i = 0; i < 20; ++i) renewer_.ask();
      send();
      world_->run_until([&] { return !client().stream().write_in_flight(); });
      world_->settle();
    }
    return asked;
  }

  tls::test::Contexts contexts_{tls::test::make_one_sided_contexts()};
  std::unique_ptr<World> world_ = make_sim_world(3, {});
  Renewer renewer_;
  std::string unsent_;
  std::unique_ptr<TestListener> events_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<TestConnect> attempt_;
};

TEST_F(TlsFlood, WhoReadsTheAnswersMayAsk) {
  const size_t many = 2 * tuning::kTlsUnsentBytes / kAnswerBytes;
  EXPECT_GE(ask(many), many);
  EXPECT_EQ(server().end_count, 0) << server().error.message;
}

TEST_F(TlsFlood, WhoDoesNotReadThemIsCutOff) {
  client().stream().pause_reading(true);
  const size_t asked = ask(1'000'000 / kAnswerBytes);
  EXPECT_EQ(server().end_count, 1);
  EXPECT_EQ(server().error.message, "TLS: the peer asks and does not read the answers");
  EXPECT_EQ(server().error.system_error, EPROTO);
  EXPECT_GT(asked, tuning::kTlsUnsentBytes / kAnswerBytes);
}

// A thousand in one read, and what comes behind them; the loop has its turns in between.
TEST_F(TlsFlood, TinyRecordsTakeTurns) {
  std::map<uint64_t, size_t> in_turn;
  std::string received;
  server().data_hook = [&] {
    in_turn[world_->server().turn_number()] += server().received.size() - received.size();
    received = server().received;
  };
  std::string sent;
  for (int i = 0; i < 1000; ++i) {
    sent += static_cast<char>('a' + i % 26);
    renewer_.write_record(sent.substr(sent.size() - 1));
  }
  send();
  ASSERT_TRUE(world_->run_until([&] { return received.size() == sent.size(); }));
  renewer_.write_record("end");
  send();
  ASSERT_TRUE(world_->run_until([&] { return received.ends_with("end"); }));
  EXPECT_EQ(received, sent + "end");
  for (const auto& [turn, bytes] : in_turn) EXPECT_LE(bytes, tuning::kTlsRecordsPerTurn) << turn;
  EXPECT_GE(in_turn.size(), 1000 / tuning::kTlsRecordsPerTurn);
}

// Paused in the middle of them, nothing more comes, and nothing is lost.
TEST_F(TlsFlood, APauseAmongTinyRecords) {
  server().data_hook = [&] {
    if (server().received.size() == tuning::kTlsRecordsPerTurn)
      server().stream().pause_reading(true);
  };
  for (int i = 0; i < 1000; ++i) renewer_.write_record("x");
  send();
  world_->settle();
  EXPECT_EQ(server().received.size(), tuning::kTlsRecordsPerTurn);
  server().stream().pause_reading(false);
  EXPECT_TRUE(world_->run_until([&] { return server().received.size() == 1000; }));
}

}  // namespace
}  // namespace saker::net::test

// Two engines of ours: the handshake in every split, bytes both ways, the end, and input that is not
// what it should be.
#include "saker/tls/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/tls/engine_testing.h"

namespace saker::tls::test {
namespace {

using testing::HasSubstr;

std::string pattern(size_t size) {
  std::string out(size, '\0');
  uint32_t state = 1;
  for (char& c : out) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return out;
}

TEST(TlsEngine, ShakesHandsAndKnowsBothSides) {
  Pair pair;
  pair.exchange();
  ASSERT_TRUE(pair.is_open()) << pair.client.engine.error() << pair.server.engine.error();
  EXPECT_STREQ(pair.client.engine.version(), "TLSv1.3");
  EXPECT_FALSE(pair.client.engine.was_resumed());
  const PeerIdentity* client = pair.server.engine.peer_identity();
  ASSERT_NE(client, nullptr);
  EXPECT_EQ(client->subject, "CN=client");
  EXPECT_EQ(client->uris, std::vector<std::string>{"spiffe://test/client"});
  EXPECT_EQ(client->dns, std::vector<std::string>{"client.test"});
  EXPECT_EQ(client->name(), "spiffe://test/client");
  ASSERT_NE(pair.client.engine.peer_identity(), nullptr);
  EXPECT_EQ(pair.client.engine.peer_identity()->name(), "localhost");
}

TEST(TlsEngine, TakesItsInputInPiecesOfEverySize) {
  for (size_t piece = 1; piece < 1500; piece = piece < 8 ? piece + 1 : piece * 2) {
    Pair pair;
    pair.exchange(piece);
    ASSERT_TRUE(pair.is_open()) << piece;
    pair.client.send("hello");
    pair.server.send("world");
    pair.exchange(piece);
    EXPECT_EQ(pair.server.received, "hello") << piece;
    EXPECT_EQ(pair.client.received, "world") << piece;
  }
}

// Each flight in two parts, at places all over it.
TEST(TlsEngine, TakesEachFlightSplitAnywhere) {
  const auto split = [](Side& to, const std::string& bytes, size_t at) {
    to.receive(as_bytes(std::string_view(bytes).substr(0, at)));
    to.receive(as_bytes(std::string_view(bytes).substr(at)));
  };
  size_t longest = 1;
  for (size_t at = 0; at < longest; at += 23) {
    Pair pair;
    pair.client.receive({});
    for (int flight = 0; flight < 4; ++flight) {
      Side& from = flight % 2 == 0 ? pair.client : pair.server;
      Side& to = flight % 2 == 0 ? pair.server : pair.client;
      const std::string bytes = from.take_output();
      longest = std::max(longest, bytes.size());
      split(to, bytes, std::min(at, bytes.size()));
    }
    ASSERT_TRUE(pair.is_open()) << at;
  }
  EXPECT_GT(longest, 500u);
}

TEST(TlsEngine, CarriesMuchInRecordsOf16KiB) {
  Pair pair;
  pair.exchange();
  const std::string bytes = pattern(1'000'000);
  pair.client.send(bytes);
  const size_t records = bytes.size() / Engine::kMaxRecordBytes + 1;
  EXPECT_EQ(pair.client.output.size(), bytes.size() + records * 22);
  pair.exchange(70'000);
  EXPECT_TRUE(pair.server.received == bytes);
  pair.server.send(bytes, 1);  // a record at a time
  pair.exchange(1000);
  EXPECT_TRUE(pair.client.received == bytes);
}

TEST(TlsEngine, WritesFewBytesOfManyChunksAsOneRecord) {
  Pair pair;
  pair.exchange();
  ChunkQueue plain(pair.pool);
  for (int i = 0; i < 100; ++i) {
    Chunk* chunk = pair.pool.get(1);
    chunk->storage[0] = static_cast<uint8_t>(i);
    chunk->end = i % 3 == 0 ? 0 : 1;
    plain.append(chunk);
  }
  const size_t size = plain.size();
  pair.client.engine.write(plain, SIZE_MAX, pair.client.output);
  EXPECT_TRUE(plain.empty());
  EXPECT_EQ(pair.client.output.size(), size + 22);
  pair.exchange();
  EXPECT_EQ(pair.server.received.size(), size);
}

TEST(TlsEngine, ACloseEndsOneDirection) {
  Pair pair;
  pair.exchange();
  pair.client.send("last");
  pair.client.engine.close(pair.client.output);
  pair.exchange();
  EXPECT_EQ(pair.server.received, "last");
  EXPECT_EQ(pair.server.engine.state(), State::kPeerClosed);
  pair.server.send("answer");
  pair.exchange();
  EXPECT_EQ(pair.client.received, "answer");
  EXPECT_TRUE(pair.server.engine.error().empty());
}

// Whatever byte of the first flights is changed, nothing worse happens than a failure with a reason.
TEST(TlsEngine, ADamagedHandshakeFails) {
  Pair model;
  model.client.receive({});
  const std::string hello = model.client.take_output();
  for (size_t at = 0; at < hello.size(); at += 3) {
    std::string damaged = hello;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    Pair pair;
    pair.server.receive(as_bytes(damaged));
    if (pair.server.engine.state() == State::kFailed) {
      EXPECT_FALSE(pair.server.engine.error().empty()) << at;
    }
  }
  model.server.receive(as_bytes(hello));
  const std::string answer = model.server.take_output();
  for (size_t at = 0; at < answer.size(); at += 17) {
    Pair pair;
    pair.client.receive({});
    std::string damaged = answer;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    pair.client.receive(as_bytes(damaged));
    EXPECT_NE(pair.client.engine.state(), State::kOpen) << at;
  }
}

TEST(TlsEngine, ADamagedRecordFailsTheConnection) {
  Pair model;
  model.exchange();
  model.client.send("hello");
  const size_t size = model.client.output.size();
  for (size_t at = 0; at < size; ++at) {
    Pair pair;
    pair.exchange();
    pair.client.send("hello");
    std::string record = pair.client.take_output();
    record[at] = static_cast<char>(record[at] ^ 1);
    pair.server.receive(as_bytes(record));
    EXPECT_EQ(pair.server.received, "") << at;
    // A longer length waits for the rest; everything else is found out at once.
    if (pair.server.engine.state() == State::kOpen) continue;
    EXPECT_EQ(pair.server.engine.state(), State::kFailed) << at;
    EXPECT_FALSE(pair.server.engine.error().empty());
    EXPECT_FALSE(pair.server.output.empty()) << "no alert";
  }
}

TEST(TlsEngine, GarbageFails) {
  for (const char* garbage : {"\x16\x03\x01\x7f\xffgarbage", "\x15\x03\x03\x00\x02\x02\x28",
                              "\x17\x03\x03\x00\x05hello", "\x16\x02\x01zzzzzzzzz"}) {
    Pair pair;
    pair.server.receive(as_bytes(garbage));
    pair.server.receive(as_bytes(pattern(40'000)));
    EXPECT_EQ(pair.server.engine.state(), State::kFailed) << garbage;
    EXPECT_THAT(pair.server.engine.error(), HasSubstr("the client"));
  }
}

TEST(TlsEngine, ATruncatedHandshakeWaits) {
  Pair pair;
  pair.client.receive({});
  std::string hello = pair.client.take_output();
  hello.pop_back();
  pair.server.receive(as_bytes(hello));
  EXPECT_EQ(pair.server.engine.state(), State::kHandshake);
  EXPECT_TRUE(pair.server.output.empty());
}

// kMaxCertificateListBytes: 64 KiB of the peer's certificates, not more.
TEST(TlsEngine, CertificatesAreReadUpToTheirLimit) {
  for (const bool over : {false, true}) {
    Wanted wanted;
    while (wanted.names.size() < (over ? 67'000 : 62'000)) {
      wanted.names += ",DNS:" + std::string(200, 'x');
    }
    Pair pair(make_one_sided_contexts(wanted));
    pair.exchange();
    EXPECT_EQ(pair.client.engine.state(), over ? State::kFailed : State::kOpen)
        << pair.client.engine.error();
    EXPECT_EQ(pair.client.engine.error().empty(), !over);
  }
}

// A name that cannot be checked is no reason to trust everybody.
TEST(TlsEngine, WithoutANameNoServerIsTrusted) {
  const std::string too_long(1000, 'x');
  for (const std::string& name : {std::string(), too_long}) {
    Pair pair(make_contexts(), name);
    EXPECT_EQ(pair.client.engine.state(), State::kFailed);
    EXPECT_THAT(pair.client.engine.error(), HasSubstr("no name to check"));
    pair.exchange();
    EXPECT_TRUE(pair.client.output.empty());
    EXPECT_NE(pair.server.engine.state(), State::kOpen);
  }
  auto unverified = ClientContext::make({.skip_verify = true});
  ASSERT_TRUE(unverified);
  Contexts contexts = make_one_sided_contexts();
  contexts.client = *std::move(unverified);
  Pair pair(contexts, "");
  pair.exchange();
  EXPECT_EQ(pair.client.engine.state(), State::kOpen) << pair.client.engine.error();
}

TEST(TlsEngine, ASessionIsResumed) {
  const Contexts contexts = make_contexts();
  SessionCache sessions;
  for (int round = 0; round < 3; ++round) {
    Pair pair(contexts, "localhost", &sessions);
    pair.exchange();
    ASSERT_TRUE(pair.is_open());
    EXPECT_EQ(pair.client.engine.was_resumed(), round > 0);
    EXPECT_EQ(pair.server.engine.was_resumed(), round > 0);
    ASSERT_NE(pair.server.engine.peer_identity(), nullptr);
    EXPECT_EQ(pair.server.engine.peer_identity()->name(), "spiffe://test/client");
    EXPECT_EQ(sessions.size(), 1u) << "a ticket is for one connection, and each brings a new one";
  }
}

TEST(TlsEngine, AnotherContextKnowsNoneOfTheSessions) {
  const Contexts before = make_contexts();
  const Contexts after = make_contexts();
  SessionCache sessions;
  Pair first(before, "localhost", &sessions);
  first.exchange();
  ASSERT_EQ(sessions.size(), 1u);
  Pair second({after.server, before.client}, "localhost", &sessions);
  second.exchange();
  EXPECT_TRUE(second.is_open());
  EXPECT_FALSE(second.client.engine.was_resumed());
}

TEST(TlsEngine, TheCacheKeepsTheNewest) {
  const Contexts contexts = make_contexts();
  SessionCache sessions;
  std::vector<std::unique_ptr<Pair>> pairs;
  for (size_t i = 0; i < SessionCache::kMaxSessions + 5; ++i) {
    pairs.push_back(std::make_unique<Pair>(contexts, "localhost", i == 0 ? nullptr : &sessions));
    pairs.back()->exchange();
  }
  EXPECT_LE(sessions.size(), SessionCache::kMaxSessions);
}

}  // namespace
}  // namespace saker::tls::test

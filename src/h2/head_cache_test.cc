#include "saker/h2/head_cache.h"

#include <gtest/gtest.h>

#include "saker/h2/h2_testing.h"

namespace saker::h2 {
namespace {

// Literals only: nothing enters the table, as with libnghttp2's :path (RFC 7541 section 6.2.2).
ByteVector literal(std::string_view name, std::string_view value, uint8_t kind = 0x00) {
  ByteVector block(3 + name.size() + value.size());
  uint8_t* at = block.data();
  *at++ = kind;
  *at++ = static_cast<uint8_t>(name.size());
  at = std::copy(name.begin(), name.end(), at);
  *at++ = static_cast<uint8_t>(value.size());
  std::copy(value.begin(), value.end(), at);
  return block;
}
ByteVector join(std::initializer_list<ByteVector> parts) {
  ByteVector all;
  for (const ByteVector& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}
ByteVector request_head(std::string_view path, const ByteVector& more = {}) {
  return join(
      {literal(":method", "POST"), literal(":scheme", "http"), literal(":path", path), more});
}

class Heads : public testing::Test {
 protected:
  Heads() { server.settle(peer); }

  // What the visitor hears of one request, which then ends.
  std::string hear(const ByteVector& block, uint8_t flags = kFlagEndStream) {
    const StreamId id = std::exchange(next_id, next_id + 2);
    const uint8_t all_flags = flags | kFlagEndHeaders;
    EXPECT_TRUE(server.recv(peer.frame(FrameType::kHeaders, all_flags, id, block)));
    const Lines lines = server.heard();
    if (server.events.has_stream(id)) server->reset(server.stream(id), ErrorCode::kCancel);
    server.heard();
    server.take();
    return lines.empty() ? "" : lines[0].substr(lines[0].find(' ', 8));
  }
  size_t cached() { return server->head_cache().heads(); }

  Endpoint server{Role::kServer};
  Peer peer;
  StreamId next_id = 1;
};

TEST_F(Heads, EnterWhenTheyComeAgainAndMeanTheSame) {
  const std::string expected = " END :method=POST :scheme=http :path=/S/M";
  EXPECT_EQ(hear(request_head("/S/M")), expected);
  EXPECT_EQ(cached(), 0u);
  EXPECT_EQ(hear(request_head("/S/M")), expected);
  EXPECT_EQ(cached(), 1u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(hear(request_head("/S/M")), expected);
  EXPECT_EQ(cached(), 1u);
}

// 0xbe is the newest entry of the table, whatever that is.
TEST_F(Heads, AreForgottenWhenTheTableChanges) {
  const auto insert = [&](std::string_view path) {
    EXPECT_EQ(hear(join({literal(":method", "POST"), literal(":scheme", "http"),
                         literal(":path", path, 0x40)})),
              " END :method=POST :scheme=http :path=" + std::string(path));
  };
  const ByteVector newest = join({literal(":method", "POST"), literal(":scheme", "http"), {0xbe}});
  insert("/S/A");
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(hear(newest), " END :method=POST :scheme=http :path=/S/A");
  }
  EXPECT_EQ(cached(), 1u);
  insert("/S/B");
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(hear(newest), " END :method=POST :scheme=http :path=/S/B");
  }
}

TEST_F(Heads, SecretsAreNotKept) {
  const ByteVector block = request_head("/S/M", literal("authorization", "secret", 0x10));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(hear(block), " END :method=POST :scheme=http :path=/S/M authorization=secret");
  }
  EXPECT_EQ(cached(), 0u);
}

TEST_F(Heads, MalformedOnesAreNotKept) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(hear(request_head("/S/M", literal("te", "gzip"))), "");
  EXPECT_EQ(cached(), 0u);
}

TEST_F(Heads, ContentLengthIsCheckedEachTime) {
  const ByteVector block = request_head("/S/M", literal("content-length", "5"));
  const std::string expected = " :method=POST :scheme=http :path=/S/M content-length=5";
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(hear(block, 0), expected);
    EXPECT_EQ(hear(block), "");  // content-length without content
  }
  EXPECT_EQ(cached(), 1u);
  const StreamId id = next_id;
  server.recv(peer.frame(FrameType::kHeaders, kFlagEndHeaders, id, block).data(id, "123456"));
  EXPECT_EQ(server.heard(),
            (Lines{"request " + std::to_string(id) + expected,
                   "closed " + std::to_string(id) + " reset_by_us PROTOCOL_ERROR"}));
}

TEST_F(Heads, ManyDifferentOnesStayWithinTheLimit) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 40; ++i) {
      const std::string path = "/S/" + std::to_string(i);
      const std::string expected = " END :method=POST :scheme=http :path=" + path;
      EXPECT_EQ(hear(request_head(path)), expected);
      EXPECT_EQ(hear(request_head(path)), expected);
      EXPECT_EQ(hear(request_head(path)), expected);
    }
    EXPECT_GT(cached(), 1u);
    EXPECT_LE(cached(), HeadCache::kMaxHeads);
    EXPECT_LE(server->head_cache().memory_bytes(), HeadCache::kMaxBytes);
  }
  server->release_idle_memory();
  EXPECT_EQ(server->head_cache().memory_bytes(), 0u);
  EXPECT_EQ(hear(request_head("/S/1")), " END :method=POST :scheme=http :path=/S/1");
}

TEST_F(Heads, LongOnesAreNotKept) {
  const ByteVector block = request_head("/S/M", literal("x", std::string(110, 'v')));
  const ByteVector longer =
      request_head(std::string(126, '/'), literal("x", std::string(110, 'v')));
  for (int i = 0; i < 4; ++i) {
    EXPECT_NE(hear(block), "");
    EXPECT_NE(hear(longer), "");
  }
  EXPECT_EQ(cached(), 1u);
}

}  // namespace
}  // namespace saker::h2

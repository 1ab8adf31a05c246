// Which representation the encoder chooses, byte for byte, and when a cached block is stale.
#include "saker/hpack/encoder.h"

#include <gtest/gtest.h>

#include <string>

#include "saker/hpack/hpack_testing.h"

namespace saker::hpack {
namespace {

std::vector<OutField> grpc_request() {
  return {{":method", "POST"},
          {":scheme", "http"},
          {":path", "/saker.echo.v1.Echo/UnaryEcho"},
          {":authority", "localhost:50051"},
          {"te", "trailers"},
          {"content-type", "application/grpc"},
          {"user-agent", "saker/0.1"},
          {"grpc-accept-encoding", "identity,gzip"}};
}

TEST(Encoder, WhatRepeatsIsIndexedFromTheSecondTimeOn) {
  Encoder encoder;
  EXPECT_EQ(encoder.memory_bytes(), 0u);
  EXPECT_GT(encode_block(encoder, grpc_request()).size(), 50u);
  EXPECT_EQ(encode_block(encoder, grpc_request()).size(), 8u);
  EXPECT_LE(encoder.memory_bytes(), 1024u);
}

TEST(Encoder, WhatVariesBecomesALiteralWithAnIndexedName) {
  Encoder encoder;
  encode_block(encoder, {{"grpc-timeout", "100m"}});  // the first one brings the name
  EXPECT_EQ(encoder.table_bytes(), 12u + 4 + 32);
  EXPECT_EQ(encode_block(encoder, {{"grpc-timeout", "99m"}}), from_hex("0f2f 03 39396d"));
  EXPECT_EQ(encode_block(encoder, {{"grpc-timeout", "100m"}}), from_hex("be"));
  EXPECT_EQ(encoder.table_bytes(), 12u + 4 + 32);
  EXPECT_EQ(encode_block(encoder, {{"content-length", "12"}}), from_hex("0f0d 02 3132"));
  EXPECT_EQ(encoder.table_bytes(), 12u + 4 + 32);
}

TEST(Encoder, WhatVariesEvictsNothing) {
  Encoder encoder(100);
  encode_block(encoder, {{"te", "trailers"}});  // 42 of 100, but more than a quarter
  EXPECT_EQ(encoder.table_bytes(), 0u);
  Encoder other(200);
  for (int i = 0; i < 4; ++i) {
    encode_block(other, {{":path", "/" + std::to_string(i)}});
  }
  const size_t full = other.table_bytes();
  const uint64_t generation = other.generation();
  encode_block(other, {{"x-request", "12345"}, {"y-request", "12345"}});
  EXPECT_EQ(other.table_bytes(), full);
  EXPECT_EQ(other.generation(), generation);
}

TEST(Encoder, CredentialsAreNeverIndexed) {
  Encoder encoder;
  for (const char* name : {"authorization", "cookie", "set-cookie", "proxy-authorization",
                           "x-goog-api-key", "x-auth-token"}) {
    for (int round = 0; round < 2; ++round) {
      const Block block = encode_block(encoder, {{name, "secret"}});
      EXPECT_EQ(block[0] & 0xf0, 0x10) << name;
      EXPECT_EQ(encoder.table_bytes(), 0u) << name;
      TestDecoder decoder;
      ASSERT_TRUE(decoder.decode(block));
      EXPECT_TRUE(decoder.out.fields[0].never_index);
    }
  }
}

TEST(Encoder, ObeysTheFieldsOwnIndexing) {
  Encoder encoder;
  EXPECT_EQ(encode_block(encoder, {{":path", "/x", Indexing::kLiteral}}), from_hex("04 02 2f78"));
  EXPECT_EQ(encode_block(encoder, {{":path", "/x", Indexing::kNever}}), from_hex("14 02 2f78"));
  EXPECT_EQ(encoder.table_bytes(), 0u);
  EXPECT_EQ(encode_block(encoder, {{"age", "1", Indexing::kIndex}}), from_hex("55 01 31"));
  EXPECT_EQ(encode_block(encoder, {{"age", "1", Indexing::kLiteral}}), from_hex("be"));
  EXPECT_EQ(encode_block(encoder, {{"age", "1", Indexing::kNever}}), from_hex("1f06 01 31"));
}

TEST(Encoder, AnEntryTakesAQuarterOfTheTableAtMost) {
  Encoder encoder;
  const std::string fits(1024 - 32 - 4, 'v');
  encode_block(encoder, {{"name", fits + "v", Indexing::kIndex}});
  EXPECT_EQ(encoder.table_bytes(), 0u);
  encode_block(encoder, {{"name", fits, Indexing::kIndex}});
  EXPECT_EQ(encoder.table_bytes(), 1024u);
}

TEST(Encoder, HuffmanOnlyInWhatIsInserted) {
  Encoder encoder;
  EXPECT_EQ(encode_block(encoder, {{"x", "aaaa", Indexing::kLiteral}}),
            from_hex("00 0178 04 61616161"));
  EXPECT_EQ(encode_block(encoder, {{"x", "aaaa", Indexing::kIndex}}),
            from_hex("40 0178 83 18c63f"));
  // Where it would not be shorter, none.
  EXPECT_EQ(encode_block(encoder, {{"x", "{}", Indexing::kIndex}}), from_hex("7e 02 7b7d"));
}

TEST(Encoder, SizeUpdates) {
  struct Row {
    std::vector<uint32_t> sizes;
    const char* hex;
  };
  const Row rows[] = {{{4096}, "82"},
                      {{65536}, "82"},
                      {{100}, "3f45 82"},
                      {{0}, "20 82"},
                      {{0, 4096}, "20 3fe11f 82"},
                      {{0, 65536}, "20 3fe11f 82"},
                      {{100, 50, 200}, "3f13 3fa901 82"},
                      {{200, 100}, "3f45 82"},
                      {{100, 100}, "3f45 82"}};
  for (const Row& row : rows) {
    Encoder encoder;
    for (const uint32_t size : row.sizes) encoder.set_peer_max_table_bytes(size);
    EXPECT_EQ(encode_block(encoder, {{":method", "GET"}}), from_hex(row.hex)) << row.hex;
    EXPECT_EQ(encode_block(encoder, {{":method", "GET"}}), from_hex("82")) << row.hex;
  }
}

TEST(Encoder, GrowsBackOnlyAsFarAsItUses) {
  Encoder encoder(1000);
  EXPECT_EQ(encode_block(encoder, {{":method", "GET"}}), from_hex("3fc907 82"));
  encoder.set_peer_max_table_bytes(2000);
  EXPECT_EQ(encode_block(encoder, {{":method", "GET"}}), from_hex("82"));
  encoder.set_peer_max_table_bytes(500);
  encode_block(encoder, {});
  encoder.set_peer_max_table_bytes(100000);
  EXPECT_EQ(encode_block(encoder, {}), from_hex("3fc907"));
}

TEST(Encoder, ShrinkingEvicts) {
  Encoder encoder;
  encode_block(encoder, grpc_request());
  encoder.set_peer_max_table_bytes(60);
  encode_block(encoder, {});
  EXPECT_LE(encoder.table_bytes(), 60u);
  encoder.set_peer_max_table_bytes(0);
  encode_block(encoder, {});
  EXPECT_EQ(encoder.table_bytes(), 0u);
  EXPECT_EQ(encoder.memory_bytes(), 0u);
}

size_t encode_cached(Encoder& encoder, const std::vector<OutField>& fields, CachedBlock& cache) {
  Block block(Encoder::max_encoded_bytes(fields));
  const size_t size = encoder.encode(fields, block.data(), cache);
  if (encoder.is_current(cache)) {
    EXPECT_EQ(Block(cache.bytes, cache.bytes + cache.size),
              Block(block.begin(), block.begin() + size));
  }
  return size;
}

TEST(CachedBlock, IsKeptOnceEncodingIsStable) {
  Encoder encoder;
  CachedBlock cache;
  EXPECT_FALSE(encoder.is_current(cache));
  encode_cached(encoder, grpc_request(), cache);
  EXPECT_FALSE(encoder.is_current(cache));  // this call inserted
  EXPECT_EQ(encode_cached(encoder, grpc_request(), cache), 8u);
  EXPECT_TRUE(encoder.is_current(cache));
  EXPECT_EQ(cache.size, 8u);
}

TEST(CachedBlock, GoesStaleWithEveryChange) {
  Encoder encoder;
  CachedBlock cache;
  const auto refill = [&] {
    encode_cached(encoder, grpc_request(), cache);
    encode_cached(encoder, grpc_request(), cache);
    ASSERT_TRUE(encoder.is_current(cache));
  };
  refill();
  encode_block(encoder, {{":path", "/other"}});  // inserts: indices move
  EXPECT_FALSE(encoder.is_current(cache));
  refill();
  encode_block(encoder, {{"content-length", "7"}, {":method", "GET"}});
  EXPECT_TRUE(encoder.is_current(cache));
  encoder.set_peer_max_table_bytes(100);  // a size update must come first
  EXPECT_FALSE(encoder.is_current(cache));
  encode_cached(encoder, {{":method", "GET"}}, cache);
  EXPECT_FALSE(encoder.is_current(cache));  // this call wrote it
  encode_cached(encoder, {{":method", "GET"}}, cache);
  EXPECT_TRUE(encoder.is_current(cache));
}

TEST(CachedBlock, IsNotKeptWhenTooLarge) {
  Encoder encoder;
  CachedBlock cache;
  const std::string value(CachedBlock::kMaxBytes - 2, 'v');
  encode_cached(encoder, {{":path", value, Indexing::kLiteral}}, cache);
  EXPECT_TRUE(encoder.is_current(cache));
  encode_cached(encoder, {{":path", value + "v", Indexing::kLiteral}}, cache);
  EXPECT_FALSE(encoder.is_current(cache));
}

}  // namespace
}  // namespace saker::hpack

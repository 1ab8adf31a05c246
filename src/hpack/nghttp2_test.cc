// Against libnghttp2's HPACK, in both directions, with changes of the table's size.
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <memory>
#include <random>
#include <string>

#include "saker/hpack/hpack_testing.h"

namespace saker::hpack {
namespace {

struct DeleteDeflater {
  void operator()(nghttp2_hd_deflater* p) const { nghttp2_hd_deflate_del(p); }
};
struct DeleteInflater {
  void operator()(nghttp2_hd_inflater* p) const { nghttp2_hd_inflate_del(p); }
};
using Deflater = std::unique_ptr<nghttp2_hd_deflater, DeleteDeflater>;
using Inflater = std::unique_ptr<nghttp2_hd_inflater, DeleteInflater>;

Deflater make_deflater() {
  nghttp2_hd_deflater* p = nullptr;
  EXPECT_EQ(nghttp2_hd_deflate_new(&p, 4096), 0);
  return Deflater(p);
}
Inflater make_inflater() {
  nghttp2_hd_inflater* p = nullptr;
  EXPECT_EQ(nghttp2_hd_inflate_new(&p), 0);
  return Inflater(p);
}

uint8_t* bytes_of(const std::string& text) {
  return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
}

Block deflate(nghttp2_hd_deflater* deflater, const TextFields& fields, std::mt19937& random) {
  std::vector<nghttp2_nv> pairs;
  for (const TextField& field : fields) {
    const uint8_t flags = random() % 8 == 0 ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
    pairs.push_back({bytes_of(field.first), bytes_of(field.second), field.first.size(),
                     field.second.size(), flags});
  }
  Block block(nghttp2_hd_deflate_bound(deflater, pairs.data(), pairs.size()));
  const auto size =
      nghttp2_hd_deflate_hd(deflater, block.data(), block.size(), pairs.data(), pairs.size());
  EXPECT_GE(size, 0);
  block.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return block;
}

// Empty and false when nghttp2 refuses.
bool inflate(nghttp2_hd_inflater* inflater, const Block& block, TextFields& out) {
  const uint8_t* at = block.data();
  size_t left = block.size();
  out.clear();
  for (;;) {
    nghttp2_nv pair;
    int flags = 0;
    const auto used = nghttp2_hd_inflate_hd2(inflater, &pair, &flags, at, left, 1);
    if (used < 0) return false;
    at += used;
    left -= static_cast<size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      out.emplace_back(std::string(reinterpret_cast<char*>(pair.name), pair.namelen),
                       std::string(reinterpret_cast<char*>(pair.value), pair.valuelen));
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
      nghttp2_hd_inflate_end_headers(inflater);
      return true;
    }
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) return true;
  }
}

class RandomTexts {
 public:
  explicit RandomTexts(std::mt19937& random) : random_(random) {}

  TextFields next() {
    static const char* const kNames[] = {
        ":path",  ":method",      ":status",     ":authority",   "content-type",   "te",
        "cookie", "grpc-timeout", "grpc-status", "grpc-message", "authorization",  "date",
        "age",    "x-custom",     "user-agent",  "set-cookie",   "content-length", "via",
        "link",   "x-a-long-name"};
    TextFields fields(random_() % 16);
    for (TextField& field : fields) field = {kNames[random_() % std::size(kNames)], value()};
    return fields;
  }

 private:
  std::string value() {
    if (random_() % 2 == 0) return std::to_string(random_() % 20);
    std::string text(random_() % (random_() % 8 == 0 ? 900 : 50), ' ');
    const bool binary = random_() % 4 == 0;
    for (char& c : text) {
      c = binary ? static_cast<char>(random_()) : static_cast<char>(0x20 + random_() % 0x5f);
    }
    return text;
  }

  std::mt19937& random_;
};

TEST(Nghttp2, ItsBlocksDecodeHere) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    RandomTexts texts(random);
    const Deflater deflater = make_deflater();
    TestDecoder decoder({.max_list_bytes = 1 << 20, .max_fields = 1000});
    for (int round = 0; round < 200; ++round) {
      for (auto changes = random() % 30; changes < 2; ++changes) {
        const auto bytes = static_cast<uint32_t>(random() % 3 == 0 ? 4096 : random() % 4096);
        nghttp2_hd_deflate_change_table_size(deflater.get(), bytes);
        decoder.decoder.set_max_table_bytes(bytes);
      }
      const TextFields fields = texts.next();
      const Block block = deflate(deflater.get(), fields, random);
      ASSERT_TRUE(decoder.decode(block)) << decoder.why() << " " << seed << " " << round;
      ASSERT_EQ(decoder.fields(), fields) << seed << " " << round;
      ASSERT_EQ(decoder.decoder.table_bytes(),
                nghttp2_hd_deflate_get_dynamic_table_size(deflater.get()));
    }
  }
}

TEST(Nghttp2, OurBlocksDecodeThere) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    RandomTexts texts(random);
    const Inflater inflater = make_inflater();
    Encoder encoder;
    for (int round = 0; round < 200; ++round) {
      for (auto changes = random() % 30; changes < 2; ++changes) {
        const auto bytes = static_cast<uint32_t>(random() % 3 == 0 ? 4096 : random() % 6000);
        nghttp2_hd_inflate_change_table_size(inflater.get(), bytes);
        encoder.set_peer_max_table_bytes(bytes);
      }
      const TextFields fields = texts.next();
      std::vector<OutField> out;
      for (const TextField& field : fields) {
        out.push_back({field.first, field.second,
                       static_cast<Indexing>(random() % 2 == 0 ? 0 : random() % 4)});
      }
      TextFields got;
      ASSERT_TRUE(inflate(inflater.get(), encode_block(encoder, out), got)) << seed << " " << round;
      ASSERT_EQ(got, fields) << seed << " " << round;
      ASSERT_EQ(encoder.table_bytes(), nghttp2_hd_inflate_get_dynamic_table_size(inflater.get()));
    }
  }
}

// Mutated blocks: whatever both accept they read alike, and each accepts what the other does. Only
// integers longer than ours may be and a third size update are taken there and not here.
TEST(Nghttp2, MutatedBlocksReadAlike) {
  int both = 0;
  for (unsigned seed = 1; seed <= 4000; ++seed) {
    std::mt19937 random(seed);
    RandomTexts texts(random);
    const Deflater deflater = make_deflater();
    const Inflater inflater = make_inflater();
    TestDecoder decoder({.max_list_bytes = 1 << 20, .max_fields = 1000});
    for (int round = 0; round < 5; ++round) {
      Block block = deflate(deflater.get(), texts.next(), random);
      if (round > 1 && !block.empty())
        block[random() % block.size()] = static_cast<uint8_t>(random());
      TextFields theirs;
      const bool they = inflate(inflater.get(), block, theirs);
      const bool we = decoder.decode(block);
      if (they && !we) {
        ASSERT_TRUE(decoder.why().find("too large") != std::string::npos ||
                    decoder.why().find("size update") != std::string::npos)
            << decoder.why() << " " << seed;
      }
      if (we && !they) ADD_FAILURE() << "only we accept, seed " << seed << " round " << round;
      if (!we || !they) break;
      ++both;
      ASSERT_EQ(decoder.fields(), theirs) << seed;
      ASSERT_EQ(decoder.decoder.table_bytes(),
                nghttp2_hd_inflate_get_dynamic_table_size(inflater.get()));
    }
  }
  EXPECT_GT(both, 8000);
}

}  // namespace
}  // namespace saker::hpack

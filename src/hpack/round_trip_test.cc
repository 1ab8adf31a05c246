// Encoder to decoder over many random blocks, with changes of the table's size: the fields arrive,
// and the two tables stay equal.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "saker/hpack/hpack_testing.h"

namespace saker::hpack {
namespace {

const char* const kNames[] = {
    ":path",        ":method",        ":authority",   "content-type", "te",
    "grpc-timeout", "grpc-status",    "grpc-message", "user-agent",   "content-length",
    "cookie",       "authorization",  "x-custom",     "x-other-bin",  "a-rather-long-metadata-name",
    "age",          "accept-charset", "date",         "traceparent",  "x-token"};

class RandomFields {
 public:
  explicit RandomFields(unsigned seed) : random_(seed) {}

  std::vector<OutField> next() {
    texts_.clear();
    std::vector<OutField> fields;
    const size_t count = random_() % 14;
    texts_.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      texts_.emplace_back(kNames[random_() % std::size(kNames)], value());
      const auto indexing = static_cast<Indexing>(random_() % 8 < 5 ? 0 : random_() % 4);
      fields.push_back({texts_.back().first, texts_.back().second, indexing});
    }
    return fields;
  }
  const TextFields& texts() const { return texts_; }
  unsigned operator()() { return static_cast<unsigned>(random_()); }

 private:
  std::string value() {
    if (random_() % 2 == 0) return "value" + std::to_string(random_() % 12);
    std::string text(random_() % (random_() % 10 == 0 ? 700 : 60), ' ');
    for (char& c : text) c = static_cast<char>(random_());
    return text;
  }

  std::mt19937 random_;
  TextFields texts_;
};

void run(unsigned seed) {
  RandomFields random(seed);
  Encoder encoder(random() % 3 == 0 ? random() % 4096 : 4096);
  TestDecoder decoder({.max_list_bytes = 1 << 20, .max_fields = 1000});
  for (int round = 0; round < 300; ++round) {
    for (unsigned changes = random() % 40; changes < 2; ++changes) {
      const uint32_t bytes = random() % 3 == 0 ? 4096 : random() % 5000;
      encoder.set_peer_max_table_bytes(bytes);
      decoder.decoder.set_max_table_bytes(bytes);
    }
    const std::vector<OutField> fields = random.next();
    const Block block = encode_block(encoder, fields);
    ASSERT_LE(block.size(), Encoder::max_encoded_bytes(fields));
    ASSERT_TRUE(decoder.decode(block)) << decoder.why() << " seed " << seed << " round " << round;
    ASSERT_EQ(decoder.fields(), random.texts()) << "seed " << seed << " round " << round;
    ASSERT_EQ(decoder.decoder.table_bytes(), encoder.table_bytes());
    for (const Field& field : decoder.out.fields) {
      ASSERT_EQ(field.token, token_of(field.name));
      ASSERT_EQ(field.legal, is_legal_name(field.name) && is_legal_value(field.value));
    }
  }
}

TEST(RoundTrip, RandomBlocks) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    run(seed);
    if (HasFatalFailure()) return;
  }
}

// Random bytes may be anything but a crash or a hang; a failed decoder is not asked again.
TEST(RoundTrip, RandomBytesDecodeOrFail) {
  std::mt19937 random(99);
  for (int round = 0; round < 20000; ++round) {
    TestDecoder decoder;
    for (int i = 0; i < 4; ++i) {
      Block block(random() % 60);
      for (uint8_t& byte : block) byte = static_cast<uint8_t>(random());
      if (random() % 2 == 0 && !block.empty()) block[0] = 0x40;
      if (!decoder.decode(block)) break;
      ASSERT_LE(decoder.decoder.table_bytes(), 4096u);
    }
  }
}

}  // namespace
}  // namespace saker::hpack

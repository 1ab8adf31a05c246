// Metadata: what may be set and what not, order and duplicates, binary values over the wire, sizes,
// reuse. gRPC PROTOCOL-HTTP2.md, Custom-Metadata.
#include "saker/grpc/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace saker::grpc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs pairs(const Metadata& metadata) {
  Pairs all;
  metadata.each(
      [&](std::string_view name, std::string_view value) { all.emplace_back(name, value); });
  return all;
}
Pairs wire_pairs(const Metadata& metadata) {
  Pairs all;
  std::string scratch = "left over";
  metadata.each_wire(scratch, [&](std::string_view name, std::string_view value) {
    all.emplace_back(name, value);
  });
  return all;
}

TEST(Metadata, KeepsOrderAndDuplicates) {
  Metadata metadata;
  EXPECT_EQ(metadata.add("b", "1"), AddResult::kOk);
  EXPECT_EQ(metadata.add("a", "2"), AddResult::kOk);
  EXPECT_EQ(metadata.add("b", "3"), AddResult::kOk);
  EXPECT_THAT(pairs(metadata), ElementsAre(Pair("b", "1"), Pair("a", "2"), Pair("b", "3")));
  EXPECT_EQ(metadata.find("b"), "1");
  EXPECT_EQ(metadata.find("c"), std::nullopt);
  EXPECT_EQ(metadata.find("A"), std::nullopt);
  std::vector<std::string> values;
  metadata.each("b", [&](std::string_view value) { values.emplace_back(value); });
  EXPECT_THAT(values, ElementsAre("1", "3"));
}

TEST(Metadata, SetReplacesAllAndRemoveTellsHowMany) {
  Metadata metadata;
  ASSERT_EQ(metadata.add("a", "1"), AddResult::kOk);
  ASSERT_EQ(metadata.add("b", "2"), AddResult::kOk);
  ASSERT_EQ(metadata.add("a", "3"), AddResult::kOk);
  EXPECT_EQ(metadata.set("a", "4"), AddResult::kOk);
  EXPECT_THAT(pairs(metadata), ElementsAre(Pair("b", "2"), Pair("a", "4")));
  EXPECT_EQ(metadata.set("a", "\n"), AddResult::kIllegalValue);
  EXPECT_EQ(metadata.find("a"), "4");
  EXPECT_EQ(metadata.remove("a"), 1u);
  EXPECT_EQ(metadata.remove("a"), 0u);
  EXPECT_EQ(metadata.list_bytes(), 1u + 1 + 32);
}

TEST(Metadata, ReservedNamesAreRefused) {
  for (const char* name :
       {":path", ":x", "grpc-status", "grpc-timeout", "grpc-", "grpc-anything-bin", "te",
        "content-type", "content-length", "user-agent", "host", "connection", "keep-alive",
        "proxy-connection", "transfer-encoding", "upgrade", "trailer"}) {
    Metadata metadata;
    EXPECT_EQ(metadata.add(name, "1"), AddResult::kReservedName) << name;
    EXPECT_EQ(metadata.set(name, "1"), AddResult::kReservedName) << name;
    EXPECT_TRUE(metadata.empty());
  }
  Metadata metadata;
  for (const char* name : {"grpc", "xgrpc-a", "te-x", "hosts", "authorization", "cookie"}) {
    EXPECT_EQ(metadata.add(name, "1"), AddResult::kOk) << name;
  }
}

TEST(Metadata, NameGrammarCoversEveryByte) {
  const std::string_view legal = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
  for (int byte = 0; byte < 256; ++byte) {
    const std::string name = {'x', static_cast<char>(byte), 'y'};
    EXPECT_EQ(is_legal_metadata_name(name),
              legal.find(static_cast<char>(byte)) != std::string_view::npos)
        << byte;
  }
  Metadata metadata;
  for (const char* name : {"", "Upper", "a b", "a:b", "ä", "a\n"}) {
    EXPECT_EQ(metadata.add(name, "1"), AddResult::kIllegalName) << name;
  }
}

TEST(Metadata, ValueGrammarCoversEveryByte) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value = {'x', static_cast<char>(byte), 'y'};
    EXPECT_EQ(is_legal_ascii_value(value), byte >= 0x20 && byte <= 0x7e) << byte;
    Metadata metadata;
    EXPECT_EQ(metadata.add("a-bin", value), AddResult::kOk) << byte;
    EXPECT_EQ(metadata.find("a-bin"), value);
  }
  EXPECT_TRUE(is_legal_ascii_value(""));
  EXPECT_FALSE(is_legal_ascii_value(" a"));
  EXPECT_FALSE(is_legal_ascii_value("a "));
}

TEST(Metadata, BinaryValuesAreBase64OnTheWireOnly) {
  Metadata metadata;
  ASSERT_EQ(metadata.add("k-bin", std::string_view("\0\xff\n", 3)), AddResult::kOk);
  ASSERT_EQ(metadata.add("plain", "text"), AddResult::kOk);
  ASSERT_EQ(metadata.add("k-bin", "f"), AddResult::kOk);
  ASSERT_EQ(metadata.add("k-bin", ""), AddResult::kOk);
  EXPECT_EQ(metadata.find("k-bin"), std::string_view("\0\xff\n", 3));
  EXPECT_THAT(wire_pairs(metadata), ElementsAre(Pair("k-bin", "AP8K"), Pair("plain", "text"),
                                                Pair("k-bin", "Zg"), Pair("k-bin", "")));
  EXPECT_EQ(metadata.list_bytes(), (5 + 4 + 32) + (5 + 4 + 32) + (5 + 2 + 32) + (5 + 0 + 32));
}

TEST(Metadata, ReceivedBinaryValuesAreSplitAtCommas) {
  Metadata metadata;
  EXPECT_TRUE(metadata.add_received("k-bin", "Zg,Zm8=, Zm9v\t,"));
  EXPECT_TRUE(metadata.add_received("plain", "a,b"));
  EXPECT_THAT(pairs(metadata),
              ElementsAre(Pair("k-bin", "f"), Pair("k-bin", "fo"), Pair("k-bin", "foo"),
                          Pair("k-bin", ""), Pair("plain", "a,b")));
}

TEST(Metadata, OneBadBinaryPartSpoilsItsFieldOnly) {
  Metadata metadata;
  EXPECT_TRUE(metadata.add_received("a-bin", "Zg"));
  const size_t list_bytes = metadata.list_bytes();
  for (const char* value : {"!", "Zg,!", "Zg,Z", "=", "Zg;Zg"}) {
    EXPECT_FALSE(metadata.add_received("k-bin", value)) << value;
    EXPECT_EQ(metadata.list_bytes(), list_bytes);
  }
  EXPECT_TRUE(metadata.add_received("z-bin", "Zm8"));
  EXPECT_THAT(pairs(metadata), ElementsAre(Pair("a-bin", "f"), Pair("z-bin", "fo")));
}

TEST(Metadata, RefusedBinaryValuesLeaveNoBytesBehind) {
  Metadata metadata;
  const std::string bad = std::string(400, 'A') + ",!";
  EXPECT_FALSE(metadata.add_received("k-bin", bad));
  const size_t memory_bytes = metadata.memory_bytes();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(metadata.add_received("k-bin", bad));
  EXPECT_EQ(metadata.memory_bytes(), memory_bytes);
}

// A name of 8,000 bytes would come again with each of 8,300 commas: 66 MB for a field of 16 KiB.
TEST(Metadata, CommasDoNotMultiplyTheName) {
  constexpr size_t kLimit = 16 * 1024;
  Metadata metadata;
  const std::string name = std::string(8000, 'a') + "-bin";
  EXPECT_TRUE(metadata.add_received(name, std::string(8300, ','), kLimit));
  EXPECT_GT(metadata.list_bytes(), kLimit);
  EXPECT_LE(metadata.memory_bytes(), 4 * kLimit);
  metadata.clear();
  EXPECT_TRUE(metadata.add_received("k-bin", std::string(16'000, ','), kLimit));
  EXPECT_GT(metadata.list_bytes(), kLimit);
  EXPECT_LE(metadata.memory_bytes(), 4 * kLimit);
}

TEST(Metadata, PartsUpToTheLimitAreAllThere) {
  Metadata metadata;
  const size_t part_bytes = 5 + 2 + 32;
  EXPECT_TRUE(metadata.add_received("k-bin", "Zg,Zg,Zg", 3 * part_bytes));
  EXPECT_EQ(metadata.size(), 3u);
  EXPECT_EQ(metadata.list_bytes(), 3 * part_bytes);
}

TEST(Metadata, ClearGivesBackWhatIsLarge) {
  Metadata metadata;
  ASSERT_EQ(metadata.add("token", std::string(5000, 'x')), AddResult::kOk);
  metadata.clear();
  EXPECT_GE(metadata.memory_bytes(), 5000u);
  ASSERT_EQ(metadata.add("large", std::string(100'000, 'x')), AddResult::kOk);
  metadata.clear();
  EXPECT_LE(metadata.memory_bytes(), Metadata::kMaxKeptBytes);
}

TEST(Metadata, EmptyHoldsNothingAndClearKeepsCapacity) {
  Metadata metadata;
  // No more than the string's own short buffer.
  EXPECT_LE(metadata.memory_bytes(), sizeof(std::string));
  EXPECT_THAT(wire_pairs(metadata), IsEmpty());
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(metadata.add("name-" + std::to_string(i), std::string(50, 'x')), AddResult::kOk);
  const size_t memory_bytes = metadata.memory_bytes();
  metadata.clear();
  EXPECT_TRUE(metadata.empty());
  EXPECT_EQ(metadata.list_bytes(), 0u);
  EXPECT_EQ(metadata.memory_bytes(), memory_bytes);
  EXPECT_EQ(metadata.find("name-1"), std::nullopt);
}

}  // namespace
}  // namespace saker::grpc

#include "saker/base/crc32c.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace saker {
namespace {

struct Case {
  const char* what;
  std::vector<uint8_t> bytes;
  uint32_t checksum;
};

std::vector<uint8_t> counted(int first, int step) {
  std::vector<uint8_t> bytes(32);
  for (int i = 0; i < 32; ++i)
    bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(first + i * step);
  return bytes;
}

// RFC 3720 appendix B.4 prints the checksums byte by byte, the least significant first.
std::vector<Case> rfc3720_cases() {
  return {
      {"nothing", {}, 0},
      {"32 bytes of zeros", std::vector<uint8_t>(32, 0x00), 0x8a9136aa},
      {"32 bytes of ones", std::vector<uint8_t>(32, 0xff), 0x62a8ab43},
      {"32 bytes up", counted(0, 1), 0x46dd794e},
      {"32 bytes down", counted(31, -1), 0x113fdb5c},
      {"an iSCSI read command",
       {0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
        0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00},
       0xd9963a56},
      {"the check value of the catalogue",
       {'1', '2', '3', '4', '5', '6', '7', '8', '9'},
       0xe3069283},
  };
}

TEST(Crc32cTest, PublishedVectors) {
  for (const auto& test : rfc3720_cases()) {
    EXPECT_EQ(crc32c(test.bytes), test.checksum) << test.what;
    EXPECT_EQ(crc32c_by_table(test.bytes), test.checksum) << test.what;
  }
}

TEST(Crc32cTest, EverySplitGivesTheSame) {
  for (const auto& test : rfc3720_cases()) {
    const Bytes bytes(test.bytes);
    for (size_t at = 0; at <= bytes.size(); ++at) {
      EXPECT_EQ(crc32c(bytes.subspan(at), crc32c(bytes.first(at))), test.checksum)
          << test.what << at;
      EXPECT_EQ(crc32c_by_table(bytes.subspan(at), crc32c(bytes.first(at))), test.checksum);
    }
  }
}

TEST(Crc32cTest, BothWaysAgreeAtEveryLengthAndAlignment) {
  std::vector<uint8_t> bytes(200);
  std::iota(bytes.begin(), bytes.end(), uint8_t{7});
  for (size_t begin = 0; begin < 9; ++begin) {
    for (size_t size = 0; begin + size <= bytes.size(); ++size) {
      const Bytes part = Bytes(bytes).subspan(begin, size);
      ASSERT_EQ(crc32c(part), crc32c_by_table(part)) << begin << '+' << size;
    }
  }
}

TEST(Crc32cTest, SeesEverySingleBitFlip) {
  std::vector<uint8_t> bytes(64, 0x5a);
  const uint32_t before = crc32c(bytes);
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_NE(crc32c(bytes), before) << bit;
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  }
}

}  // namespace
}  // namespace saker

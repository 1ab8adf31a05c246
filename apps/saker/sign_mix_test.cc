// --mix: what it takes, what it says of mistakes, and the order of the calls.
#include "sign_mix.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace saker::app {
namespace {

std::string why_not(std::string_view text) {
  const auto mix = parse_sign_mix(text);
  return mix ? "" : mix.error().message;
}

TEST(SignMix, AlgorithmsKeysAndWeights) {
  const auto mix =
      parse_sign_mix(" ECDSA_P256_SHA256@ec-p256 = 70,rsa-pss-sha256@a=b=30,RSA_PSS_SHA384@a");
  ASSERT_TRUE(mix) << mix.error().message;
  ASSERT_EQ(mix->size(), 3u);
  EXPECT_EQ((*mix)[0].algorithm, crypto::Algorithm::kEcdsaP256Sha256);
  EXPECT_EQ((*mix)[0].key, "ec-p256");
  EXPECT_EQ((*mix)[0].weight, 70u);
  EXPECT_EQ((*mix)[1].algorithm, crypto::Algorithm::kRsaPssSha256);
  EXPECT_EQ((*mix)[1].key, "a=b");
  EXPECT_EQ((*mix)[1].weight, 30u);
  EXPECT_EQ((*mix)[2].weight, 1u);
}

TEST(SignMix, MistakesAreNamed) {
  const std::string one = "RSA_PSS_SHA256@a";
  EXPECT_EQ(why_not(""), "'': not like ALGORITHM@KEY=WEIGHT");
  EXPECT_EQ(why_not(one + ","), "'': not like ALGORITHM@KEY=WEIGHT");
  EXPECT_EQ(why_not("RSA_PSS_SHA256"), "'RSA_PSS_SHA256': not like ALGORITHM@KEY=WEIGHT");
  EXPECT_EQ(why_not("RSA_PSS_SHA256@=3"), "'RSA_PSS_SHA256@=3': the key's name is missing");
  EXPECT_EQ(why_not("ROT13@a"), "'ROT13@a': 'ROT13' is no algorithm");
  for (const char* weight : {"0", "1001", "-1", "1.5", "70%", ""}) {
    const std::string entry = one + "=" + weight;
    EXPECT_EQ(why_not(entry), "'" + entry + "': a weight is a whole number, 1 to 1000");
  }
  EXPECT_EQ(why_not(one + "=1," + one + "=2"),
            "'" + one + "=2': this algorithm and key are there twice");
  std::string many = one;
  for (size_t i = 0; i < kMaxMixEntries; ++i) many += "," + one + std::to_string(i);
  EXPECT_EQ(why_not(many), "more than 32 entries");
}

TEST(SignMix, ThePatternIsEvenlySpread) {
  const uint64_t even[] = {5, 5};
  EXPECT_EQ(mix_pattern(even), (std::vector<uint8_t>{0, 1}));
  const uint64_t weights[] = {50, 20, 10};
  EXPECT_EQ(mix_pattern(weights), (std::vector<uint8_t>{0, 1, 0, 0, 2, 0, 1, 0}));
  const uint64_t one[] = {7};
  EXPECT_EQ(mix_pattern(one), (std::vector<uint8_t>{0}));
}

TEST(SignMix, ThePatternHasTheShares) {
  const uint64_t weights[] = {997, 1, 2, 1000};
  const auto pattern = mix_pattern(weights);
  EXPECT_EQ(pattern.size(), 2000u);
  for (uint8_t i = 0; i < 4; ++i) {
    EXPECT_EQ(static_cast<uint64_t>(std::ranges::count(pattern, i)), weights[i]);
  }
}

}  // namespace
}  // namespace saker::app

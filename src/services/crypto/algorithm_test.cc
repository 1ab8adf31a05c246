#include "saker/services/crypto/algorithm.h"

#include <gtest/gtest.h>

#include <set>

namespace saker::crypto {
namespace {

TEST(AlgorithmTest, NamesGoBothWays) {
  for (const KeyType type : kKeyTypes) EXPECT_EQ(parse_key_type(name(type)), type) << name(type);
  for (const Algorithm algorithm : kAlgorithms)
    EXPECT_EQ(parse_algorithm(name(algorithm)), algorithm) << name(algorithm);
}

TEST(AlgorithmTest, ParsesAnyCaseAndSeparator) {
  EXPECT_EQ(parse_key_type("RSA_2048"), KeyType::kRsa2048);
  EXPECT_EQ(parse_key_type("Ec-P384"), KeyType::kEcP384);
  EXPECT_EQ(parse_algorithm("rsa_pss_sha256"), Algorithm::kRsaPssSha256);
  EXPECT_EQ(parse_algorithm("ecdsa-p256-sha256"), Algorithm::kEcdsaP256Sha256);
}

TEST(AlgorithmTest, RefusesOtherNames) {
  for (const char* text : {"", "rsa", "rsa-1024", "rsa-20480", "ec-p521", "rsa2048", "rsa-2048 "})
    EXPECT_FALSE(parse_key_type(text)) << text;
  for (const char* text :
       {"", "RSA_PSS", "RSA_PSS_SHA1", "ECDSA_P256_SHA384", "ALGORITHM_UNSPECIFIED"})
    EXPECT_FALSE(parse_algorithm(text)) << text;
}

TEST(AlgorithmTest, NumbersFromOutside) {
  for (const int number : {-1, 0, 6, 256, 257})
    EXPECT_FALSE(key_type_from_number(number)) << number;
  for (const int number : {-1, 0, 9, 256, 257})
    EXPECT_FALSE(algorithm_from_number(number)) << number;
  EXPECT_EQ(key_type_from_number(5), KeyType::kEcP384);
  EXPECT_EQ(algorithm_from_number(8), Algorithm::kEcdsaP384Sha384);
}

TEST(AlgorithmTest, EveryPairOfKeyAndAlgorithm) {
  const std::set<Algorithm> rsa(std::begin(kAlgorithms), std::begin(kAlgorithms) + 6);
  for (const KeyType type : kKeyTypes) {
    for (const Algorithm algorithm : kAlgorithms) {
      const bool expected = type == KeyType::kEcP256   ? algorithm == Algorithm::kEcdsaP256Sha256
                            : type == KeyType::kEcP384 ? algorithm == Algorithm::kEcdsaP384Sha384
                                                       : rsa.contains(algorithm);
      EXPECT_EQ(is_allowed(type, algorithm), expected) << name(type) << ' ' << name(algorithm);
    }
  }
}

TEST(AlgorithmTest, DigestsAreAsLongAsTheNameSays) {
  for (const Algorithm algorithm : kAlgorithms) {
    const std::string bits = std::to_string(8 * digest_bytes(algorithm));
    EXPECT_TRUE(name(algorithm).ends_with("SHA" + bits)) << name(algorithm);
    EXPECT_LE(digest_bytes(algorithm), kMaxDigestBytes);
    EXPECT_EQ(is_pss(algorithm), name(algorithm).find("_PSS_") != std::string_view::npos);
  }
}

TEST(AlgorithmTest, SizesFollowFromTheKey) {
  for (const KeyType type : kKeyTypes) {
    EXPECT_TRUE(name(type).ends_with(std::to_string(key_bits(type)))) << name(type);
    EXPECT_EQ(max_signature_bytes(type),
              is_rsa(type) ? key_bits(type) / 8 : 2 * (scalar_bytes(type) + 3) + 2);
    EXPECT_LE(max_signature_bytes(type), kMaxSignatureBytes);
  }
}

}  // namespace
}  // namespace saker::crypto

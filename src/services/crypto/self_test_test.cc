#include "saker/services/crypto/self_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace saker::crypto {
namespace {

using ::testing::HasSubstr;

TEST(SelfTestTest, PublishedAnswersPass) {
  const auto done = run_known_answer_tests();
  EXPECT_TRUE(done) << done.error().message;
}

TEST(SelfTestTest, CoversEveryAlgorithm) {
  std::set<Algorithm> covered;
  for (const auto& answer : published_answers()) covered.insert(answer.algorithm);
  EXPECT_EQ(covered.size(), std::size(kAlgorithms));
}

std::string with_changed_digit(std::string_view hex, size_t at) {
  std::string changed(hex);
  changed[at] = changed[at] == '0' ? '1' : '0';
  return changed;
}

void expect_failure(const KnownAnswer& answer, const char* what) {
  const auto done = run_known_answer_tests({&answer, 1});
  ASSERT_FALSE(done) << name(answer.algorithm) << ' ' << what;
  EXPECT_THAT(done.error().message, HasSubstr(std::string(name(answer.algorithm))));
}

TEST(SelfTestTest, EveryCorruptedVectorFails) {
  for (const auto& published : published_answers()) {
    for (const size_t at :
         {size_t{0}, published.signature.size() / 2, published.signature.size() - 1}) {
      const std::string changed = with_changed_digit(published.signature, at);
      KnownAnswer answer = published;
      answer.signature = changed;
      expect_failure(answer, "signature");
    }
    const std::string message = with_changed_digit(published.message, 9);
    KnownAnswer answer = published;
    answer.message = message;
    expect_failure(answer, "message");
    answer = published;
    answer.signature = published.signature.substr(2);
    expect_failure(answer, "short signature");
    answer = published;
    answer.pkcs8 = published.pkcs8.substr(0, published.pkcs8.size() - 2);
    expect_failure(answer, "key");
  }
}

TEST(SelfTestTest, AnotherNonceIsNotTheKnownAnswer) {
  for (const auto& published : published_answers()) {
    if (published.algorithm != Algorithm::kEcdsaP384Sha384) continue;
    const std::string nonce = with_changed_digit(published.nonce, 95);
    KnownAnswer answer = published;
    answer.nonce = nonce;
    expect_failure(answer, "nonce");
    return;
  }
  FAIL() << "no published P-384 answer";
}

TEST(SelfTestTest, PairwiseTestsOfAFreshRing) {
  const std::vector<std::string> texts = {"rsa-2048", "rsa-3072", "ec-p256", "ec-p384"};
  const auto ring = KeyRing::generate(*parse_key_specs(texts));
  ASSERT_TRUE(ring);
  const auto done = run_pairwise_tests(*ring);
  EXPECT_TRUE(done) << done.error().message;
}

}  // namespace
}  // namespace saker::crypto

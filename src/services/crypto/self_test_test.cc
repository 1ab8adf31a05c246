#include "saker/services/crypto/self_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "saker/services/crypto/test_keys.h"

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

// ---- keys whose signers are at fault

enum class Fault : uint8_t { kNone, kWrongSignature, kNoSignature, kTakesAll };

// The signer of a good key, but for one fault with one algorithm.
class FaultySigner final : public Signer {
 public:
  FaultySigner(std::unique_ptr<Signer> good, Fault fault, Algorithm algorithm)
      : Signer(good->type()), good_(std::move(good)), fault_(fault), algorithm_(algorithm) {}

 private:
  std::expected<size_t, SignError> do_sign(Algorithm algorithm, Bytes digest,
                                           SignatureFormat format, MutableBytes out) override {
    if (is(Fault::kNoSignature, algorithm)) return std::unexpected(SignError::kLibrary);
    const auto size = good_->sign(algorithm, digest, format, out);
    if (size && is(Fault::kWrongSignature, algorithm)) out[*size - 1] ^= 1;
    return size;
  }
  std::expected<bool, SignError> do_verify(Algorithm algorithm, Bytes digest,
                                           SignatureFormat format, Bytes signature) override {
    if (is(Fault::kTakesAll, algorithm)) return true;
    return good_->verify(algorithm, digest, format, signature);
  }
  bool is(Fault fault, Algorithm algorithm) const {
    return fault_ == fault && algorithm_ == algorithm;
  }

  std::unique_ptr<Signer> good_;
  Fault fault_;
  Algorithm algorithm_;
};

class FaultyHolder final : public KeyHolder {
 public:
  FaultyHolder(KeyType type, Algorithm algorithm, Fault signer, Fault checker)
      : type_(type), algorithm_(algorithm), signer_(signer), checker_(checker) {}
  bool can_sign() const override { return true; }
  Result<std::unique_ptr<Signer>> make_signer() const override { return make(signer_); }
  Result<std::unique_ptr<Signer>> make_checker() const override { return make(checker_); }

 private:
  Result<std::unique_ptr<Signer>> make(Fault fault) const {
    return std::make_unique<FaultySigner>(*make_openssl_signer(test_key(type_)), fault, algorithm_);
  }

  KeyType type_;
  Algorithm algorithm_;
  Fault signer_;
  Fault checker_;
};

// What the pairwise tests say of a ring with a good key "first" and one with this fault, "second",
// in its version 2.
std::string fault_found(KeyType type, Algorithm algorithm, Fault signer, Fault checker) {
  auto holder = std::make_unique<FaultyHolder>(type, algorithm, signer, checker);
  const auto ring_of_one =
      KeyRing::generate(*parse_key_specs(std::vector<std::string>{"first=ec-p256"}));
  const auto allowed = allowed_algorithms(type);
  Key second{"second", type, {allowed.begin(), allowed.end()}, {}};
  second.versions.push_back({1, KeyState::kDestroyed, nullptr});
  second.versions.push_back(
      {2, KeyState::kEnabled,
       KeyMaterial::make(std::move(holder), *test_key(type).public_encodings())});
  const auto ring = KeyRing::make({ring_of_one->keys()[0], std::move(second)});
  const auto done = run_pairwise_tests(*ring);
  return done ? "" : done.error().message;
}

TEST(SelfTestTest, PairwiseTestsNameTheKeyTheAlgorithmAndTheStep) {
  for (const KeyType type : {KeyType::kRsa2048, KeyType::kEcP256, KeyType::kEcP384}) {
    for (const Algorithm algorithm : allowed_algorithms(type)) {
      const auto found = [&](Fault signer, Fault checker = Fault::kNone) {
        return fault_found(type, algorithm, signer, checker);
      };
      const std::string subject =
          "self-test of keys/second/versions/2 with " + std::string(name(algorithm)) + " failed: ";
      EXPECT_EQ(found(Fault::kNone), "");
      EXPECT_EQ(found(Fault::kWrongSignature), subject + "verify");
      EXPECT_EQ(found(Fault::kTakesAll), subject + "verify");
      EXPECT_EQ(found(Fault::kNoSignature), subject + "the cryptographic library failed");
      EXPECT_EQ(found(Fault::kNone, Fault::kTakesAll),
                subject + "verification by the second library");
    }
  }
}

}  // namespace
}  // namespace saker::crypto

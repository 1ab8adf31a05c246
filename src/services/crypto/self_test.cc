// The known answers of the self-test and how they are run: see self_test.h.
#include "saker/services/crypto/self_test.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "saker/services/crypto/digester.h"
#include "saker/services/crypto/signer.h"

namespace saker::crypto {
namespace {

std::optional<uint8_t> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  return std::nullopt;
}

// Empty where the text is not hexadecimal.
std::vector<uint8_t> from_hex(std::string_view text) {
  std::vector<uint8_t> bytes(text.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto high = hex_value(text[2 * i]);
    const auto low = hex_value(text[2 * i + 1]);
    if (!high || !low) return {};
    bytes[i] = static_cast<uint8_t>(*high << 4 | *low);
  }
  return bytes;
}

class FixedNonce final : public NonceSource {
 public:
  explicit FixedNonce(std::string_view hex) : nonce_(from_hex(hex)) {}
  bool fill(Bytes, Bytes, MutableBytes nonce) override {
    if (nonce.size() != nonce_.size()) return false;
    std::memcpy(nonce.data(), nonce_.data(), nonce.size());
    return true;
  }

 private:
  std::vector<uint8_t> nonce_;
};

std::unexpected<Error> failed(std::string_view subject, std::string_view step) {
  return fail("self-test of " + std::string(subject) + " failed: " + std::string(step));
}

bool verifies(Signer& signer, Algorithm algorithm, Bytes digest, SignatureFormat format,
              Bytes signature) {
  return signer.verify(algorithm, digest, format, signature).value_or(false);
}

// True: `signature` is good for `digest` and not for another one.
bool tells_apart(Signer& signer, Algorithm algorithm, Bytes digest, SignatureFormat format,
                 Bytes signature) {
  std::array<uint8_t, kMaxDigestBytes> other;
  std::copy(digest.begin(), digest.end(), other.begin());
  other[digest.size() - 1] ^= 1;
  return verifies(signer, algorithm, digest, format, signature) &&
         !verifies(signer, algorithm, {other.data(), digest.size()}, format, signature);
}

Result<std::unique_ptr<Signer>> signer_for(const PrivateKey& key, FixedNonce& nonce) {
  if (key.type() == KeyType::kEcP384) return make_nettle_p384_signer(key, &nonce);
  return make_signer(key);
}

bool signs_the_same_each_time(Algorithm algorithm) {
  return !is_pss(algorithm) && algorithm != Algorithm::kEcdsaP256Sha256;
}

Result<void> run_known_answer_test(const KnownAnswer& answer, Digester& digester) {
  const std::string_view subject = name(answer.algorithm);
  const auto key = PrivateKey::from_pkcs8(from_hex(answer.pkcs8));
  if (!key) return failed(subject, key.error().message);
  FixedNonce nonce(answer.nonce);
  auto signer = signer_for(*key, nonce);
  if (!signer) return failed(subject, signer.error().message);

  uint8_t digest[kMaxDigestBytes];
  const auto message = from_hex(answer.message);
  const auto expected = from_hex(answer.signature);
  const size_t length = digester.digest(hash_of(answer.algorithm), message, digest);
  const Bytes digested(digest, length);
  const auto format = SignatureFormat::kP1363;
  if (length != digest_bytes(answer.algorithm)) return failed(subject, "digest");
  if (!tells_apart(**signer, answer.algorithm, digested, format, expected))
    return failed(subject, "verification of a known signature");
  if (!signs_the_same_each_time(answer.algorithm)) return {};
  uint8_t signature[kMaxSignatureBytes];
  const auto made = (*signer)->sign(answer.algorithm, digested, format, signature);
  if (!made) return failed(subject, describe(made.error()));
  if (!std::equal(signature, signature + *made, expected.begin(), expected.end()))
    return failed(subject, "the signature is not the known one");
  return {};
}

// `checker` is another signer of the same key, of another library where the type has two.
Result<void> run_pairwise_test(const std::string& key_name, Signer& signer, Signer& checker,
                               Algorithm algorithm, SignatureFormat format) {
  const std::string subject = key_name + " with " + std::string(name(algorithm));
  std::array<uint8_t, kMaxDigestBytes> digest;
  for (size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<uint8_t>(i);
  const Bytes digested(digest.data(), digest_bytes(algorithm));
  uint8_t out[kMaxSignatureBytes];
  const auto made = signer.sign(algorithm, digested, format, out);
  if (!made) return failed(subject, describe(made.error()));
  const Bytes signature(out, *made);
  if (!tells_apart(signer, algorithm, digested, format, signature))
    return failed(subject, "verify");
  if (!tells_apart(checker, algorithm, digested, format, signature))
    return failed(subject, "verification by the second library");
  return {};
}

Result<void> run_pairwise_tests_of(const Key& key, const KeyVersion& version) {
  const std::string subject = resource_name(key.name, version.number);
  const KeyHolder& holder = version.material->holder();
  if (!holder.can_sign()) return {};
  auto signer = holder.make_signer();
  if (!signer) return failed(subject, signer.error().message);
  auto checker = holder.make_checker();
  if (!checker) return failed(subject, checker.error().message);
  for (const Algorithm algorithm : key.algorithms) {
    for (const auto format : {SignatureFormat::kDer, SignatureFormat::kP1363}) {
      auto done = run_pairwise_test(subject, **signer, **checker, algorithm, format);
      if (!done) return done;
      if (is_rsa(key.type)) break;  // one form only
    }
  }
  return {};
}

}  // namespace

Result<void> run_known_answer_tests(std::span<const KnownAnswer> answers) {
  auto digester = Digester::make();
  if (!digester) return failed("the hashes", digester.error().message);
  for (const auto& answer : answers) {
    if (auto done = run_known_answer_test(answer, *digester); !done) return done;
  }
  return {};
}

Result<void> run_pairwise_tests(const KeyRing& ring) {
  for (const Key& key : ring.keys()) {
    for (const KeyVersion& version : key.versions) {
      if (version.material == nullptr) continue;
      if (auto done = run_pairwise_tests_of(key, version); !done) return done;
    }
  }
  return {};
}

}  // namespace saker::crypto

#include "saker/services/crypto/signer.h"

namespace saker::crypto {
namespace {

// P-384: nettle signs and verifies; OpenSSL is asked about what nettle refuses. nettle adds two
// points by a formula that does not hold where they are the same one, and so refuses a few valid
// signatures, which take the private key to make. Only invalid signatures cost the second look.
class P384Signer final : public Signer {
 public:
  P384Signer(std::unique_ptr<Signer> nettle, std::unique_ptr<Signer> openssl)
      : Signer(KeyType::kEcP384), nettle_(std::move(nettle)), openssl_(std::move(openssl)) {}

 private:
  std::expected<size_t, SignError> do_sign(Algorithm algorithm, Bytes digest,
                                           SignatureFormat format, MutableBytes out) override {
    return nettle_->sign(algorithm, digest, format, out);
  }

  std::expected<bool, SignError> do_verify(Algorithm algorithm, Bytes digest,
                                           SignatureFormat format, Bytes signature) override {
    const auto valid = nettle_->verify(algorithm, digest, format, signature);
    if (!valid || *valid) return valid;
    return openssl_->verify(algorithm, digest, format, signature);
  }

  const std::unique_ptr<Signer> nettle_;
  const std::unique_ptr<Signer> openssl_;  // verifies only
};

Result<std::unique_ptr<Signer>> make_p384_signer(Result<std::unique_ptr<Signer>> nettle,
                                                 Bytes public_key_der) {
  if (!nettle) return nettle;
  auto openssl = make_openssl_verifier(KeyType::kEcP384, public_key_der);
  if (!openssl) return openssl;
  return std::make_unique<P384Signer>(*std::move(nettle), *std::move(openssl));
}

}  // namespace

std::string_view describe(SignError error) {
  switch (error) {
    case SignError::kAlgorithmNotAllowed:
      return "the algorithm does not go with the type of this key";
    case SignError::kDigestLength:
      return "the digest does not have the length of the algorithm's hash";
    case SignError::kBufferTooSmall:
      return "the buffer for the signature is too small";
    case SignError::kRandomness:
      return "the kernel gave no randomness";
    case SignError::kNoPrivateKey:
      return "a public key alone cannot sign";
    case SignError::kKeyGone:
      return "the key is no longer on its token";
    case SignError::kUnavailable:
      return "the token that has the key cannot be reached";
    case SignError::kLibrary:
      return "the cryptographic library failed";
  }
  return "unknown error";
}

Result<std::unique_ptr<Signer>> make_signer(const PrivateKey& key) {
  if (key.type() != KeyType::kEcP384) return make_openssl_signer(key);
  const auto encodings = key.public_encodings();
  if (!encodings) return std::unexpected(encodings.error());
  return make_p384_signer(make_nettle_p384_signer(key, nullptr), encodings->der);
}

// The point is the last thing in its SubjectPublicKeyInfo (RFC 5480 section 2.2).
Result<std::unique_ptr<Signer>> make_verifier(KeyType type, Bytes public_key_der) {
  if (type != KeyType::kEcP384) return make_openssl_verifier(type, public_key_der);
  const size_t size = scalar_bytes(type);
  if (public_key_der.size() < 2 * size) return fail("not a SubjectPublicKeyInfo");
  const Bytes x = public_key_der.last(2 * size).first(size);
  const Bytes y = public_key_der.last(size);
  return make_p384_signer(make_nettle_p384_verifier({{x.begin(), x.end()}, {y.begin(), y.end()}}),
                          public_key_der);
}

}  // namespace saker::crypto

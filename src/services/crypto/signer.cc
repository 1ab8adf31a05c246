#include "saker/services/crypto/signer.h"

namespace saker::crypto {

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
  if (key.type() == KeyType::kEcP384) return make_nettle_p384_signer(key, nullptr);
  return make_openssl_signer(key);
}

// The point is the last thing in its SubjectPublicKeyInfo (RFC 5480 section 2.2).
Result<std::unique_ptr<Signer>> make_verifier(KeyType type, Bytes public_key_der) {
  if (type != KeyType::kEcP384) return make_openssl_verifier(type, public_key_der);
  const size_t size = scalar_bytes(type);
  if (public_key_der.size() < 2 * size) return fail("not a SubjectPublicKeyInfo");
  const Bytes x = public_key_der.last(2 * size).first(size);
  const Bytes y = public_key_der.last(size);
  return make_nettle_p384_verifier({{x.begin(), x.end()}, {y.begin(), y.end()}});
}

}  // namespace saker::crypto

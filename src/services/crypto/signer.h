// Signer: one thread's means to sign and verify with one key. Behind it stands whichever library is
// the fastest constant-time one for the key's type (docs/decisions/0003-signature-libraries.md), and
// OpenSSL besides where that one refuses what is valid. Buffers are the caller's and are reused;
// nothing is allocated per signature by this code. Knows digests, not messages: digester.h makes
// those. Thread rule: one thread's. OpenSSL 3.0 takes a lock per RSA signature on a key object that
// threads share, so that every worker has its own; the first signature should be made on the thread
// that makes the rest, whose blinding it then is.
#pragma once

#include <expected>
#include <memory>
#include <string_view>

#include "saker/base/bytes.h"
#include "saker/base/result.h"
#include "saker/services/crypto/algorithm.h"
#include "saker/services/crypto/key.h"
#include "saker/services/crypto/nonce.h"

namespace saker::crypto {

enum class SignError : uint8_t {
  kAlgorithmNotAllowed,  // the key's type does not go with the algorithm
  kDigestLength,         // the digest is not as long as the algorithm's hash
  kBufferTooSmall,       // `out` is shorter than max_signature_bytes(): the caller's bug
  kRandomness,           // the kernel gave no randomness
  kNoPrivateKey,         // made from a public key: it can only verify
  kKeyGone,              // it is no longer on the token that had it
  kUnavailable,          // the token that has the key cannot be reached now
  kLibrary,              // the library behind failed
};
std::string_view describe(SignError error);

class Signer {
 public:
  virtual ~Signer() = default;

  // Writes a signature of `digest` to `out`, which has max_signature_bytes(type()) bytes
  // or more; returns its length.
  [[nodiscard]] std::expected<size_t, SignError> sign(Algorithm algorithm, Bytes digest,
                                                      SignatureFormat format, MutableBytes out) {
    if (auto error = refuse(algorithm, digest)) return std::unexpected(*error);
    if (out.size() < max_signature_bytes(type_)) return std::unexpected(SignError::kBufferTooSmall);
    return do_sign(algorithm, digest, format, out);
  }

  // Whether `signature` is this key's for `digest`. A malformed signature
  // is an invalid one, not an error.
  [[nodiscard]] std::expected<bool, SignError> verify(Algorithm algorithm, Bytes digest,
                                                      SignatureFormat format, Bytes signature) {
    if (auto error = refuse(algorithm, digest)) return std::unexpected(*error);
    return do_verify(algorithm, digest, format, signature);
  }

  KeyType type() const { return type_; }

 protected:
  explicit Signer(KeyType type) : type_(type) {}

 private:
  std::optional<SignError> refuse(Algorithm algorithm, Bytes digest) const {
    if (!is_allowed(type_, algorithm)) return SignError::kAlgorithmNotAllowed;
    if (digest.size() != digest_bytes(algorithm)) return SignError::kDigestLength;
    return std::nullopt;
  }
  virtual std::expected<size_t, SignError> do_sign(Algorithm, Bytes digest, SignatureFormat,
                                                   MutableBytes out) = 0;
  virtual std::expected<bool, SignError> do_verify(Algorithm, Bytes digest, SignatureFormat,
                                                   Bytes signature) = 0;

  KeyType type_;
};

// The signer that the service uses for this type of key.
Result<std::unique_ptr<Signer>> make_signer(const PrivateKey& key);

// Verifies only, with the same libraries. `public_key_der` is a SubjectPublicKeyInfo of a key of
// this type, its point uncompressed, as PublicEncodings has it.
Result<std::unique_ptr<Signer>> make_verifier(KeyType type, Bytes public_key_der);

// Each library by name, for the self-test and the benchmarks. OpenSSL takes every key; nettle takes
// ec-p384 only, refuses a few valid signatures that nobody makes by chance, and takes its nonces
// from `nonces`, which outlives the signer: a null pointer means HedgedNonces. Other nonces than
// those are for tests with published answers and give the key away anywhere else.
Result<std::unique_ptr<Signer>> make_openssl_signer(const PrivateKey& key);
// For clients: verifies only. `public_key_der` is a SubjectPublicKeyInfo of a key of this type.
Result<std::unique_ptr<Signer>> make_openssl_verifier(KeyType type, Bytes public_key_der);
Result<std::unique_ptr<Signer>> make_nettle_p384_signer(const PrivateKey& key, NonceSource* nonces);
Result<std::unique_ptr<Signer>> make_nettle_p384_verifier(const EcPoint& point);

}  // namespace saker::crypto

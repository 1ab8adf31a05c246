// PrivateKey: one key pair, made here or imported from PKCS#8, and the public forms it is handed
// out in. Knows nothing of names, requests or algorithms; signing is signer.h's. No function
// returns private bytes except ec_private_scalar(), which writes them into memory that wipes
// itself. Thread rule: immutable once made; concurrent signers each take a duplicate (OpenSSL locks
// a key that is shared).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "saker/base/bytes.h"
#include "saker/base/result.h"
#include "saker/services/crypto/algorithm.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace saker::crypto {

struct PublicEncodings {
  std::string pem;           // SubjectPublicKeyInfo, RFC 7468 section 13
  std::vector<uint8_t> der;  // SubjectPublicKeyInfo, RFC 5280 section 4.1
  std::string jwk;         // RFC 7517 and RFC 7518 section 6, with "use" and "kid" = the thumbprint
  std::string thumbprint;  // base64url(SHA-256(the canonical JWK)), RFC 7638
};

struct PkeyDeleter {
  void operator()(evp_pkey_st* pkey) const;
};
using PkeyHandle = std::unique_ptr<evp_pkey_st, PkeyDeleter>;

// Affine coordinates of an elliptic-curve public key, big-endian, scalar_bytes(type) each.
struct EcPoint {
  std::vector<uint8_t> x;
  std::vector<uint8_t> y;
};

// Of a SubjectPublicKeyInfo in PEM, of one of the five key types.
Result<PublicEncodings> encode_public_pem(std::string_view pem);

class PrivateKey {
 public:
  // RSA with e = 65537; the curves by their FIPS 186-5 names. RSA-4096 takes up to several seconds.
  static Result<PrivateKey> generate(KeyType type);
  // An unencrypted PKCS#8 PrivateKeyInfo (RFC 5208);
  // anything but one of the five key types is refused.
  static Result<PrivateKey> from_pkcs8(Bytes der);
  // Takes over a key pair; null, and what the above refuse, is an error.
  static Result<PrivateKey> from_pkey(PkeyHandle pkey);

  KeyType type() const { return type_; }
  Result<PublicEncodings> public_encodings() const;

  // For signers: a second, independent key object; the raw numbers of an elliptic-curve key.
  Result<PkeyHandle> duplicate() const;
  Result<EcPoint> ec_public_point() const;
  // `scalar` has scalar_bytes(type()) bytes.
  Result<void> ec_private_scalar(MutableBytes scalar) const;

 private:
  PrivateKey(KeyType type, PkeyHandle pkey) : type_(type), pkey_(std::move(pkey)) {}

  KeyType type_;
  PkeyHandle pkey_;
};

}  // namespace saker::crypto

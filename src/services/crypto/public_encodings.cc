// PrivateKey::public_encodings(): PEM, DER, JWK and thumbprint of the public half.
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>

#include "saker/services/crypto/key.h"
#include "saker/services/crypto/openssl_handles.h"

namespace saker::crypto {
namespace {

// RFC 4648 section 5, without padding, as JOSE writes it (RFC 7515 section 2).
std::string base64url(Bytes bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(length));
  while (text.ends_with('=')) text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

Result<std::string> to_pem(EVP_PKEY* pkey) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_PUBKEY(bio.get(), pkey) != 1)
    return fail_openssl("cannot write a public key as PEM");
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<size_t>(length));
}

Result<std::vector<uint8_t>> to_der(EVP_PKEY* pkey) {
  const int length = i2d_PUBKEY(pkey, nullptr);
  if (length <= 0) return fail_openssl("cannot write a public key as DER");
  std::vector<uint8_t> der(static_cast<size_t>(length));
  uint8_t* at = der.data();
  i2d_PUBKEY(pkey, &at);
  return der;
}

// An RSA modulus or exponent: base64urlUInt, the fewest bytes (RFC 7518 section 2).
Result<std::string> rsa_member(EVP_PKEY* pkey, const char* parameter) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(pkey, parameter, &number);
  const BigNumber owned(number);
  if (number == nullptr) return fail_openssl("cannot read a number of a public key");
  std::vector<uint8_t> bytes(static_cast<size_t>(BN_num_bytes(number)));
  BN_bn2bin(number, bytes.data());
  return base64url(bytes);
}

// The required members in lexicographic order, no white space (RFC 7638 section 3). Every value is
// base64url or one of our constants, so that nothing needs escaping.
Result<std::string> rsa_members(EVP_PKEY* pkey) {
  const auto e = rsa_member(pkey, OSSL_PKEY_PARAM_RSA_E);
  if (!e) return e;
  const auto n = rsa_member(pkey, OSSL_PKEY_PARAM_RSA_N);
  if (!n) return n;
  return "\"e\":\"" + *e + "\",\"kty\":\"RSA\",\"n\":\"" + *n + "\"";
}

// Coordinates are written at full width (RFC 7518 section 6.2.1.2).
Result<std::string> ec_members(const PrivateKey& key) {
  const auto point = key.ec_public_point();
  if (!point) return std::unexpected(point.error());
  const std::string curve = key.type() == KeyType::kEcP256 ? "P-256" : "P-384";
  return "\"crv\":\"" + curve + "\",\"kty\":\"EC\",\"x\":\"" + base64url(point->x) + "\",\"y\":\"" +
         base64url(point->y) + "\"";
}

Result<std::string> thumbprint_of(const std::string& canonical_jwk) {
  uint8_t digest[32];
  if (EVP_Digest(canonical_jwk.data(), canonical_jwk.size(), digest, nullptr, EVP_sha256(),
                 nullptr) != 1)
    return fail_openssl("cannot hash a JWK");
  return base64url(digest);
}

}  // namespace

Result<PublicEncodings> PrivateKey::public_encodings() const {
  auto pem = to_pem(pkey_.get());
  if (!pem) return std::unexpected(pem.error());
  auto der = to_der(pkey_.get());
  if (!der) return std::unexpected(der.error());
  const auto members = is_rsa(type_) ? rsa_members(pkey_.get()) : ec_members(*this);
  if (!members) return std::unexpected(members.error());
  auto thumbprint = thumbprint_of("{" + *members + "}");
  if (!thumbprint) return std::unexpected(thumbprint.error());
  std::string jwk = "{" + *members + ",\"use\":\"sig\",\"kid\":\"" + *thumbprint + "\"}";
  return PublicEncodings{std::move(*pem), std::move(*der), std::move(jwk), std::move(*thumbprint)};
}

// A key pair without its private half: enough for what is written here.
Result<PublicEncodings> encode_public_pem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PkeyHandle pkey(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (pkey == nullptr) return fail_openssl("not a public key in PEM");
  const auto key = PrivateKey::from_pkey(std::move(pkey));
  if (!key) return std::unexpected(key.error());
  return key->public_encodings();
}

}  // namespace saker::crypto

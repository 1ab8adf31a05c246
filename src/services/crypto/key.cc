#include "saker/services/crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <optional>

#include "saker/services/crypto/openssl_handles.h"
#include "saker/services/crypto/secrets.h"

namespace saker::crypto {
namespace {

EVP_PKEY* generate_pkey(KeyType type) {
  if (is_rsa(type)) return EVP_RSA_gen(static_cast<unsigned int>(key_bits(type)));
  return EVP_EC_gen(type == KeyType::kEcP256 ? "P-256" : "P-384");
}

std::optional<KeyType> type_of(const EVP_PKEY* pkey) {
  const int bits = EVP_PKEY_get_bits(pkey);
  if (EVP_PKEY_is_a(pkey, "RSA")) {
    for (const KeyType type : kKeyTypes) {
      if (is_rsa(type) && static_cast<int>(key_bits(type)) == bits) return type;
    }
    return std::nullopt;
  }
  char group[64];
  size_t length = 0;
  if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                     &length) != 1) {
    return std::nullopt;
  }
  const std::string_view curve(group, length);
  if (curve == "prime256v1") return KeyType::kEcP256;
  if (curve == "secp384r1") return KeyType::kEcP384;
  return std::nullopt;
}

// FIPS 186-5 section 5.1 allows more; every key made here has this one.
bool has_usual_exponent(const EVP_PKEY* pkey) {
  BIGNUM* exponent = nullptr;
  EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &exponent);
  const BigNumber owned(exponent);
  return exponent != nullptr && BN_is_word(exponent, RSA_F4) == 1;
}

}  // namespace

void PkeyDeleter::operator()(evp_pkey_st* pkey) const {
  const WipeFreedMemory wipe_freed;
  EVP_PKEY_free(pkey);
}

Result<PrivateKey> PrivateKey::generate(KeyType type) {
  const WipeFreedMemory wipe_freed;
  PkeyHandle pkey(generate_pkey(type));
  if (pkey == nullptr)
    return fail_openssl("cannot generate a key of type " + std::string(name(type)));
  return PrivateKey(type, std::move(pkey));
}

Result<PrivateKey> PrivateKey::from_pkcs8(Bytes der) {
  const WipeFreedMemory wipe_freed;
  const uint8_t* at = der.data();
  PkeyHandle pkey(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
  if (pkey == nullptr) return fail_openssl("not a PKCS#8 private key");
  if (at != der.data() + der.size()) return fail("bytes left behind the PKCS#8 private key");
  const auto type = type_of(pkey.get());
  if (!type) return fail_openssl("a private key of a type that is not supported");
  return PrivateKey(*type, std::move(pkey));  // published answers come with other exponents
}

Result<PrivateKey> PrivateKey::from_pkey(PkeyHandle pkey) {
  if (pkey == nullptr) return fail_openssl("not a private key");
  const auto type = type_of(pkey.get());
  if (!type) return fail_openssl("a private key of a type that is not supported");
  if (is_rsa(*type) && !has_usual_exponent(pkey.get()))
    return fail("an RSA key with a public exponent other than 65537");
  return PrivateKey(*type, std::move(pkey));
}

Result<PkeyHandle> PrivateKey::duplicate() const {
  const WipeFreedMemory wipe_freed;
  PkeyHandle copy(EVP_PKEY_dup(pkey_.get()));
  if (copy == nullptr) return fail_openssl("cannot duplicate a private key");
  return copy;
}

Result<EcPoint> PrivateKey::ec_public_point() const {
  const auto coordinate = [&](const char* parameter) -> Result<std::vector<uint8_t>> {
    BIGNUM* number = nullptr;
    EVP_PKEY_get_bn_param(pkey_.get(), parameter, &number);
    const BigNumber owned(number);
    std::vector<uint8_t> bytes(scalar_bytes(type_));
    if (number == nullptr || BN_bn2binpad(number, bytes.data(), static_cast<int>(bytes.size())) < 0)
      return fail_openssl("cannot read a coordinate of a public key");
    return bytes;
  };
  auto x = coordinate(OSSL_PKEY_PARAM_EC_PUB_X);
  if (!x) return std::unexpected(x.error());
  auto y = coordinate(OSSL_PKEY_PARAM_EC_PUB_Y);
  if (!y) return std::unexpected(y.error());
  return EcPoint{std::move(*x), std::move(*y)};
}

Result<void> PrivateKey::ec_private_scalar(MutableBytes scalar) const {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(pkey_.get(), OSSL_PKEY_PARAM_PRIV_KEY, &number);
  const BigNumber owned(number);
  if (number == nullptr || BN_bn2binpad(number, scalar.data(), static_cast<int>(scalar.size())) < 0)
    return fail_openssl("cannot read the scalar of a private key");
  return {};
}

}  // namespace saker::crypto

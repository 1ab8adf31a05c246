// A library to preload before libcrypto and libhogweed, which makes them compute wrongly as the word in
// $SAKER_CRYPTO_FAULT says. What a self-test is there to find.
//
//   sign-rsa     OpenSSL's RSA signatures have a bit changed
//   sign-p256    its ECDSA signatures have
//   verify       OpenSSL takes every signature for valid
//   digest       OpenSSL's hashes have a bit changed
//   sign-p384    nettle's ECDSA signatures have a bit changed
//   verify-p384  nettle takes every signature for valid
#include <dlfcn.h>
#include <gmp.h>
#include <nettle/ecc.h>
#include <openssl/evp.h>

#include <cstdlib>
#include <string_view>

namespace {

constexpr size_t kSmallestRsaBytes = 256;

bool fault_is(std::string_view word) {
  const char* const fault = std::getenv("SAKER_CRYPTO_FAULT");
  return fault != nullptr && word == fault;
}

template <typename Function>
Function* real(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define SAKER_FAULTY extern "C" __attribute__((visibility("default")))

SAKER_FAULTY int EVP_PKEY_sign(EVP_PKEY_CTX* context, unsigned char* out, size_t* length,
                               const unsigned char* digest, size_t digest_length) {
  const int result =
      real(EVP_PKEY_sign, "EVP_PKEY_sign")(context, out, length, digest, digest_length);
  const char* const fault = *length < kSmallestRsaBytes ? "sign-p256" : "sign-rsa";
  if (result == 1 && out != nullptr && fault_is(fault)) out[*length - 1] ^= 1;
  return result;
}

SAKER_FAULTY int EVP_PKEY_verify(EVP_PKEY_CTX* context, const unsigned char* signature,
                                 size_t length, const unsigned char* digest, size_t digest_length) {
  if (fault_is("verify")) return 1;
  return real(EVP_PKEY_verify, "EVP_PKEY_verify")(context, signature, length, digest,
                                                  digest_length);
}

SAKER_FAULTY int EVP_DigestFinal_ex(EVP_MD_CTX* context, unsigned char* out, unsigned* length) {
  const int result = real(EVP_DigestFinal_ex, "EVP_DigestFinal_ex")(context, out, length);
  if (result == 1 && fault_is("digest")) out[0] ^= 1;
  return result;
}

SAKER_FAULTY void nettle_ecc_ecdsa_sign(const ecc_curve* curve, const mp_limb_t* key,
                                        const mp_limb_t* nonce, size_t length,
                                        const uint8_t* digest, mp_limb_t* r, mp_limb_t* s,
                                        mp_limb_t* scratch) {
  real(nettle_ecc_ecdsa_sign, "nettle_ecc_ecdsa_sign")(curve, key, nonce, length, digest, r, s,
                                                       scratch);
  if (fault_is("sign-p384")) s[0] ^= 1;
}

SAKER_FAULTY int nettle_ecc_ecdsa_verify(const ecc_curve* curve, const mp_limb_t* point,
                                         size_t length, const uint8_t* digest, const mp_limb_t* r,
                                         const mp_limb_t* s, mp_limb_t* scratch) {
  if (fault_is("verify-p384")) return 1;
  return real(nettle_ecc_ecdsa_verify, "nettle_ecc_ecdsa_verify")(curve, point, length, digest, r,
                                                                  s, scratch);
}

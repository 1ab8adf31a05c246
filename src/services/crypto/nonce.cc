#include "saker/services/crypto/nonce.h"

#include <nettle/sha2.h>
#include <sys/random.h>

#include <cstring>

#include "saker/base/check.h"
#include "saker/services/crypto/secrets.h"

namespace saker::crypto {
namespace {

constexpr size_t kRandomBytes = 64;

// The kernel's generator rather than OpenSSL's: it is reseeded when a virtual machine is resumed
// from a snapshot (vmgenid). Up to 256 bytes come whole and without interruption once
// it is seeded (getrandom(2)).
bool fill_random(MutableBytes out) {
  return getrandom(out.data(), out.size(), 0) == static_cast<ssize_t>(out.size());
}

}  // namespace

bool HedgedNonces::fill(Bytes private_scalar, Bytes digest, MutableBytes nonce) {
  SAKER_DCHECK(nonce.size() <= SHA512_DIGEST_SIZE);
  SecretBytes<kRandomBytes> random;
  if (!fill_random(random.span())) return false;
  SecretBytes<SHA512_DIGEST_SIZE> hashed;
  sha512_ctx state;
  sha512_init(&state);
  sha512_update(&state, private_scalar.size(), private_scalar.data());
  sha512_update(&state, digest.size(), digest.data());
  sha512_update(&state, random.size(), random.data());
  sha512_digest(&state, hashed.size(), hashed.data());
  std::memcpy(nonce.data(), hashed.data(), nonce.size());
  wipe({reinterpret_cast<uint8_t*>(&state), sizeof state});
  return true;
}

}  // namespace saker::crypto

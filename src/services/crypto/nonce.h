// The secret nonces of ECDSA, for the signer whose library asks its caller for them.
//
// A nonce that repeats, or is guessed in part, gives the private key away (FIPS 186-5 section 6.3),
// and the machines this service is made for are cloned from snapshots, which may clone the state of
// a random generator. So a nonce depends on everything: k = the first bytes of
// SHA-512(private scalar | digest | fresh randomness of the kernel). With good randomness it is
// random; with repeated randomness it still differs for every key and digest, as in RFC 6979.
#pragma once

#include "saker/base/bytes.h"

namespace saker::crypto {

class NonceSource {
 public:
  virtual ~NonceSource() = default;
  // Fills `nonce` (at most 64 bytes) with a candidate, uniform over all its values; the caller asks
  // again until one lies in [1, order). False: no randomness is to be had,
  // and nothing may be signed.
  [[nodiscard]] virtual bool fill(Bytes private_scalar, Bytes digest, MutableBytes nonce) = 0;
};

class HedgedNonces final : public NonceSource {
 public:
  [[nodiscard]] bool fill(Bytes private_scalar, Bytes digest, MutableBytes nonce) override;
};

}  // namespace saker::crypto

// What has to hold before a server may say that it signs: every algorithm gives published answers,
// and every key's signatures verify. Known answers come from the NIST CAVP files of FIPS 186-3/4;
// the P-384 signer of one library is besides checked by the other. Run at start, before the first
// request. Knows nothing of health or rpc.
#pragma once

#include <span>
#include <string_view>

#include "saker/base/result.h"
#include "saker/services/crypto/algorithm.h"
#include "saker/services/crypto/key_ring.h"

namespace saker::crypto {

// One published signature; bytes are in hexadecimal, ECDSA signatures in P1363. Every one must
// verify, and must no longer do so with a bit of the digest changed. Where signing is a function
// (PKCS#1 v1.5, or a given nonce), signing must give the same bytes too.
struct KnownAnswer {
  Algorithm algorithm;
  std::string_view pkcs8;
  std::string_view message;
  std::string_view signature;
  std::string_view nonce;  // ECDSA only, and only used where the library takes one; else empty
};

std::span<const KnownAnswer> published_answers();

// All of `answers`; the error names the algorithm and the step that failed.
Result<void> run_known_answer_tests(std::span<const KnownAnswer> answers = published_answers());

// Signs and verifies with every version of every key of the ring that is not destroyed and has a
// private half to be used, every algorithm that the key may be used with, and both signature
// formats.
Result<void> run_pairwise_tests(const KeyRing& ring);

}  // namespace saker::crypto

// The two ways to write an ECDSA signature, and the way between them: Ecdsa-Sig-Value in DER (RFC
// 3279 section 2.2.3) and IEEE P1363 (r and s, each as wide as the curve). Pure. The DER parser
// takes what X.690 calls distinguished and nothing else: one signature has one encoding, so that
// nobody can turn a valid one into another.
#pragma once

#include <cstddef>
#include <optional>

#include "saker/base/bytes.h"

namespace saker::crypto {

inline constexpr size_t kMaxScalarBytes = 48;
inline constexpr size_t kMaxEcdsaDerBytes = 2 + 2 * (2 + 1 + kMaxScalarBytes);

// `p1363` has twice 1 to kMaxScalarBytes bytes; `der` has room for kMaxEcdsaDerBytes and does not
// overlap it. Returns the bytes written.
size_t ecdsa_der_from_p1363(Bytes p1363, MutableBytes der);

// `p1363` has exactly twice the bytes of a scalar. False: not DER, or a number that does not fit.
[[nodiscard]] bool ecdsa_p1363_from_der(Bytes der, MutableBytes p1363);

}  // namespace saker::crypto

#include "saker/services/crypto/ecdsa_signature.h"

#include <algorithm>

#include "saker/base/check.h"

namespace saker::crypto {
namespace {

constexpr uint8_t kSequence = 0x30;
constexpr uint8_t kInteger = 0x02;
constexpr uint8_t kSignBit = 0x80;

// The two INTEGERs are at most 2 * 51 bytes, so that every length is of the short
// form (X.690 section 8.1.3.4).
static_assert(kMaxEcdsaDerBytes - 2 < 0x80);

// X.690 section 8.3: the fewest bytes whose first bit is the sign.
uint8_t* encode_integer(Bytes number, uint8_t* out) {
  while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
  const bool padded = (number[0] & kSignBit) != 0;
  *out++ = kInteger;
  *out++ = static_cast<uint8_t>(number.size() + padded);
  if (padded) *out++ = 0;
  return std::copy(number.begin(), number.end(), out);
}

// Takes one tag, length and value of the short form off `in`.
std::optional<Bytes> take_value(Bytes& in, uint8_t tag) {
  if (in.size() < 2 || in[0] != tag || in[1] > in.size() - 2) return std::nullopt;
  const Bytes value = in.subspan(2, in[1]);
  in = in.subspan(2 + value.size());
  return value;
}

bool decode_integer(Bytes& in, MutableBytes out) {
  auto number = take_value(in, kInteger);
  if (!number || number->empty() || ((*number)[0] & kSignBit) != 0) return false;
  if ((*number)[0] == 0) {
    // A leading zero stands only where the sign bit needs it, or for zero itself.
    if (number->size() > 1 && ((*number)[1] & kSignBit) == 0) return false;
    number = number->subspan(1);
  }
  if (number->size() > out.size()) return false;
  const auto padding = out.first(out.size() - number->size());
  std::fill(padding.begin(), padding.end(), uint8_t{0});
  std::copy(number->begin(), number->end(), out.begin() + static_cast<ptrdiff_t>(padding.size()));
  return true;
}

}  // namespace

size_t ecdsa_der_from_p1363(Bytes p1363, MutableBytes der) {
  SAKER_DCHECK(p1363.size() % 2 == 0 && p1363.size() <= 2 * kMaxScalarBytes);
  SAKER_DCHECK(!p1363.empty() && der.size() >= kMaxEcdsaDerBytes);
  const size_t half = p1363.size() / 2;
  uint8_t* const body = der.data() + 2;
  uint8_t* at = encode_integer(p1363.first(half), body);
  at = encode_integer(p1363.last(half), at);
  der[0] = kSequence;
  der[1] = static_cast<uint8_t>(at - body);
  return static_cast<size_t>(at - der.data());
}

bool ecdsa_p1363_from_der(Bytes der, MutableBytes p1363) {
  auto body = take_value(der, kSequence);
  if (!body || !der.empty()) return false;
  const size_t half = p1363.size() / 2;
  return decode_integer(*body, p1363.first(half)) && decode_integer(*body, p1363.last(half)) &&
         body->empty();
}

}  // namespace saker::crypto

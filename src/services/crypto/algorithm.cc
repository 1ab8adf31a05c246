#include "saker/services/crypto/algorithm.h"

#include "saker/base/check.h"

namespace saker::crypto {
namespace {

struct KeyTypeRow {
  KeyType type;
  std::string_view name;
  size_t bits;
  size_t max_signature_bytes;
  size_t scalar_bytes;
};

// DER of ECDSA: two INTEGERs of up to scalar + 1 bytes with 2 bytes
// of header each, in a SEQUENCE with 2.
constexpr KeyTypeRow kKeyTypeTable[] = {
    {KeyType::kRsa2048, "rsa-2048", 2048, 256, 0}, {KeyType::kRsa3072, "rsa-3072", 3072, 384, 0},
    {KeyType::kRsa4096, "rsa-4096", 4096, 512, 0}, {KeyType::kEcP256, "ec-p256", 256, 72, 32},
    {KeyType::kEcP384, "ec-p384", 384, 104, 48},
};

struct AlgorithmRow {
  Algorithm algorithm;
  std::string_view name;
  Hash hash;
};

constexpr AlgorithmRow kAlgorithmTable[] = {
    {Algorithm::kRsaPkcs1V15Sha256, "RSA_PKCS1_V15_SHA256", Hash::kSha256},
    {Algorithm::kRsaPkcs1V15Sha384, "RSA_PKCS1_V15_SHA384", Hash::kSha384},
    {Algorithm::kRsaPkcs1V15Sha512, "RSA_PKCS1_V15_SHA512", Hash::kSha512},
    {Algorithm::kRsaPssSha256, "RSA_PSS_SHA256", Hash::kSha256},
    {Algorithm::kRsaPssSha384, "RSA_PSS_SHA384", Hash::kSha384},
    {Algorithm::kRsaPssSha512, "RSA_PSS_SHA512", Hash::kSha512},
    {Algorithm::kEcdsaP256Sha256, "ECDSA_P256_SHA256", Hash::kSha256},
    {Algorithm::kEcdsaP384Sha384, "ECDSA_P384_SHA384", Hash::kSha384},
};

// Both tables are in the order of their enumerators, which count from 1.
const KeyTypeRow& row(KeyType type) {
  SAKER_DCHECK(key_type_from_number(static_cast<int>(type)));
  return kKeyTypeTable[static_cast<size_t>(type) - 1];
}
const AlgorithmRow& row(Algorithm algorithm) {
  SAKER_DCHECK(algorithm_from_number(static_cast<int>(algorithm)));
  return kAlgorithmTable[static_cast<size_t>(algorithm) - 1];
}

// ASCII only: the locale has no say in what a name is.
char folded(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '_' ? '-' : c;
}

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (folded(a[i]) != folded(b[i])) return false;
  }
  return true;
}

}  // namespace

std::string_view name(KeyType type) {
  return row(type).name;
}
std::string_view name(Algorithm algorithm) {
  return row(algorithm).name;
}

std::optional<KeyType> parse_key_type(std::string_view text) {
  for (const auto& entry : kKeyTypeTable) {
    if (same_name(entry.name, text)) return entry.type;
  }
  return std::nullopt;
}

std::optional<Algorithm> parse_algorithm(std::string_view text) {
  for (const auto& entry : kAlgorithmTable) {
    if (same_name(entry.name, text)) return entry.algorithm;
  }
  return std::nullopt;
}

std::optional<KeyType> key_type_from_number(int number) {
  if (number < 1 || number > static_cast<int>(std::size(kKeyTypeTable))) return std::nullopt;
  return static_cast<KeyType>(number);
}

std::optional<Algorithm> algorithm_from_number(int number) {
  if (number < 1 || number > static_cast<int>(std::size(kAlgorithmTable))) return std::nullopt;
  return static_cast<Algorithm>(number);
}

Hash hash_of(Algorithm algorithm) {
  return row(algorithm).hash;
}

size_t digest_bytes(Hash hash) {
  constexpr size_t kBytes[kHashes] = {32, 48, 64};
  return kBytes[static_cast<size_t>(hash)];
}

bool is_rsa(KeyType type) {
  return row(type).scalar_bytes == 0;
}

bool is_pss(Algorithm algorithm) {
  return algorithm >= Algorithm::kRsaPssSha256 && algorithm <= Algorithm::kRsaPssSha512;
}

std::span<const Algorithm> allowed_algorithms(KeyType type) {
  const std::span<const Algorithm> all(kAlgorithms);
  if (is_rsa(type)) return all.first(6);
  return all.subspan(type == KeyType::kEcP256 ? 6 : 7, 1);
}

bool is_allowed(KeyType type, Algorithm algorithm) {
  for (const Algorithm allowed : allowed_algorithms(type)) {
    if (allowed == algorithm) return true;
  }
  return false;
}

size_t key_bits(KeyType type) {
  return row(type).bits;
}
size_t max_signature_bytes(KeyType type) {
  return row(type).max_signature_bytes;
}
size_t scalar_bytes(KeyType type) {
  return row(type).scalar_bytes;
}

bool is_cheap(KeyType type) {
  return type == KeyType::kEcP256;
}

}  // namespace saker::crypto

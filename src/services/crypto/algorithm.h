// KeyType, Algorithm and SignatureFormat: the names of the Crypto service's arithmetic, and the
// table of which algorithm takes which key and which digest. Pure: knows no library, no key
// material and no protobuf; the enumerators have the numbers of saker/crypto/v1/crypto.proto, so
// that a checked cast converts. Thread rule: immutable data only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace saker::crypto {

enum class KeyType : uint8_t { kRsa2048 = 1, kRsa3072 = 2, kRsa4096 = 3, kEcP256 = 4, kEcP384 = 5 };

inline constexpr KeyType kKeyTypes[] = {KeyType::kRsa2048, KeyType::kRsa3072, KeyType::kRsa4096,
                                        KeyType::kEcP256, KeyType::kEcP384};

// RSASSA-PKCS1-v1_5 and RSASSA-PSS: RFC 8017 sections 8.2 and 8.1; PSS with MGF1 over the same hash
// and a salt as long as the digest. ECDSA: FIPS 186-5 section 6, each curve
// with the hash of its own strength.
enum class Algorithm : uint8_t {
  kRsaPkcs1V15Sha256 = 1,
  kRsaPkcs1V15Sha384 = 2,
  kRsaPkcs1V15Sha512 = 3,
  kRsaPssSha256 = 4,
  kRsaPssSha384 = 5,
  kRsaPssSha512 = 6,
  kEcdsaP256Sha256 = 7,
  kEcdsaP384Sha384 = 8,
};

inline constexpr Algorithm kAlgorithms[] = {
    Algorithm::kRsaPkcs1V15Sha256, Algorithm::kRsaPkcs1V15Sha384, Algorithm::kRsaPkcs1V15Sha512,
    Algorithm::kRsaPssSha256,      Algorithm::kRsaPssSha384,      Algorithm::kRsaPssSha512,
    Algorithm::kEcdsaP256Sha256,   Algorithm::kEcdsaP384Sha384};
inline constexpr size_t kAlgorithmSlots = 9;  // arrays indexed by an Algorithm's number

// How an ECDSA signature is written: the ASN.1 SEQUENCE of RFC 3279 section 2.2.3, or r and s at
// full width one after the other (IEEE P1363, as JOSE and WebCrypto have it). An RSA signature has
// one form only and ignores this.
enum class SignatureFormat : uint8_t { kDer = 0, kP1363 = 1 };

enum class Hash : uint8_t { kSha256, kSha384, kSha512 };
inline constexpr size_t kHashes = 3;

inline constexpr size_t kMaxDigestBytes = 64;
inline constexpr size_t kMaxSignatureBytes = 512;  // RSA-4096; ECDSA needs at most 104

std::string_view name(KeyType type);         // "rsa-2048"
std::string_view name(Algorithm algorithm);  // "RSA_PSS_SHA256"
// Any case, '-' and '_' alike: names come from people.
std::optional<KeyType> parse_key_type(std::string_view text);
std::optional<Algorithm> parse_algorithm(std::string_view text);
// A number from outside, 0 (unspecified) and unknown ones refused.
std::optional<KeyType> key_type_from_number(int number);
std::optional<Algorithm> algorithm_from_number(int number);

Hash hash_of(Algorithm algorithm);
size_t digest_bytes(Hash hash);
inline size_t digest_bytes(Algorithm algorithm) {
  return digest_bytes(hash_of(algorithm));
}

bool is_rsa(KeyType type);
bool is_pss(Algorithm algorithm);
bool is_allowed(KeyType type, Algorithm algorithm);
// In the order of kAlgorithms.
std::span<const Algorithm> allowed_algorithms(KeyType type);

size_t key_bits(KeyType type);
// The most bytes that a signature in either format has.
size_t max_signature_bytes(KeyType type);
// One coordinate of the curve, half of a P1363 signature; 0 for RSA.
size_t scalar_bytes(KeyType type);
// True where one signature costs tens of microseconds;
// every other key type costs at least five times as much.
bool is_cheap(KeyType type);

}  // namespace saker::crypto

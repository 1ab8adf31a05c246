// The vectors of Project Wycheproof through every verifier that the service has: all valid
// signatures accepted, all invalid ones refused.
#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <fstream>
#include <map>
#include <sstream>

#include "saker/services/crypto/digester.h"
#include "saker/services/crypto/signer.h"

namespace saker::crypto {
namespace {

struct Set {
  std::string source;
  Algorithm algorithm{};
  KeyType type{};
  SignatureFormat format{};
};

std::vector<uint8_t> from_hex(const std::string& text) {
  std::vector<uint8_t> bytes;
  if (text == "-") return bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

// nettle adds u1 G and u2 Q by a formula that does not hold where the two are the same point, and so
// refuses two valid signatures. Nobody meets such a one by chance, nor without the private key.
bool nettle_refuses(const Set& set, const std::string& number) {
  return (set.source == "ecdsa_secp384r1_sha384_test.json" && number == "453") ||
         (set.source == "ecdsa_secp384r1_sha384_p1363_test.json" && number == "228");
}

// All verifiers of one key: OpenSSL's, and for P-384 nettle's, which is the one that serves.
std::vector<std::unique_ptr<Signer>> verifiers_of(KeyType type, const std::vector<uint8_t>& spki) {
  std::vector<std::unique_ptr<Signer>> verifiers;
  auto openssl = make_openssl_verifier(type, spki);
  EXPECT_TRUE(openssl);
  if (openssl) verifiers.push_back(*std::move(openssl));
  if (type != KeyType::kEcP384) return verifiers;
  const uint8_t* at = spki.data();
  const auto key =
      PrivateKey::from_pkey(PkeyHandle(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size()))));
  EXPECT_TRUE(key);
  auto nettle = make_nettle_p384_verifier(*key->ec_public_point());
  EXPECT_TRUE(nettle);
  if (nettle) verifiers.push_back(*std::move(nettle));
  return verifiers;
}

Set read_set(std::istringstream& line) {
  Set set;
  std::string algorithm;
  std::string type;
  std::string format;
  line >> set.source >> algorithm >> type >> format;
  set.algorithm = *parse_algorithm(algorithm);
  set.type = *parse_key_type(type);
  set.format = format == "der" ? SignatureFormat::kDer : SignatureFormat::kP1363;
  return set;
}

TEST(WycheproofTest, ValidSignaturesAreAcceptedAndInvalidOnesRefused) {
  std::ifstream file(SAKER_WYCHEPROOF);
  ASSERT_TRUE(file) << SAKER_WYCHEPROOF;
  auto digester = std::move(*Digester::make());
  Set set;
  std::vector<std::unique_ptr<Signer>> verifiers;
  std::map<std::string, int> counts;
  for (std::string text; std::getline(file, text);) {
    if (text.starts_with('#')) continue;
    std::istringstream line(text);
    std::string word;
    line >> word;
    if (word == "set") {
      set = read_set(line);
      continue;
    }
    std::string first;
    std::string message;
    std::string signature;
    line >> first >> message >> signature;
    if (word == "key") {
      verifiers = verifiers_of(set.type, from_hex(first));
      continue;
    }
    ++counts[first];
    uint8_t digest[kMaxDigestBytes];
    const size_t size = digester.digest(hash_of(set.algorithm), from_hex(message), digest);
    for (const auto& verifier : verifiers) {
      const bool is_nettle = &verifier != &verifiers.front();
      const auto valid =
          verifier->verify(set.algorithm, Bytes(digest, size), set.format, from_hex(signature));
      ASSERT_TRUE(valid);
      if (first != "acceptable") {
        EXPECT_EQ(*valid, first == "valid" && !(is_nettle && nettle_refuses(set, word)))
            << set.source << " " << word;
      }
    }
  }
  EXPECT_EQ(counts,
            (std::map<std::string, int>{{"valid", 1039}, {"invalid", 1904}, {"acceptable", 4}}));
}

}  // namespace
}  // namespace saker::crypto

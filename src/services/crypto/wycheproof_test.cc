// The vectors of Project Wycheproof through every verifier that the service has: all valid
// signatures accepted, all invalid ones refused.
#include <gtest/gtest.h>

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

// The four vectors that Wycheproof calls "acceptable" are PKCS#1 v1.5 signatures whose DigestInfo
// leaves out the NULL of its hash. RFC 8017 section 8.2.2 compares encodings, and its section 9.2
// has but one, with the NULL: they are refused.
bool is_valid(const std::string& verdict) {
  return verdict == "valid";
}

// All verifiers of one key: what serves, and OpenSSL alone, which is the clients'.
std::vector<std::unique_ptr<Signer>> verifiers_of(KeyType type, const std::vector<uint8_t>& spki) {
  std::vector<std::unique_ptr<Signer>> verifiers;
  for (const auto make : {make_verifier, make_openssl_verifier}) {
    auto verifier = make(type, spki);
    EXPECT_TRUE(verifier);
    if (verifier) verifiers.push_back(*std::move(verifier));
  }
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
      const auto valid =
          verifier->verify(set.algorithm, Bytes(digest, size), set.format, from_hex(signature));
      ASSERT_TRUE(valid);
      EXPECT_EQ(*valid, is_valid(first)) << set.source << " " << word;
    }
  }
  EXPECT_EQ(counts,
            (std::map<std::string, int>{{"valid", 1039}, {"invalid", 1904}, {"acceptable", 4}}));
}

}  // namespace
}  // namespace saker::crypto

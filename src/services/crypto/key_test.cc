#include "saker/services/crypto/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "saker/services/crypto/openssl_handles.h"
#include "saker/services/crypto/test_keys.h"

namespace saker::crypto {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

TEST(PrivateKeyTest, EncodesThePublicHalfOfEveryType) {
  for (const KeyType type : kKeyTypes) {
    const PrivateKey& key = test_key(type);
    EXPECT_EQ(key.type(), type);
    const auto encodings = key.public_encodings();
    ASSERT_TRUE(encodings) << encodings.error().message;
    EXPECT_THAT(encodings->pem, StartsWith("-----BEGIN PUBLIC KEY-----\n"));
    EXPECT_THAT(encodings->jwk, HasSubstr("\"kid\":\"" + encodings->thumbprint + "\""));
    EXPECT_THAT(encodings->thumbprint, MatchesRegex("[A-Za-z0-9_-]{43}"));
    EXPECT_THAT(encodings->jwk,
                HasSubstr(is_rsa(type) ? "\"e\":\"AQAB\",\"kty\":\"RSA\"" : "\"kty\":\"EC\""));
  }
}

TEST(PrivateKeyTest, PemAndDerAreTheSameKeyAndPublicOnly) {
  const auto key = PrivateKey::generate(KeyType::kEcP256);
  const auto encodings = key->public_encodings();
  const Bio bio(BIO_new_mem_buf(encodings->pem.data(), static_cast<int>(encodings->pem.size())));
  const PkeyHandle from_pem(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  const uint8_t* at = encodings->der.data();
  const PkeyHandle from_der(d2i_PUBKEY(nullptr, &at, static_cast<long>(encodings->der.size())));
  ASSERT_NE(from_pem, nullptr);
  ASSERT_NE(from_der, nullptr);
  EXPECT_EQ(EVP_PKEY_eq(from_pem.get(), from_der.get()), 1);
  const auto own = key->duplicate();
  EXPECT_EQ(EVP_PKEY_eq(own->get(), from_pem.get()), 1);
  const auto secret = [&] {
    std::vector<uint8_t> scalar(32);
    EXPECT_TRUE(key->ec_private_scalar(scalar));
    return std::string(scalar.begin(), scalar.end());
  }();
  EXPECT_EQ(std::string(encodings->der.begin(), encodings->der.end()).find(secret),
            std::string::npos);
}

TEST(PrivateKeyTest, KeysDiffer) {
  const auto a = PrivateKey::generate(KeyType::kEcP384)->public_encodings();
  const auto b = PrivateKey::generate(KeyType::kEcP384)->public_encodings();
  EXPECT_NE(a->thumbprint, b->thumbprint);
}

std::vector<uint8_t> pkcs8_of(EVP_PKEY* pkey) {
  const Bio bio(BIO_new(BIO_s_mem()));
  i2d_PKCS8PrivateKey_bio(bio.get(), pkey, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, data + size};
}

TEST(PrivateKeyTest, ImportsPkcs8) {
  for (const KeyType type : {KeyType::kRsa2048, KeyType::kEcP256, KeyType::kEcP384}) {
    const PrivateKey& key = test_key(type);
    const auto pkcs8 = pkcs8_of(key.duplicate()->get());
    const auto imported = PrivateKey::from_pkcs8(pkcs8);
    ASSERT_TRUE(imported) << imported.error().message;
    EXPECT_EQ(imported->type(), type);
    EXPECT_EQ(imported->public_encodings()->jwk, key.public_encodings()->jwk);
    auto longer = pkcs8;
    longer.push_back(0);
    EXPECT_FALSE(PrivateKey::from_pkcs8(longer));
    EXPECT_FALSE(PrivateKey::from_pkcs8(Bytes(pkcs8).first(pkcs8.size() - 1)));
  }
  EXPECT_FALSE(PrivateKey::from_pkcs8({}));
}

TEST(PrivateKeyTest, RefusesOtherTypesOfKey) {
  const PkeyHandle others[] = {PkeyHandle(EVP_RSA_gen(1024)), PkeyHandle(EVP_EC_gen("P-521")),
                               PkeyHandle(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"))};
  for (const auto& other : others) EXPECT_FALSE(PrivateKey::from_pkcs8(pkcs8_of(other.get())));
}

// RFC 7638 section 3.1 needs the exact key of its example, whose private half is not published; the
// same hash is taken here of the same canonical form, by hand.
TEST(PrivateKeyTest, ThumbprintIsTheHashOfTheRequiredMembers) {
  const auto encodings = PrivateKey::generate(KeyType::kEcP256)->public_encodings();
  const std::string& jwk = encodings->jwk;
  const std::string canonical = jwk.substr(0, jwk.find(",\"use\"")) + "}";
  EXPECT_THAT(
      canonical,
      MatchesRegex(
          R"(\{"crv":"P-256","kty":"EC","x":"[A-Za-z0-9_-]{43}","y":"[A-Za-z0-9_-]{43}"\})"));
  uint8_t digest[32];
  ASSERT_EQ(EVP_Digest(canonical.data(), canonical.size(), digest, nullptr, EVP_sha256(), nullptr),
            1);
  char base64[64];
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64), digest, sizeof digest);
  std::string expected(base64, 43);
  for (char& c : expected) c = c == '+' ? '-' : c == '/' ? '_' : c;
  EXPECT_EQ(encodings->thumbprint, expected);
}

}  // namespace
}  // namespace saker::crypto

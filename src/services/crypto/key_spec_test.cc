#include "saker/services/crypto/key_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace saker::crypto {
namespace {

using ::testing::HasSubstr;

TEST(KeySpecTest, Accepted) {
  const struct {
    const char* text;
    KeySpec spec;
  } cases[] = {
      {"rsa-2048", {"rsa-2048", KeyType::kRsa2048}},
      {"EC_P256", {"ec-p256", KeyType::kEcP256}},
      {"audit=ec-p384", {"audit", KeyType::kEcP384}},
      {"rsa-4096=rsa-4096", {"rsa-4096", KeyType::kRsa4096}},
      {"0.a_B-9=rsa-3072", {"0.a_B-9", KeyType::kRsa3072}},
  };
  for (const auto& test : cases) {
    const auto spec = parse_key_spec(test.text);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(*spec, test.spec) << test.text;
  }
  EXPECT_TRUE(parse_key_spec(std::string(64, 'n') + "=ec-p256"));
}

TEST(KeySpecTest, Refused) {
  const struct {
    std::string text;
    const char* why;
  } cases[] = {
      {"", "the type is none of rsa-2048, rsa-3072, rsa-4096, ec-p256, ec-p384"},
      {"ed25519", "the type is none of"},
      {"audit=", "the type is none of"},
      {"a=b=ec-p256", "the type is none of"},
      {"=ec-p256", "a name is"},
      {"-a=ec-p256", "a name is"},
      {".=ec-p256", "a name is"},
      {"two words=ec-p256", "a name is"},
      {"a/b=ec-p256", "a name is"},
      {"\xc3\xa9=ec-p256", "a name is"},
      {std::string(65, 'n') + "=ec-p256", "a name is"},
      {"rsa-2048=ec-p256", "the name is that of another key type"},
      {"RSA_2048=ec-p256", "the name is that of another key type"},
  };
  for (const auto& test : cases) {
    const auto spec = parse_key_spec(test.text);
    ASSERT_FALSE(spec) << test.text;
    EXPECT_THAT(spec.error().message, HasSubstr(test.why));
    EXPECT_THAT(spec.error().message, HasSubstr("'" + test.text + "'"));
  }
}

TEST(KeySpecsTest, NoneStandsForTheDefaultSet) {
  const auto specs = parse_key_specs({});
  ASSERT_TRUE(specs);
  EXPECT_EQ(*specs, (std::vector<KeySpec>{{"rsa-2048", KeyType::kRsa2048},
                                          {"ec-p256", KeyType::kEcP256},
                                          {"ec-p384", KeyType::kEcP384}}));
}

TEST(KeySpecsTest, AnyReplacesTheDefaultSet) {
  const std::vector<std::string> texts = {"a=ec-p256"};
  EXPECT_EQ(parse_key_specs(texts), (std::vector<KeySpec>{{"a", KeyType::kEcP256}}));
}

TEST(KeySpecsTest, DuplicateNamesAreRefused) {
  for (const std::vector<std::string>& texts : {std::vector<std::string>{"ec-p256", "ec-p256"},
                                                {"a=ec-p256", "a=ec-p384"},
                                                {"ec-p256", "b=ec-p256", "EC-P256"}}) {
    const auto specs = parse_key_specs(texts);
    ASSERT_FALSE(specs);
    EXPECT_THAT(specs.error().message, HasSubstr("taken already"));
  }
}

TEST(KeySpecsTest, AtMost256) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < kMaxKeys; ++i) texts.push_back("k" + std::to_string(i) + "=ec-p256");
  EXPECT_TRUE(parse_key_specs(texts));
  texts.emplace_back("one-more=ec-p256");
  EXPECT_FALSE(parse_key_specs(texts));
}

TEST(ResourceNameTest, NamesAKeyAndPerhapsAVersion) {
  const struct {
    const char* text;
    KeyName name;
  } cases[] = {
      {"a", {"a", 0}},
      {"keys/a", {"a", 0}},
      {"keys/a/versions/7", {"a", 7}},
      {"keys/a/b", {"a/b", 0}},  // will not be found
      {"", {"", 0}},
  };
  for (const auto& test : cases) EXPECT_EQ(parse_resource_name(test.text), test.name) << test.text;
  EXPECT_EQ(resource_name("a", 7), "keys/a/versions/7");
}

TEST(ResourceNameTest, AVersionIsANumberFromOne) {
  for (const char* number : {"", "0", "-1", "+1", "01", "1x", " 1", "4294967296"})
    EXPECT_FALSE(parse_resource_name(std::string("keys/a/versions/") + number)) << number;
}

}  // namespace
}  // namespace saker::crypto

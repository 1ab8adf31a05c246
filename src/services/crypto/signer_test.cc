#include "saker/services/crypto/signer.h"

#include <gtest/gtest.h>
#include <stdio.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "saker/services/crypto/digester.h"
#include "saker/services/crypto/test_keys.h"

namespace saker::crypto {
namespace {

std::vector<uint8_t> digest_of(Algorithm algorithm, std::string_view message) {
  std::vector<uint8_t> digest(kMaxDigestBytes);
  digest.resize(Digester::make()->digest(hash_of(algorithm), as_bytes(message), digest));
  return digest;
}

std::vector<uint8_t> sign(Signer& signer, Algorithm algorithm, Bytes digest,
                          SignatureFormat format) {
  std::vector<uint8_t> out(kMaxSignatureBytes);
  const auto length = signer.sign(algorithm, digest, format, out);
  EXPECT_TRUE(length) << describe(length.error());
  out.resize(length.value_or(0));
  return out;
}

bool verify(Signer& signer, Algorithm algorithm, Bytes digest, SignatureFormat format,
            Bytes signature) {
  const auto valid = signer.verify(algorithm, digest, format, signature);
  EXPECT_TRUE(valid) << describe(valid.error());
  return valid.value_or(false);
}

struct Maker {
  const char* name;
  Result<std::unique_ptr<Signer>> (*make)(const PrivateKey&);
};

const Maker kMakers[] = {
    {"service", make_signer},
    {"openssl", make_openssl_signer},
    {"nettle", [](const PrivateKey& key) { return make_nettle_p384_signer(key, nullptr); }},
};

// Calls test(signer) for every library and key type that go together.
template <typename Test>
void for_each_signer(Test test) {
  for (const auto& maker : kMakers) {
    for (const KeyType type : kKeyTypes) {
      if (maker.name == std::string_view("nettle") && type != KeyType::kEcP384) continue;
      SCOPED_TRACE(std::string(maker.name) + ' ' + std::string(name(type)));
      auto signer = maker.make(test_key(type));
      ASSERT_TRUE(signer) << signer.error().message;
      test(**signer);
    }
  }
}

constexpr SignatureFormat kFormats[] = {SignatureFormat::kDer, SignatureFormat::kP1363};

TEST(SignerTest, RightPairsSignAndVerify) {
  for_each_signer([](Signer& signer) {
    for (const Algorithm algorithm : allowed_algorithms(signer.type())) {
      for (const SignatureFormat format : kFormats) {
        const auto digest = digest_of(algorithm, "a message");
        const auto signature = sign(signer, algorithm, digest, format);
        EXPECT_TRUE(verify(signer, algorithm, digest, format, signature)) << name(algorithm);
        EXPECT_LE(signature.size(), max_signature_bytes(signer.type()));
        if (format == SignatureFormat::kP1363 && !is_rsa(signer.type())) {
          EXPECT_EQ(signature.size(), 2 * scalar_bytes(signer.type()));
        }
      }
    }
  });
}

TEST(SignerTest, WrongPairsAreRefused) {
  for_each_signer([](Signer& signer) {
    for (const Algorithm algorithm : kAlgorithms) {
      if (is_allowed(signer.type(), algorithm)) continue;
      uint8_t out[kMaxSignatureBytes];
      const auto digest = digest_of(algorithm, "a message");
      const auto made = signer.sign(algorithm, digest, SignatureFormat::kDer, out);
      ASSERT_FALSE(made) << name(algorithm);
      EXPECT_EQ(made.error(), SignError::kAlgorithmNotAllowed);
      const auto valid = signer.verify(algorithm, digest, SignatureFormat::kDer, out);
      ASSERT_FALSE(valid) << name(algorithm);
      EXPECT_EQ(valid.error(), SignError::kAlgorithmNotAllowed);
    }
  });
}

TEST(SignerTest, DigestsOfTheWrongLengthAreRefused) {
  for_each_signer([](Signer& signer) {
    for (const Algorithm algorithm : allowed_algorithms(signer.type())) {
      for (const size_t size : {0, 1, 20, 31, 32, 33, 47, 48, 49, 63, 64, 65, 128}) {
        if (size == digest_bytes(algorithm)) continue;
        uint8_t out[kMaxSignatureBytes];
        const std::vector<uint8_t> digest(size, 7);
        const auto made = signer.sign(algorithm, digest, SignatureFormat::kDer, out);
        ASSERT_FALSE(made) << name(algorithm) << ' ' << size;
        EXPECT_EQ(made.error(), SignError::kDigestLength);
        EXPECT_FALSE(signer.verify(algorithm, digest, SignatureFormat::kDer, out));
      }
    }
  });
}

TEST(SignerTest, ABufferThatIsTooSmallIsRefused) {
  for_each_signer([](Signer& signer) {
    const Algorithm algorithm = allowed_algorithms(signer.type())[0];
    std::vector<uint8_t> out(max_signature_bytes(signer.type()));
    const auto digest = digest_of(algorithm, "a message");
    EXPECT_TRUE(signer.sign(algorithm, digest, SignatureFormat::kDer, out));
    out.pop_back();
    const auto made = signer.sign(algorithm, digest, SignatureFormat::kDer, out);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error(), SignError::kBufferTooSmall);
  });
}

TEST(SignerTest, TamperedSignaturesAreInvalidAndLeaveTheSignerUsable) {
  for_each_signer([](Signer& signer) {
    for (const Algorithm algorithm : allowed_algorithms(signer.type())) {
      for (const SignatureFormat format : kFormats) {
        const auto digest = digest_of(algorithm, "a message");
        const auto signature = sign(signer, algorithm, digest, format);
        for (size_t at = 0; at < signature.size(); at += signature.size() / 9) {
          auto tampered = signature;
          tampered[at] ^= 0x10;
          EXPECT_FALSE(verify(signer, algorithm, digest, format, tampered))
              << name(algorithm) << at;
        }
        auto longer = signature;
        longer.push_back(0);
        EXPECT_FALSE(verify(signer, algorithm, digest, format, longer));
        EXPECT_FALSE(verify(signer, algorithm, digest, format,
                            Bytes(signature).first(signature.size() - 1)));
        EXPECT_FALSE(verify(signer, algorithm, digest, format, {}));
        EXPECT_FALSE(
            verify(signer, algorithm, digest_of(algorithm, "A message"), format, signature));
        EXPECT_TRUE(verify(signer, algorithm, digest, format, signature));
      }
    }
  });
}

TEST(SignerTest, AnotherKeysSignatureIsInvalid) {
  for (const KeyType type : {KeyType::kRsa2048, KeyType::kEcP256, KeyType::kEcP384}) {
    const Algorithm algorithm = allowed_algorithms(type)[0];
    const auto other = PrivateKey::generate(type);
    const auto digest = digest_of(algorithm, "a message");
    const auto signature = sign(**make_signer(*other), algorithm, digest, SignatureFormat::kDer);
    EXPECT_FALSE(
        verify(**make_signer(test_key(type)), algorithm, digest, SignatureFormat::kDer, signature));
  }
}

TEST(SignerTest, TheTwoFormatsAreNotMistakenForEachOther) {
  for (const KeyType type : {KeyType::kEcP256, KeyType::kEcP384}) {
    const Algorithm algorithm = allowed_algorithms(type)[0];
    auto signer = make_signer(test_key(type));
    const auto digest = digest_of(algorithm, "a message");
    const auto der = sign(**signer, algorithm, digest, SignatureFormat::kDer);
    const auto p1363 = sign(**signer, algorithm, digest, SignatureFormat::kP1363);
    EXPECT_FALSE(verify(**signer, algorithm, digest, SignatureFormat::kP1363, der));
    EXPECT_FALSE(verify(**signer, algorithm, digest, SignatureFormat::kDer, p1363));
  }
}

// What both libraries say of P-384 is the same, also where the digest
// or the signature is an edge of its range.
TEST(SignerTest, LibrariesAgreeOnP384) {
  constexpr Algorithm kAlgorithm = Algorithm::kEcdsaP384Sha384;
  const PrivateKey& key = test_key(KeyType::kEcP384);
  auto openssl = make_openssl_signer(key);
  auto nettle = make_nettle_p384_signer(key, nullptr);
  std::vector<std::vector<uint8_t>> digests = {std::vector<uint8_t>(48, 0),
                                               std::vector<uint8_t>(48, 0xff)};
  digests.push_back(digest_of(kAlgorithm, "x"));
  digests.emplace_back(48, 0).back() = 1;
  for (const auto& digest : digests) {
    for (int round = 0; round < 20; ++round) {
      for (const SignatureFormat format : kFormats) {
        EXPECT_TRUE(verify(**openssl, kAlgorithm, digest, format,
                           sign(**nettle, kAlgorithm, digest, format)));
        EXPECT_TRUE(verify(**nettle, kAlgorithm, digest, format,
                           sign(**openssl, kAlgorithm, digest, format)));
      }
    }
  }
}

TEST(SignerTest, ScalarsAtTheEdgeOfTheRangeAreInvalidAndNothingWorse) {
  // n, n - 1, n + 1, 2^384 - 1, 0, 1 for r and s.
  std::vector<uint8_t> order(48, 0xff);
  const uint8_t tail[24] = {0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2,
                            0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73};
  std::copy(std::begin(tail), std::end(tail), order.begin() + 24);
  std::vector<std::vector<uint8_t>> edges(5, order);
  edges[1].back() -= 1;
  edges[2].back() += 1;
  edges[3].assign(48, 0xff);
  edges[4].assign(48, 0);
  edges.emplace_back(48, 0).back() = 1;
  for (const KeyType type : {KeyType::kEcP256, KeyType::kEcP384}) {
    auto signer = make_signer(test_key(type));
    const Algorithm algorithm = allowed_algorithms(type)[0];
    const auto digest = digest_of(algorithm, "a message");
    for (const auto& r : edges) {
      for (const auto& s : edges) {
        std::vector<uint8_t> signature(r.end() - static_cast<ptrdiff_t>(scalar_bytes(type)),
                                       r.end());
        signature.insert(signature.end(), s.end() - static_cast<ptrdiff_t>(scalar_bytes(type)),
                         s.end());
        EXPECT_FALSE(verify(**signer, algorithm, digest, SignatureFormat::kP1363, signature));
      }
    }
  }
}

class NoNonces final : public NonceSource {
 public:
  explicit NoNonces(bool available) : available_(available) {}
  // Zeros are never a nonce.
  bool fill(Bytes, Bytes, MutableBytes nonce) override {
    std::fill(nonce.begin(), nonce.end(), uint8_t{0});
    return available_;
  }

 private:
  bool available_;
};

TEST(SignerTest, WithoutNoncesNothingIsSigned) {
  for (const bool available : {false, true}) {
    NoNonces nonces(available);
    auto signer = make_nettle_p384_signer(test_key(KeyType::kEcP384), &nonces);
    uint8_t out[kMaxSignatureBytes];
    const auto made = (*signer)->sign(Algorithm::kEcdsaP384Sha384, std::vector<uint8_t>(48, 1),
                                      SignatureFormat::kDer, out);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error(), SignError::kRandomness);
  }
}

TEST(HedgedNoncesTest, NoTwoAlike) {
  HedgedNonces nonces;
  const std::vector<uint8_t> scalar(48, 3);
  const std::vector<uint8_t> digest(48, 4);
  std::array<uint8_t, 48> first;
  std::array<uint8_t, 48> second;
  ASSERT_TRUE(nonces.fill(scalar, digest, first));
  ASSERT_TRUE(nonces.fill(scalar, digest, second));
  EXPECT_NE(first, second);
}

TEST(SignerTest, NettleTakesNoOtherKey) {
  EXPECT_FALSE(make_nettle_p384_signer(test_key(KeyType::kEcP256), nullptr));
}

// The openssl program as an outside opinion: another process, reading nothing but files.
class OpenSslProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("openssl version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no openssl program";
    std::string pattern = (std::filesystem::temp_directory_path() / "saker-crypto-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  std::string path(const char* file) const { return (folder_ / file).string(); }
  void write(const char* file, std::string_view content) {
    std::ofstream(path(file), std::ios::binary) << content;
  }
  // The program's output, standard error too.
  static std::string run(const std::string& command) {
    FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    std::string output;
    char buffer[512];
    while (pipe != nullptr && fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
    if (pipe != nullptr) pclose(pipe);
    return output;
  }
  std::string verify_with_program(Algorithm algorithm) {
    const std::string bits = std::to_string(8 * digest_bytes(algorithm));
    const char* pss = " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    return run("openssl dgst -sha" + bits + " -verify " + path("key.pem") +
               (is_pss(algorithm) ? pss : "") + " -signature " + path("signature") + " " +
               path("message"));
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(OpenSslProgramTest, VerifiesEveryAlgorithmAgainstThePem) {
  const std::string message = "message for another program";
  write("message", message);
  for (const KeyType type : kKeyTypes) {
    auto signer = make_signer(test_key(type));
    write("key.pem", test_key(type).public_encodings()->pem);
    for (const Algorithm algorithm : allowed_algorithms(type)) {
      auto signature =
          sign(**signer, algorithm, digest_of(algorithm, message), SignatureFormat::kDer);
      write("signature", as_text(signature));
      EXPECT_EQ(verify_with_program(algorithm), "Verified OK\n")
          << name(type) << ' ' << name(algorithm);
      signature.back() ^= 1;
      write("signature", as_text(signature));
      EXPECT_NE(verify_with_program(algorithm), "Verified OK\n")
          << name(type) << ' ' << name(algorithm);
    }
  }
}

TEST_F(OpenSslProgramTest, ReadsPemAndDerAsTheSameKey) {
  for (const KeyType type : kKeyTypes) {
    const auto encodings = test_key(type).public_encodings();
    write("key.pem", encodings->pem);
    write("key.der", as_text(encodings->der));
    EXPECT_EQ(run("openssl pkey -pubin -in " + path("key.pem")), encodings->pem);
    EXPECT_EQ(run("openssl pkey -pubin -inform DER -in " + path("key.der")), encodings->pem);
  }
}

}  // namespace
}  // namespace saker::crypto

#include "saker/services/crypto/key_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "saker/services/crypto/durable_file.h"
#include "saker/services/crypto/key_pem.h"
#include "saker/services/crypto/test_keys.h"

namespace saker::crypto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kCreated[] = "2026-01-31T12:00:00Z";

SecretVector secret(std::string_view text) {
  SecretVector bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

class KeyStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "saker-keys-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern + "/keys";
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  KeyStore store() { return std::move(*KeyStore::open(directory_, true)); }
  void add(const std::string& name, KeyType type) {
    ASSERT_TRUE(store().add(name, test_key(type), {}, passphrase_, kCreated));
  }
  std::string read(const std::string& name) const {
    std::ifstream file(directory_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string root_;
  std::string directory_;
  SecretVector passphrase_ = secret("correct horse");
};

TEST_F(KeyStoreTest, KeysComeBackAsTheyWere) {
  add("b", KeyType::kEcP384);
  add("a", KeyType::kRsa2048);
  const auto ring = load_key_ring(directory_, passphrase_);
  ASSERT_TRUE(ring) << ring.error().message;
  ASSERT_EQ(ring->keys().size(), 2u);
  EXPECT_EQ(ring->keys()[0].name, "a");
  const Key& key = ring->keys()[1];
  EXPECT_EQ(key.type, KeyType::kEcP384);
  EXPECT_TRUE(key.default_of_type);
  EXPECT_THAT(key.algorithms, ElementsAre(Algorithm::kEcdsaP384Sha384));
  EXPECT_EQ(key.versions[0].material->public_encodings().jwk,
            test_key(KeyType::kEcP384).public_encodings()->jwk);
}

TEST_F(KeyStoreTest, FilesAreForTheOwnerAndHoldNothingInTheClear) {
  add("a", KeyType::kEcP256);
  struct stat status{};
  ASSERT_EQ(::stat((directory_ + "/a.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  ASSERT_EQ(::stat(directory_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  EXPECT_THAT(read("a.key"), HasSubstr("BEGIN ENCRYPTED PRIVATE KEY"));
  ASSERT_EQ(::chmod((directory_ + "/a.key").c_str(), 0640), 0);
  const auto ring = load_key_ring(directory_, passphrase_);
  ASSERT_FALSE(ring);
  EXPECT_THAT(ring.error().message, HasSubstr("may be read by others"));
}

TEST_F(KeyStoreTest, ADirectoryThatOthersMayWriteToIsRefused) {
  add("a", KeyType::kEcP256);
  for (const mode_t mode : {0720, 0702, 0777}) {
    ASSERT_EQ(::chmod(directory_.c_str(), mode), 0);
    EXPECT_THAT(load_key_ring(directory_, passphrase_).error().message,
                HasSubstr("may be written to by others"));
    EXPECT_FALSE(KeyStore::open(directory_, false));
  }
  ASSERT_EQ(::chmod(directory_.c_str(), 0755), 0);
  EXPECT_TRUE(load_key_ring(directory_, passphrase_));
  EXPECT_TRUE(KeyStore::open(directory_, false));
}

// Root changes keys of the user that the server runs as; what it writes stays that user's.
TEST_F(KeyStoreTest, FilesKeepTheirOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  constexpr uid_t kOther = 65534;
  add("a", KeyType::kEcP256);
  std::filesystem::remove(directory_ + "/.lock");
  ASSERT_EQ(::chown((directory_ + "/a.key").c_str(), kOther, kOther), 0);
  ASSERT_EQ(::chown(directory_.c_str(), kOther, kOther), 0);
  ASSERT_TRUE(store().rotate("a", passphrase_, kCreated));
  add("b", KeyType::kEcP256);
  for (const char* name : {"/a.key", "/b.key", "/.lock"}) {
    struct stat status{};
    ASSERT_EQ(::stat((directory_ + name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_uid, kOther) << name;
    EXPECT_EQ(status.st_mode & 07777, 0600u) << name;
  }
  EXPECT_THAT(load_key_ring(directory_, passphrase_).error().message,
              HasSubstr("belongs to uid 65534, neither to root nor"));
  ASSERT_EQ(::chown(directory_.c_str(), 0, 0), 0);
  EXPECT_TRUE(load_key_ring(directory_, passphrase_)) << "files may be another's";
}

// A link that the directory's owner has put there would have root give away what it points to.
TEST_F(KeyStoreTest, ALockThatIsALinkIsRefused) {
  add("a", KeyType::kEcP256);
  std::filesystem::remove(directory_ + "/.lock");
  std::filesystem::create_symlink(root_ + "/precious", directory_ + "/.lock");
  EXPECT_FALSE(KeyStore::open(directory_, false));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/precious"));
}

TEST_F(KeyStoreTest, AKeyThatIsNoFileIsRefusedAndNotWaitedFor) {
  add("a", KeyType::kEcP256);
  ASSERT_EQ(::mkfifo((directory_ + "/z.key").c_str(), 0600), 0);
  EXPECT_THAT(load_key_ring(directory_, passphrase_).error().message,
              HasSubstr("/z.key: not a regular file"));
}

TEST_F(KeyStoreTest, TheWrongPassphraseOpensNothingAndAddsNothing) {
  add("a", KeyType::kEcP256);
  const auto ring = load_key_ring(directory_, secret("wrong"));
  ASSERT_FALSE(ring);
  EXPECT_THAT(ring.error().message, HasSubstr("the passphrase is wrong"));
  const auto added = store().add("b", test_key(KeyType::kEcP256), {}, secret("wrong"), kCreated);
  ASSERT_FALSE(added);
  EXPECT_THAT(added.error().message, StartsWith("this is not the passphrase"));
  EXPECT_FALSE(store().rotate("a", secret("wrong"), kCreated));
  EXPECT_TRUE(load_key_ring(directory_, passphrase_));
}

TEST_F(KeyStoreTest, ARotationAddsAVersionThatSigns) {
  add("a", KeyType::kEcP256);
  EXPECT_EQ(store().rotate("a", passphrase_, kCreated), 2u);
  const auto ring = load_key_ring(directory_, passphrase_);
  ASSERT_TRUE(ring);
  const Key& key = ring->keys()[0];
  EXPECT_EQ(key.signing_version()->number, 2u);
  EXPECT_NE(key.find(1)->material->public_encodings().thumbprint,
            key.find(2)->material->public_encodings().thumbprint);
}

TEST_F(KeyStoreTest, StatesAreKeptAndDestructionIsForGood) {
  add("a", KeyType::kEcP256);
  ASSERT_TRUE(store().rotate("a", passphrase_, kCreated));
  ASSERT_TRUE(store().set_state("a", 2, KeyState::kDisabled));
  EXPECT_EQ(load_key_ring(directory_, passphrase_)->keys()[0].signing_version()->number, 1u);
  ASSERT_TRUE(store().set_state("a", 2, KeyState::kEnabled));
  EXPECT_EQ(load_key_ring(directory_, passphrase_)->keys()[0].signing_version()->number, 2u);
  ASSERT_TRUE(store().set_state("a", 1, KeyState::kDestroyed));
  const auto text = read("a.key");
  const size_t begin = text.find("BEGIN ENCRYPTED PRIVATE KEY");
  EXPECT_NE(begin, text.npos);
  EXPECT_EQ(text.find("BEGIN ENCRYPTED PRIVATE KEY", begin + 1), text.npos);
  const auto ring = load_key_ring(directory_, passphrase_);
  EXPECT_EQ(ring->keys()[0].find(1)->state, KeyState::kDestroyed);
  EXPECT_EQ(ring->keys()[0].find(1)->material, nullptr);
  EXPECT_FALSE(store().set_state("a", 1, KeyState::kEnabled));
  EXPECT_TRUE(store().set_state("a", 1, KeyState::kDestroyed));
  EXPECT_FALSE(store().set_state("a", 3, KeyState::kDisabled));
  EXPECT_FALSE(store().set_state("b", 1, KeyState::kDisabled));
}

TEST_F(KeyStoreTest, RefusesNamesThatAreTakenAndAlgorithmsOfOtherTypes) {
  add("a", KeyType::kEcP256);
  EXPECT_FALSE(store().add("a", test_key(KeyType::kEcP256), {}, passphrase_, kCreated));
  EXPECT_FALSE(store().add("b", test_key(KeyType::kEcP256), {Algorithm::kRsaPssSha256}, passphrase_,
                           kCreated));
  ASSERT_TRUE(store().add("r", test_key(KeyType::kRsa2048), {Algorithm::kRsaPssSha256}, passphrase_,
                          kCreated));
  const auto ring = load_key_ring(directory_, passphrase_);
  EXPECT_TRUE(ring->find("r")->allows(Algorithm::kRsaPssSha256));
  EXPECT_FALSE(ring->find("r")->allows(Algorithm::kRsaPkcs1V15Sha256));
}

// What a killed writer may leave behind: a temporary file beside the whole old one.
TEST_F(KeyStoreTest, LeftoversOfAKilledWriterAreNoKeys) {
  add("a", KeyType::kEcP256);
  std::ofstream(directory_ + "/.a.key.tmp") << "half a k";
  std::ofstream(directory_ + "/README") << "not a key";
  EXPECT_TRUE(load_key_ring(directory_, passphrase_));
  EXPECT_TRUE(store().rotate("a", passphrase_, kCreated));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/.a.key.tmp"));
}

TEST_F(KeyStoreTest, DamageIsToldByFileAndLine) {
  add("a", KeyType::kEcP256);
  const std::string text = read("a.key");
  const std::pair<std::string, std::string> changes[] = {
      {"ec-p256", "ec-p257"},       {"ECDSA_P256_SHA256", "RSA_PSS_SHA256"},
      {"number = 1", "number = 2"}, {"enabled", "revoked"},
      {"private = ", "prvate = "},  {"\"\"\"\n", "\"\"\n"},
      {"ENCRYPTED", "DAMAGED"}};
  for (const auto& [from, to] : changes) {
    std::string damaged = text;
    damaged.replace(damaged.find(from), from.size(), to);
    ASSERT_TRUE(replace_file(directory_, "a.key", damaged));
    const auto ring = load_key_ring(directory_, passphrase_);
    ASSERT_FALSE(ring) << from;
    EXPECT_THAT(ring.error().message, HasSubstr("/a.key:")) << from;
  }
}

TEST_F(KeyStoreTest, AnEmptyDirectoryIsNoKeyRing) {
  EXPECT_FALSE(load_key_ring(directory_, passphrase_));
  EXPECT_FALSE(KeyStore::open(directory_, false));
  (void)store();
  EXPECT_THAT(load_key_ring(directory_, passphrase_).error().message, StartsWith("no keys in"));
}

TEST(KeyFileTest, RoundTrips) {
  const KeyFile file{KeyType::kRsa2048,
                     {Algorithm::kRsaPssSha256, Algorithm::kRsaPssSha512},
                     {{1, KeyState::kDestroyed, kCreated, "", ""},
                      {2, KeyState::kDisabled, kCreated, "PUBLIC\n", "PRIVATE\n"}}};
  const auto parsed = parse_key_file(format_key_file(file), "file");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(*parsed, file);
}

TEST(KeyPemTest, EveryTypeComesBack) {
  const SecretVector passphrase = secret("p");
  for (const KeyType type : kKeyTypes) {
    const auto pem = encrypt_key(test_key(type), passphrase);
    ASSERT_TRUE(pem) << pem.error().message;
    const auto key = decrypt_key(*pem, passphrase);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->public_encodings()->jwk, test_key(type).public_encodings()->jwk);
    EXPECT_TRUE(parse_foreign_key(*pem, passphrase));
    EXPECT_FALSE(parse_foreign_key(*pem, SecretVector()));
  }
  EXPECT_FALSE(decrypt_key("", passphrase));
  EXPECT_FALSE(parse_foreign_key("", passphrase));
}

TEST(PassphraseTest, IsTheFirstLineOfAFileThatOthersCannotRead) {
  const std::string path = ::testing::TempDir() + "saker-passphrase";
  std::ofstream(path) << "first line\nsecond\n";
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  const auto passphrase = read_passphrase(path);
  ASSERT_TRUE(passphrase) << passphrase.error().message;
  EXPECT_EQ(std::string(passphrase->data(), passphrase->data() + passphrase->size()), "first line");
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_FALSE(read_passphrase(path));
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  std::ofstream(path) << "\n";
  EXPECT_FALSE(read_passphrase(path));
  std::filesystem::remove(path);
  EXPECT_FALSE(read_passphrase(path));
}

}  // namespace
}  // namespace saker::crypto

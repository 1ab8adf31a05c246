#include "saker/services/crypto/key_ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace saker::crypto {
namespace {

using ::testing::HasSubstr;

TEST(KeyRingTest, FindsByNameAndByType) {
  const std::vector<std::string> texts = {"z=ec-p256", "ec-p384", "a=ec-p256", "m=ec-p384"};
  const auto ring = KeyRing::generate(*parse_key_specs(texts));
  ASSERT_TRUE(ring) << ring.error().message;
  ASSERT_EQ(ring->keys().size(), 4u);
  for (const Key& key : ring->keys()) {
    EXPECT_EQ(ring->find(key.name), &key);
    EXPECT_EQ(key.default_of_type, key.name == "z" || key.name == "ec-p384");
    ASSERT_EQ(key.versions.size(), 1u);
    EXPECT_EQ(key.versions[0].number, 1u);
    EXPECT_EQ(key.signing_version(), &key.versions[0]);
    EXPECT_FALSE(key.versions[0].material->public_encodings().pem.empty());
  }
  EXPECT_EQ(ring->find(KeyType::kEcP256)->name, "z");
  EXPECT_EQ(ring->find(KeyType::kEcP384)->name, "ec-p384");
  EXPECT_EQ(ring->find(KeyType::kRsa2048), nullptr);
  for (const char* name : {"", "b", "zz", "Z", "ec-p256"})
    EXPECT_EQ(ring->find(name), nullptr) << name;
}

TEST(KeyRingTest, RefusesDuplicateNames) {
  const KeySpec specs[] = {
      {"a", KeyType::kEcP256}, {"b", KeyType::kEcP256}, {"a", KeyType::kEcP256}};
  EXPECT_FALSE(KeyRing::generate(specs));
}

TEST(KeyRingTest, KeysStayWhereTheyAreWhenTheRingMoves) {
  auto ring = KeyRing::generate(*parse_key_specs(std::vector<std::string>{"a=ec-p256"}));
  const Key* key = ring->find("a");
  const KeyRing moved = std::move(*ring);
  EXPECT_EQ(moved.find("a"), key);
}

std::shared_ptr<KeyMaterial> new_material() {
  return *KeyMaterial::make(std::move(*PrivateKey::generate(KeyType::kEcP256)));
}

Key key_with(std::vector<KeyVersion> versions) {
  return Key{"a", KeyType::kEcP256, {Algorithm::kEcdsaP256Sha256}, std::move(versions)};
}

TEST(KeyTest, TheNewestEnabledVersionSigns) {
  const auto material = new_material();
  const Key key = key_with({{1, KeyState::kEnabled, material},
                            {2, KeyState::kEnabled, material},
                            {3, KeyState::kDisabled, material},
                            {4, KeyState::kDestroyed, nullptr}});
  EXPECT_EQ(key.signing_version()->number, 2u);
  EXPECT_EQ(key.verifying_version()->number, 2u);
  EXPECT_EQ(key.find(4)->state, KeyState::kDestroyed);
  EXPECT_EQ(key.find(5), nullptr);
}

TEST(KeyTest, ADisabledVersionVerifiesOnly) {
  const Key key =
      key_with({{1, KeyState::kDisabled, new_material()}, {2, KeyState::kDestroyed, nullptr}});
  EXPECT_EQ(key.signing_version(), nullptr);
  EXPECT_EQ(key.verifying_version()->number, 1u);
  EXPECT_EQ(key_with({{1, KeyState::kDestroyed, nullptr}}).verifying_version(), nullptr);
}

TEST(KeyRingTest, AKeyNamedLikeItsTypeIsTheDefaultOne) {
  const auto material = new_material();
  Key first = key_with({{1, KeyState::kEnabled, material}});
  Key second = key_with({{1, KeyState::kEnabled, material}});
  second.name = "ec-p256";
  const auto ring = KeyRing::make({first, second});
  ASSERT_TRUE(ring);
  EXPECT_EQ(ring->find(KeyType::kEcP256)->name, "ec-p256");
  EXPECT_FALSE(ring->find("a")->default_of_type);
}

TEST(KeyRingTest, AVersionThatStopsSigningKeepsNoPrivateHalf) {
  for (const KeyType type : {KeyType::kEcP256, KeyType::kEcP384}) {
    auto key = std::move(*PrivateKey::generate(type));
    auto verifying = *KeyMaterial::make_verifying(key);
    std::weak_ptr<KeyMaterial> signing;
    KeyRing ring = *KeyRing::make({key_with({{1, KeyState::kDisabled, verifying}})});
    {
      auto material = *KeyMaterial::make(std::move(key));
      signing = material;
      ring.adopt(*KeyRing::make({key_with({{1, KeyState::kEnabled, std::move(material)}})}));
    }
    EXPECT_TRUE(signing.expired());
    EXPECT_FALSE(verifying->holder().can_sign());
    verifying->set_workers(1);
    const Algorithm algorithm = allowed_algorithms(type)[0];
    const std::vector<uint8_t> digest(digest_bytes(algorithm));
    std::vector<uint8_t> out(kMaxSignatureBytes);
    const auto made = verifying->signer(0);
    ASSERT_TRUE(made) << made.error().message;
    Signer& signer = **made;
    EXPECT_EQ(signer.sign(algorithm, digest, SignatureFormat::kDer, out).error(),
              SignError::kNoPrivateKey);
    EXPECT_EQ(signer.verify(algorithm, digest, SignatureFormat::kDer, out), false);
  }
}

TEST(KeyRingTest, AdoptsTheMaterialOfVersionsThatStay) {
  auto key = std::move(*PrivateKey::generate(KeyType::kEcP256));
  auto same = std::move(*PrivateKey::from_pkey(std::move(*key.duplicate())));
  auto kept = *KeyMaterial::make(std::move(key));
  std::weak_ptr<KeyMaterial> replaced;
  std::weak_ptr<KeyMaterial> destroyed;
  KeyRing ring;
  {
    auto second = new_material();
    auto third = new_material();
    replaced = second;
    destroyed = third;
    const auto old = KeyRing::make({key_with({{1, KeyState::kEnabled, kept},
                                              {2, KeyState::kEnabled, second},
                                              {3, KeyState::kEnabled, third}})});
    auto twin = KeyMaterial::make(std::move(same));
    ring = *KeyRing::make({key_with({{1, KeyState::kDisabled, *twin},
                                     {2, KeyState::kEnabled, new_material()},
                                     {3, KeyState::kDestroyed, nullptr}})});
    ring.adopt(*old);
  }
  EXPECT_EQ(ring.find("a")->find(1)->material, kept);
  EXPECT_EQ(ring.find("a")->find(1)->state, KeyState::kDisabled);
  EXPECT_TRUE(replaced.expired());
  EXPECT_TRUE(destroyed.expired());
}

}  // namespace
}  // namespace saker::crypto

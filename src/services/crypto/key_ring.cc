#include "saker/services/crypto/key_ring.h"

#include <algorithm>

namespace saker::crypto {
namespace {

constexpr std::string_view kStateNames[] = {"", "enabled", "disabled", "destroyed"};

class OwnKey final : public KeyHolder {
 public:
  explicit OwnKey(PrivateKey key) : key_(std::move(key)) {}
  bool can_sign() const override { return true; }
  Result<std::unique_ptr<Signer>> make_signer() const override { return crypto::make_signer(key_); }
  Result<std::unique_ptr<Signer>> make_checker() const override {
    return make_openssl_signer(key_);
  }

 private:
  const PrivateKey key_;
};

class PublicHalf final : public KeyHolder {
 public:
  PublicHalf(KeyType type, std::vector<uint8_t> der) : type_(type), der_(std::move(der)) {}
  bool can_sign() const override { return false; }
  Result<std::unique_ptr<Signer>> make_signer() const override {
    return make_verifier(type_, der_);
  }
  Result<std::unique_ptr<Signer>> make_checker() const override {
    return make_openssl_verifier(type_, der_);
  }

 private:
  const KeyType type_;
  const std::vector<uint8_t> der_;
};

Result<Key> generate_key(const KeySpec& spec) {
  auto private_key = PrivateKey::generate(spec.type);
  if (!private_key) return std::unexpected(private_key.error());
  auto material = KeyMaterial::make(*std::move(private_key));
  if (!material) return std::unexpected(material.error());
  const auto algorithms = allowed_algorithms(spec.type);
  Key key{spec.name, spec.type, {algorithms.begin(), algorithms.end()}, {}};
  key.versions.push_back({1, KeyState::kEnabled, *std::move(material)});
  return key;
}

}  // namespace

std::string_view name(KeyState state) {
  return kStateNames[static_cast<size_t>(state)];
}

std::optional<KeyState> parse_key_state(std::string_view text) {
  for (const auto state : {KeyState::kEnabled, KeyState::kDisabled, KeyState::kDestroyed}) {
    if (name(state) == text) return state;
  }
  return std::nullopt;
}

// ---- one key

Result<std::shared_ptr<KeyMaterial>> KeyMaterial::make(PrivateKey key) {
  auto encodings = key.public_encodings();
  if (!encodings) return std::unexpected(encodings.error());
  return make(std::make_unique<OwnKey>(std::move(key)), *std::move(encodings));
}

Result<std::shared_ptr<KeyMaterial>> KeyMaterial::make_verifying(const PrivateKey& key) {
  auto encodings = key.public_encodings();
  if (!encodings) return std::unexpected(encodings.error());
  auto holder = std::make_unique<PublicHalf>(key.type(), encodings->der);
  return make(std::move(holder), *std::move(encodings));
}

std::shared_ptr<KeyMaterial> KeyMaterial::make(std::unique_ptr<KeyHolder> holder,
                                               PublicEncodings encodings) {
  return std::shared_ptr<KeyMaterial>(new KeyMaterial(std::move(holder), std::move(encodings)));
}

Result<Signer*> KeyMaterial::signer(size_t worker) {
  auto& signer = signers_[worker];
  if (signer == nullptr) {
    auto made = holder_->make_signer();
    if (!made) return std::unexpected(made.error());
    signer = *std::move(made);
  }
  return signer.get();
}

bool Key::allows(Algorithm algorithm) const {
  return std::ranges::find(algorithms, algorithm) != algorithms.end();
}

const KeyVersion* Key::find(uint32_t number) const {
  const auto at = std::ranges::find(versions, number, &KeyVersion::number);
  return at == versions.end() ? nullptr : &*at;
}

const KeyVersion* Key::signing_version() const {
  for (auto at = versions.rbegin(); at != versions.rend(); ++at) {
    if (at->state == KeyState::kEnabled) return &*at;
  }
  return nullptr;
}

const KeyVersion* Key::verifying_version() const {
  if (const KeyVersion* enabled = signing_version()) return enabled;
  for (auto at = versions.rbegin(); at != versions.rend(); ++at) {
    if (at->state == KeyState::kDisabled) return &*at;
  }
  return nullptr;
}

// ---- the ring

Result<KeyRing> KeyRing::generate(std::span<const KeySpec> specs) {
  if (specs.size() > kMaxKeys) return fail("more than " + std::to_string(kMaxKeys) + " keys");
  std::vector<Key> keys;
  for (const auto& spec : specs) {
    auto key = generate_key(spec);
    if (!key) return std::unexpected(key.error());
    keys.push_back(*std::move(key));
  }
  // Here the order is the user's: the first of a type is its default, whatever its name.
  for (auto key = keys.begin(); key != keys.end(); ++key) {
    const auto same = [&](const Key& other) { return other.type == key->type; };
    key->default_of_type = std::none_of(keys.begin(), key, same);
  }
  return make(std::move(keys));
}

Result<KeyRing> KeyRing::make(std::vector<Key> keys) {
  if (keys.size() > kMaxKeys) return fail("more than " + std::to_string(kMaxKeys) + " keys");
  KeyRing ring;
  ring.keys_ = std::move(keys);
  for (size_t index = 0; index < ring.keys_.size(); ++index) ring.by_name_.push_back(index);
  const auto name_of = [&](size_t index) -> const std::string& { return ring.keys_[index].name; };
  std::ranges::sort(ring.by_name_, {}, name_of);
  const auto twice = std::ranges::adjacent_find(ring.by_name_, {}, name_of);
  if (twice != ring.by_name_.end()) return fail("two keys are named '" + name_of(*twice) + "'");
  ring.choose_defaults();
  return ring;
}

void KeyRing::choose_defaults() {
  for (const KeyType type : kKeyTypes) {
    if (find(type) != nullptr) continue;
    const auto of_type = [&](const Key& key) { return key.type == type; };
    auto chosen = std::ranges::find(keys_, name(type), &Key::name);
    if (chosen == keys_.end() || !of_type(*chosen)) chosen = std::ranges::find_if(keys_, of_type);
    if (chosen != keys_.end()) chosen->default_of_type = true;
  }
}

const Key* KeyRing::find(std::string_view name) const {
  const auto at = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [&](size_t index, std::string_view wanted) { return keys_[index].name < wanted; });
  if (at == by_name_.end() || keys_[*at].name != name) return nullptr;
  return &keys_[*at];
}

const Key* KeyRing::find(KeyType type) const {
  for (const auto& key : keys_) {
    if (key.default_of_type && key.type == type) return &key;
  }
  return nullptr;
}

void KeyRing::adopt(const KeyRing& old) {
  for (Key& key : keys_) {
    const Key* known = old.find(std::string_view(key.name));
    if (known == nullptr) continue;
    for (KeyVersion& version : key.versions) {
      const KeyVersion* same = known->find(version.number);
      if (same == nullptr || same->material == nullptr || version.material == nullptr) continue;
      const KeyMaterial& material = *version.material;
      const auto& thumbprint = material.public_encodings().thumbprint;
      if (same->material->public_encodings().thumbprint == thumbprint &&
          same->material->holder().can_sign() == material.holder().can_sign())
        version.material = same->material;
    }
  }
}

void KeyRing::set_workers(size_t workers) {
  for (Key& key : keys_) {
    for (KeyVersion& version : key.versions) {
      if (version.material != nullptr) version.material->set_workers(workers);
    }
  }
}

}  // namespace saker::crypto

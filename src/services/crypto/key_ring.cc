#include "saker/services/crypto/key_ring.h"

#include <algorithm>

namespace saker::crypto {
namespace {

constexpr std::string_view kDefaultSpecs[] = {"rsa-2048", "ec-p256", "ec-p384"};

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string known_key_types() {
  std::string list;
  for (const KeyType type : kKeyTypes) {
    if (!list.empty()) list += ", ";
    list += name(type);
  }
  return list;
}

Result<Key> generate_key(const KeySpec& spec, size_t index, bool default_of_type) {
  auto private_key = PrivateKey::generate(spec.type);
  if (!private_key) return std::unexpected(private_key.error());
  auto encodings = private_key->public_encodings();
  if (!encodings) return std::unexpected(encodings.error());
  return Key{index, spec.name, 1, default_of_type, std::move(*private_key), std::move(*encodings)};
}

}  // namespace

bool is_key_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxKeyNameBytes || !is_alphanumeric(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

Result<KeySpec> parse_key_spec(std::string_view text) {
  const std::string quoted = "key '" + std::string(text) + "': ";
  const size_t equals = text.find('=');
  const std::string_view type_text = equals == text.npos ? text : text.substr(equals + 1);
  const auto type = parse_key_type(type_text);
  if (!type) return fail(quoted + "the type is none of " + known_key_types());
  if (equals == text.npos) return KeySpec{std::string(name(*type)), *type};
  const std::string_view key_name = text.substr(0, equals);
  if (!is_key_name(key_name))
    return fail(quoted +
                "a name is 1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit");
  if (const auto named = parse_key_type(key_name); named && *named != *type)
    return fail(quoted + "the name is that of another key type");
  return KeySpec{std::string(key_name), *type};
}

Result<std::vector<KeySpec>> parse_key_specs(std::span<const std::string> texts) {
  if (texts.size() > kMaxKeys) return fail("more than " + std::to_string(kMaxKeys) + " keys");
  std::vector<KeySpec> specs;
  const auto add = [&](std::string_view text) -> Result<void> {
    auto spec = parse_key_spec(text);
    if (!spec) return std::unexpected(spec.error());
    const auto same = [&](const KeySpec& other) { return other.name == spec->name; };
    if (std::any_of(specs.begin(), specs.end(), same))
      return fail("key '" + std::string(text) + "': the name '" + spec->name +
                  "' is taken already");
    specs.push_back(std::move(*spec));
    return {};
  };
  for (const auto& text : texts) {
    if (auto added = add(text); !added) return std::unexpected(added.error());
  }
  if (!specs.empty()) return specs;
  for (const auto text : kDefaultSpecs) {
    if (auto added = add(text); !added) return std::unexpected(added.error());
  }
  return specs;
}

Result<KeyRing> KeyRing::generate(std::span<const KeySpec> specs) {
  if (specs.size() > kMaxKeys) return fail("more than " + std::to_string(kMaxKeys) + " keys");
  KeyRing ring;
  for (const auto& spec : specs) {
    const bool default_of_type = ring.find(spec.type) == nullptr;
    auto key = generate_key(spec, ring.keys_.size(), default_of_type);
    if (!key) return std::unexpected(key.error());
    ring.keys_.push_back(std::move(*key));
    ring.by_name_.push_back(ring.by_name_.size());
  }
  std::sort(ring.by_name_.begin(), ring.by_name_.end(),
            [&](size_t a, size_t b) { return ring.keys_[a].name < ring.keys_[b].name; });
  const auto twice = std::adjacent_find(
      ring.by_name_.begin(), ring.by_name_.end(),
      [&](size_t a, size_t b) { return ring.keys_[a].name == ring.keys_[b].name; });
  if (twice != ring.by_name_.end())
    return fail("two keys are named '" + ring.keys_[*twice].name + "'");
  return ring;
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
    if (key.default_of_type && key.type() == type) return &key;
  }
  return nullptr;
}

}  // namespace saker::crypto

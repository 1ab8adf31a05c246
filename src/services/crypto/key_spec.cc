#include "saker/services/crypto/key_spec.h"

#include <algorithm>
#include <charconv>

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
  if (!type) return fail_in_one_line(quoted + "the type is none of " + known_key_types());
  if (equals == text.npos) return KeySpec{std::string(name(*type)), *type};
  const std::string_view key_name = text.substr(0, equals);
  if (!is_key_name(key_name))
    return fail_in_one_line(
        quoted + "a name is 1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit");
  if (const auto named = parse_key_type(key_name); named && *named != *type)
    return fail(quoted + "the name is that of another key type");
  return KeySpec{std::string(key_name), *type};
}

std::optional<KeyName> parse_resource_name(std::string_view text) {
  constexpr std::string_view kKeys = "keys/";
  constexpr std::string_view kVersions = "/versions/";
  if (!text.starts_with(kKeys)) return KeyName{text, 0};
  text.remove_prefix(kKeys.size());
  const size_t at = text.find(kVersions);
  if (at == text.npos) return KeyName{text, 0};
  const std::string_view number = text.substr(at + kVersions.size());
  uint32_t version = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), version);
  const bool is_whole = error == std::errc() && end == number.data() + number.size();
  if (!is_whole || version == 0 || number[0] == '0') return std::nullopt;
  return KeyName{text.substr(0, at), version};
}

std::string resource_name(std::string_view key_name, uint32_t version) {
  return "keys/" + std::string(key_name) + "/versions/" + std::to_string(version);
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

}  // namespace saker::crypto

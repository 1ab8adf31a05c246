// How keys are named and declared: the `[NAME=]TYPE` specifications that a server generates keys
// from, and the resource names that requests may use. Pure: knows no key.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saker/base/result.h"
#include "saker/services/crypto/algorithm.h"

namespace saker::crypto {

inline constexpr size_t kMaxKeys = 256;
inline constexpr size_t kMaxKeyNameBytes = 64;

struct KeySpec {
  std::string name;
  KeyType type;
  bool operator==(const KeySpec&) const = default;
};

// 1 to kMaxKeyNameBytes letters, digits, '.', '_' and '-', the first a letter or digit.
bool is_key_name(std::string_view name);

// "ec-p256" (the name is the type's) or "audit=ec-p256". The name of one type
// is refused for a key of another.
Result<KeySpec> parse_key_spec(std::string_view text);

// All of `texts`, in order, with no name twice; none at all stands
// for rsa-2048, ec-p256 and ec-p384.
Result<std::vector<KeySpec>> parse_key_specs(std::span<const std::string> texts);

struct KeyName {
  std::string_view name;
  uint32_t version;  // 0: none was named
  bool operator==(const KeyName&) const = default;
};

// "NAME", "keys/NAME" or "keys/NAME/versions/N"; nothing where N is no number from 1. Does not check
// NAME: a name that no key has will not be found.
std::optional<KeyName> parse_resource_name(std::string_view text);
std::string resource_name(std::string_view key_name, uint32_t version);

}  // namespace saker::crypto

// KeyRing: the named keys that a server signs with, and the `[NAME=]TYPE` specifications they are
// declared by. A ring is made once at start and never changes. Knows nothing of signing, of files
// or of requests. Thread rule: immutable; shared by all threads without a lock.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saker/base/result.h"
#include "saker/services/crypto/key.h"

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

struct Key {
  size_t index;  // of this key in its ring: per-worker arrays of signers are indexed by it
  std::string name;
  uint32_t version;      // 1 for a key made at start
  bool default_of_type;  // the first one declared of its type
  PrivateKey private_key;
  PublicEncodings public_encodings;

  KeyType type() const { return private_key.type(); }
};

class KeyRing {
 public:
  // Generates a key for each spec: seconds, where rsa-4096 is among them.
  static Result<KeyRing> generate(std::span<const KeySpec> specs);

  std::span<const Key> keys() const { return keys_; }
  const Key* find(std::string_view name) const;  // null: there is none
  const Key* find(KeyType type) const;           // the default of that type

 private:
  std::vector<Key> keys_;        // in the order of their declaration
  std::vector<size_t> by_name_;  // indices into keys_, sorted by name
};

}  // namespace saker::crypto

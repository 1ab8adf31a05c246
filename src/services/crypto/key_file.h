// KeyFile: one key of a key directory as text, all its versions in one file, so that one rename
// changes all of it at once. TOML around PEM:
//
//   type = "ec-p256"
//   algorithms = ["ECDSA_P256_SHA256"]
//   [[version]]
//   number = 1
//   state = "disabled"
//   created = "2026-01-31T12:00:00Z"
//   public = """…"""     SubjectPublicKeyInfo; gone, like the next, once it is destroyed
//   private = """…"""    PKCS#8, encrypted
//
// Pure: text in, text out; knows no file, no passphrase and no private key in the clear.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "saker/base/result.h"
#include "saker/services/crypto/algorithm.h"
#include "saker/services/crypto/key_ring.h"

namespace saker::crypto {

inline constexpr size_t kMaxKeyFileBytes = 1 << 20;
inline constexpr size_t kMaxKeyVersions = 128;

struct StoredVersion {
  uint32_t number = 1;
  KeyState state = KeyState::kEnabled;
  std::string created;  // RFC 3339, UTC
  std::string public_pem;
  std::string private_pem;
  bool operator==(const StoredVersion&) const = default;
};

struct KeyFile {
  KeyType type{};
  std::vector<Algorithm> algorithms;
  std::vector<StoredVersion> versions;  // by number, from 1 without gaps
  bool operator==(const KeyFile&) const = default;

  StoredVersion* find(uint32_t number) {
    return number == 0 || number > versions.size() ? nullptr : &versions[number - 1];
  }
};

// Errors begin with "`name`:LINE".
Result<KeyFile> parse_key_file(std::string_view text, const std::string& name);
std::string format_key_file(const KeyFile& file);

}  // namespace saker::crypto

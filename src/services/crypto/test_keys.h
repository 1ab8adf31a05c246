// One key of each type for the tests of this folder,
// generated once per process: RSA-4096 takes seconds.
#pragma once

#include <map>

#include "saker/services/crypto/key.h"

namespace saker::crypto {

inline const PrivateKey& test_key(KeyType type) {
  static auto* keys = new std::map<KeyType, PrivateKey>;
  auto at = keys->find(type);
  if (at == keys->end()) at = keys->emplace(type, std::move(*PrivateKey::generate(type))).first;
  return at->second;
}

}  // namespace saker::crypto

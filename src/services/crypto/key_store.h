// KeyStore: a directory of keys, `NAME.key` each (key_file.h), and what may be done to them. Every
// change replaces one file atomically and holds the directory's lock meanwhile, so that readers need
// none: whatever was killed when, the directory loads. Knows nothing of servers. Thread rule: one
// thread's; other processes are held off by flock(2).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saker/base/result.h"
#include "saker/services/crypto/file_handle.h"
#include "saker/services/crypto/key_file.h"
#include "saker/services/crypto/key_ring.h"
#include "saker/services/crypto/secrets.h"

namespace saker::crypto {

// All keys of the directory, sorted by name. At least one must be there.
Result<KeyRing> load_key_ring(const std::string& directory, const SecretVector& passphrase);

class KeyStore {
 public:
  // For changes: makes the directory if `create`, and waits for its lock.
  static Result<KeyStore> open(const std::string& directory, bool create);

  // A new key. `algorithms` empty: all of its type. `created` is RFC 3339.
  Result<void> add(const std::string& name, const PrivateKey& key,
                   std::vector<Algorithm> algorithms, const SecretVector& passphrase,
                   const std::string& created);
  // A new version of a key, of the same type, which signs from now on; returns its number.
  Result<uint32_t> rotate(const std::string& name, const SecretVector& passphrase,
                          const std::string& created);
  // Destroyed: the private half is gone from the file, and no other state can follow.
  Result<void> set_state(const std::string& name, uint32_t version, KeyState state);

 private:
  KeyStore(std::string directory, FileHandle lock)
      : directory_(std::move(directory)), lock_(std::move(lock)) {}
  Result<void> check_passphrase(const SecretVector& passphrase) const;
  Result<void> write(const std::string& name, const KeyFile& file) const;

  std::string directory_;
  FileHandle lock_;
};

// Names of the directory's keys, sorted.
Result<std::vector<std::string>> list_stored_keys(const std::string& directory);
Result<KeyFile> read_stored_key(const std::string& directory, const std::string& name);

}  // namespace saker::crypto

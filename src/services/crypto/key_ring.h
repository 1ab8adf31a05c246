// KeyRing: the named keys that a server signs with, each with its versions and their states. A ring
// never changes: a rotation, or a key that is destroyed, is a new ring, which shares the material of
// the versions that stay. Knows nothing of files or of requests. Thread rule: immutable but for the
// signers, of which each worker has its own; rings are shared by all threads without a lock.
//
//   enabled ⇄ disabled ──▶ destroyed
//      └───────────────────────▲
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saker/base/result.h"
#include "saker/services/crypto/key.h"
#include "saker/services/crypto/key_holder.h"
#include "saker/services/crypto/key_spec.h"
#include "saker/services/crypto/signer.h"

namespace saker::crypto {

// Numbered as in crypto.proto.
enum class KeyState : uint8_t { kEnabled = 1, kDisabled = 2, kDestroyed = 3 };
std::string_view name(KeyState state);  // "enabled"
std::optional<KeyState> parse_key_state(std::string_view text);

// The secret of one version, or the way to it, and all objects made from it: when the last ring and
// the last call that uses it are gone, so is every copy of the key.
class KeyMaterial {
 public:
  static Result<std::shared_ptr<KeyMaterial>> make(PrivateKey key);
  // Keeps the public half alone: it only verifies.
  static Result<std::shared_ptr<KeyMaterial>> make_verifying(const PrivateKey& key);
  static std::shared_ptr<KeyMaterial> make(std::unique_ptr<KeyHolder> holder,
                                           PublicEncodings encodings);

  const KeyHolder& holder() const { return *holder_; }
  const PublicEncodings& public_encodings() const { return public_encodings_; }

  // Once, before the first signer().
  void set_workers(size_t workers) {
    if (signers_.empty()) signers_.resize(workers);
  }
  // The worker's own, made on first use: on the worker's thread.
  Result<Signer*> signer(size_t worker);

 private:
  KeyMaterial(std::unique_ptr<KeyHolder> holder, PublicEncodings encodings)
      : holder_(std::move(holder)), public_encodings_(std::move(encodings)) {}

  const std::unique_ptr<KeyHolder> holder_;
  const PublicEncodings public_encodings_;
  std::vector<std::unique_ptr<Signer>> signers_;
};

struct KeyVersion {
  uint32_t number = 1;
  KeyState state = KeyState::kEnabled;
  std::shared_ptr<KeyMaterial> material;  // null: destroyed
};

struct Key {
  std::string name;
  KeyType type;
  std::vector<Algorithm> algorithms;  // those it may be used with
  std::vector<KeyVersion> versions;   // by number, at least one
  bool default_of_type = false;

  bool allows(Algorithm algorithm) const;
  const KeyVersion* find(uint32_t number) const;
  const KeyVersion* signing_version() const;    // the newest enabled one, or null
  const KeyVersion* verifying_version() const;  // else the newest that has not been destroyed
};

class KeyRing {
 public:
  // Generates a key for each spec: seconds, where rsa-4096 is among them.
  static Result<KeyRing> generate(std::span<const KeySpec> specs);
  // Refuses two keys of one name. The default of a type is the key named like the type, or else the
  // first of that type.
  static Result<KeyRing> make(std::vector<Key> keys);

  std::span<const Key> keys() const { return keys_; }
  const Key* find(std::string_view name) const;  // null: there is none
  const Key* find(KeyType type) const;           // the default of that type

  // Takes over what `old` has of the same versions of the same keys, so that their signers stay;
  // not where one of the two only verifies.
  void adopt(const KeyRing& old);
  void set_workers(size_t workers);

 private:
  void choose_defaults();

  std::vector<Key> keys_;        // in the order of their declaration
  std::vector<size_t> by_name_;  // indices into keys_, sorted by name
};

}  // namespace saker::crypto

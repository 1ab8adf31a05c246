#include "saker/services/crypto/key_store.h"

#include <dirent.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>

#include "saker/services/crypto/durable_file.h"
#include "saker/services/crypto/key_pem.h"

namespace saker::crypto {
namespace {

constexpr std::string_view kSuffix = ".key";
constexpr const char* kLockName = ".lock";

struct CloseDirectory {
  void operator()(DIR* directory) const {
    (void)::closedir(directory);  // was only read
  }
};

std::string file_name(const std::string& key_name) {
  return key_name + std::string(kSuffix);
}

Result<StoredVersion> seal(const PrivateKey& key, uint32_t number, const SecretVector& passphrase,
                           const std::string& created) {
  auto encodings = key.public_encodings();
  if (!encodings) return std::unexpected(encodings.error());
  auto pem = encrypt_key(key, passphrase);
  if (!pem) return std::unexpected(pem.error());
  return StoredVersion{number, KeyState::kEnabled, created, std::move(encodings->pem),
                       *std::move(pem)};
}

Result<KeyVersion> unseal(const StoredVersion& stored, KeyType type,
                          const SecretVector& passphrase) {
  if (stored.state == KeyState::kDestroyed) return KeyVersion{stored.number, stored.state, nullptr};
  auto key = decrypt_key(stored.private_pem, passphrase);
  if (!key) return std::unexpected(key.error());
  if (key->type() != type) return fail("a key of type " + std::string(name(key->type())));
  // What may not sign needs no private half in memory; its public one comes from there nevertheless,
  // and not from the file, where nothing vouches for it.
  auto material = stored.state == KeyState::kDisabled ? KeyMaterial::make_verifying(*key)
                                                      : KeyMaterial::make(*std::move(key));
  if (!material) return std::unexpected(material.error());
  return KeyVersion{stored.number, stored.state, *std::move(material)};
}

Result<Key> load_key(const std::string& directory, const std::string& key_name,
                     const SecretVector& passphrase) {
  auto file = read_stored_key(directory, key_name);
  if (!file) return std::unexpected(file.error());
  Key key{key_name, file->type, std::move(file->algorithms), {}};
  for (const StoredVersion& stored : file->versions) {
    auto version = unseal(stored, key.type, passphrase);
    if (!version) {
      return fail(directory + "/" + file_name(key_name) + ": version " +
                  std::to_string(stored.number) + ": " + version.error().message);
    }
    key.versions.push_back(*std::move(version));
  }
  return key;
}

}  // namespace

// ---- reading

Result<std::vector<std::string>> list_stored_keys(const std::string& directory) {
  const std::unique_ptr<DIR, CloseDirectory> opened(::opendir(directory.c_str()));
  if (opened == nullptr) return fail_errno("cannot read " + directory, errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(opened.get())) {
    std::string_view name = entry->d_name;
    if (!name.ends_with(kSuffix)) continue;
    name.remove_suffix(kSuffix.size());
    if (is_key_name(name)) names.emplace_back(name);
  }
  if (names.size() > kMaxKeys)
    return fail(directory + ": more than " + std::to_string(kMaxKeys) + " keys");
  std::ranges::sort(names);
  return names;
}

Result<KeyFile> read_stored_key(const std::string& directory, const std::string& name) {
  if (!is_key_name(name)) return fail("'" + name + "' is no name of a key");
  const std::string path = directory + "/" + file_name(name);
  const auto text = read_private_file(path, kMaxKeyFileBytes);
  if (!text && text.error().system_error == ENOENT)
    return fail("no key '" + name + "' in " + directory, ENOENT);
  if (!text) return std::unexpected(text.error());
  return parse_key_file(*text, path);
}

Result<KeyRing> load_key_ring(const std::string& directory, const SecretVector& passphrase) {
  if (auto checked = check_key_directory(directory, DirectoryOwner::kTrusted); !checked)
    return std::unexpected(checked.error());
  const auto names = list_stored_keys(directory);
  if (!names) return std::unexpected(names.error());
  if (names->empty())
    return fail("no keys in " + directory + ": make one with saker keystore generate");
  std::vector<Key> keys;
  for (const std::string& name : *names) {
    auto key = load_key(directory, name, passphrase);
    if (!key) return std::unexpected(key.error());
    keys.push_back(*std::move(key));
  }
  return KeyRing::make(std::move(keys));
}

// ---- changes

Result<KeyStore> KeyStore::open(const std::string& directory, bool create) {
  if (create) {
    if (auto made = make_private_directory(directory); !made) return std::unexpected(made.error());
  }
  if (auto checked = check_key_directory(directory, DirectoryOwner::kAnyoneUnderRoot); !checked)
    return std::unexpected(checked.error());
  auto lock = open_lock_file(directory, kLockName);
  if (!lock) return std::unexpected(lock.error());
  while (::flock(lock->get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail_errno("cannot lock " + directory, errno);
  }
  return KeyStore(directory, *std::move(lock));
}

// One passphrase for all keys of a directory: a second one would keep the server from starting.
Result<void> KeyStore::check_passphrase(const SecretVector& passphrase) const {
  const auto names = list_stored_keys(directory_);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    const auto file = read_stored_key(directory_, name);
    if (!file) return std::unexpected(file.error());
    for (const StoredVersion& version : file->versions) {
      if (version.state == KeyState::kDestroyed) continue;
      const auto key = decrypt_key(version.private_pem, passphrase);
      if (key) return {};
      return fail("this is not the passphrase of the keys in " + directory_);
    }
  }
  return {};
}

Result<void> KeyStore::write(const std::string& name, const KeyFile& file) const {
  return replace_file(directory_, file_name(name), format_key_file(file));
}

Result<void> KeyStore::add(const std::string& name, const PrivateKey& key,
                           std::vector<Algorithm> algorithms, const SecretVector& passphrase,
                           const std::string& created) {
  const auto names = list_stored_keys(directory_);
  if (!names) return std::unexpected(names.error());
  if (std::ranges::find(*names, name) != names->end())
    return fail("there is a key '" + name + "' in " + directory_);
  if (names->size() >= kMaxKeys) return fail(directory_ + " is full");
  if (auto checked = check_passphrase(passphrase); !checked) return checked;
  const auto allowed = allowed_algorithms(key.type());
  if (algorithms.empty()) algorithms.assign(allowed.begin(), allowed.end());
  for (const Algorithm algorithm : algorithms) {
    if (is_allowed(key.type(), algorithm)) continue;
    return fail(std::string(crypto::name(algorithm)) + " does not go with a key of type " +
                std::string(crypto::name(key.type())));
  }
  auto version = seal(key, 1, passphrase, created);
  if (!version) return std::unexpected(version.error());
  return write(name, {key.type(), std::move(algorithms), {*std::move(version)}});
}

Result<uint32_t> KeyStore::rotate(const std::string& name, const SecretVector& passphrase,
                                  const std::string& created) {
  auto file = read_stored_key(directory_, name);
  if (!file) return std::unexpected(file.error());
  if (file->versions.size() >= kMaxKeyVersions)
    return fail("key '" + name + "' has " + std::to_string(kMaxKeyVersions) + " versions already");
  if (auto checked = check_passphrase(passphrase); !checked)
    return std::unexpected(checked.error());
  const auto key = PrivateKey::generate(file->type);
  if (!key) return std::unexpected(key.error());
  const auto number = static_cast<uint32_t>(file->versions.size() + 1);
  auto version = seal(*key, number, passphrase, created);
  if (!version) return std::unexpected(version.error());
  file->versions.push_back(*std::move(version));
  if (auto written = write(name, *file); !written) return std::unexpected(written.error());
  return number;
}

Result<void> KeyStore::set_state(const std::string& name, uint32_t version, KeyState state) {
  auto file = read_stored_key(directory_, name);
  if (!file) return std::unexpected(file.error());
  StoredVersion* const stored = file->find(version);
  if (stored == nullptr)
    return fail("key '" + name + "' has no version " + std::to_string(version));
  if (stored->state == KeyState::kDestroyed && state != KeyState::kDestroyed)
    return fail("version " + std::to_string(version) + " of key '" + name + "' is destroyed");
  stored->state = state;
  if (state == KeyState::kDestroyed) {
    stored->public_pem.clear();
    stored->private_pem.clear();
  }
  return write(name, *file);
}

}  // namespace saker::crypto

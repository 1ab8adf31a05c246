#include "saker/services/crypto/crypto_state.h"

#include <cstdlib>
#include <fstream>

#include "saker/services/crypto/durable_file.h"
#include "saker/services/crypto/key_store.h"
#include "saker/services/crypto/self_test.h"

namespace saker::crypto {
namespace {

constexpr size_t kMaxPolicyBytes = 1 << 20;
constexpr const char* kCredential = "saker-key-passphrase";

// systemd.exec(5), LoadCredential=.
Result<std::string> passphrase_path(const CryptoSources& sources) {
  if (!sources.passphrase_file.empty()) return sources.passphrase_file;
  const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory != nullptr) return std::string(directory) + "/" + kCredential;
  return fail(std::string("a key directory needs --key-passphrase-file, or the credential ") +
              kCredential + " of the service manager");
}

Result<KeyRing> load_directory(const CryptoSources& sources) {
  const auto path = passphrase_path(sources);
  if (!path) return std::unexpected(path.error());
  const auto passphrase = read_passphrase(*path);
  if (!passphrase) return std::unexpected(passphrase.error());
  return load_key_ring(sources.key_directory, *passphrase);
}

Result<KeyRing> generate_keys(const CryptoSources& sources) {
  const auto specs = parse_key_specs(sources.keys);
  if (!specs) return std::unexpected(specs.error());
  return KeyRing::generate(*specs);
}

Result<std::optional<Policy>> load_policy(const CryptoSources& sources) {
  if (sources.policy_file.empty()) return std::nullopt;
  std::ifstream file(sources.policy_file, std::ios::binary);
  std::string text(kMaxPolicyBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) return fail("cannot read policy " + sources.policy_file);
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxPolicyBytes) return fail("policy " + sources.policy_file + ": over 1 MiB");
  auto policy = parse_policy(text, sources.policy_file);
  if (!policy) return std::unexpected(policy.error());
  return *std::move(policy);
}

}  // namespace

Result<std::shared_ptr<const CryptoState>> make_state(const CryptoSources& sources,
                                                      size_t workers) {
  auto policy = load_policy(sources);
  if (!policy) return std::unexpected(policy.error());
  auto keys = sources.key_directory.empty() ? generate_keys(sources) : load_directory(sources);
  if (!keys) return std::unexpected(keys.error());
  if (auto tested = run_pairwise_tests(*keys); !tested) return std::unexpected(tested.error());
  keys->set_workers(workers);
  return std::make_shared<CryptoState>(*std::move(keys), *std::move(policy));
}

Reloaded reload_state(const CryptoSources& sources, const CryptoState& old, size_t workers) {
  Reloaded result;
  auto state = std::make_shared<CryptoState>(old);
  if (!sources.key_directory.empty()) {
    auto keys = load_directory(sources);
    // Before the old ring's material is taken over: a key that is damaged by now must not pass.
    auto tested = keys ? run_pairwise_tests(*keys) : Result<void>(std::unexpected(keys.error()));
    if (tested) {
      keys->adopt(old.keys);
      keys->set_workers(workers);
      state->keys = *std::move(keys);
      result.done.push_back("keys read again from " + sources.key_directory);
    } else {
      result.failed.push_back("the keys stay as they were: " + tested.error().message);
    }
  }
  if (!sources.policy_file.empty()) {
    auto policy = load_policy(sources);
    if (policy) {
      state->policy = *std::move(policy);
      result.done.push_back("policy read again from " + sources.policy_file);
    } else {
      result.failed.push_back("the policy stays as it was: " + policy.error().message);
    }
  }
  result.state = std::move(state);
  return result;
}

bool Caller::may(Operation operation, const Key& key, const RateLimit** rate) const {
  if (!state.policy) return true;
  const PolicyRule* const rule = state.policy->find(peer, key.name, operation);
  if (rule != nullptr && rate != nullptr) *rate = rule->rate ? &*rule->rate : nullptr;
  return rule != nullptr;
}

}  // namespace saker::crypto

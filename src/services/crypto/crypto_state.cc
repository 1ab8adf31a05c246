#include "saker/services/crypto/crypto_state.h"

#include <cstdlib>
#include <fstream>

#include "saker/services/crypto/durable_file.h"
#include "saker/services/crypto/key_store.h"
#include "saker/services/crypto/self_test.h"

namespace saker::crypto {
namespace {

constexpr size_t kMaxPolicyBytes = 1 << 20;
constexpr const char* kPassphraseCredential = "saker-key-passphrase";
constexpr const char* kPinCredential = "saker-pkcs11-pin";

// systemd.exec(5), LoadCredential=.
Result<std::string> secret_path(const std::string& file, const char* credential,
                                const char* needs) {
  if (!file.empty()) return file;
  const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory != nullptr) return std::string(directory) + "/" + credential;
  return fail(std::string(needs) + ", or the credential " + credential + " of the service manager");
}

Result<void> load_directory(const CryptoSources& sources, CryptoState& state) {
  const auto path = secret_path(sources.passphrase_file, kPassphraseCredential,
                                "a key directory needs --key-passphrase-file");
  if (!path) return std::unexpected(path.error());
  const auto passphrase = read_passphrase(*path);
  if (!passphrase) return std::unexpected(passphrase.error());
  auto ring = load_key_ring(sources.key_directory, *passphrase);
  if (!ring) return std::unexpected(ring.error());
  state.keys = *std::move(ring);
  return {};
}

// A token that is there already is asked again: the process stays logged in.
Result<void> load_token(const CryptoSources& sources, CryptoState& state) {
  if (state.token == nullptr) {
    TokenOptions options = sources.token;
    auto path = secret_path(options.pin_file, kPinCredential, "a token needs --pkcs11-pin-file");
    if (!path) return std::unexpected(path.error());
    options.pin_file = *std::move(path);
    auto token = open_pkcs11_token(options);
    if (!token) return std::unexpected(token.error());
    state.token = *std::move(token);
  }
  auto loaded = state.token->load_keys();
  if (!loaded) return std::unexpected(loaded.error());
  state.keys = std::move(loaded->ring);
  state.remarks = std::move(loaded->remarks);
  return {};
}

Result<void> generate_keys(const CryptoSources& sources, CryptoState& state) {
  const auto specs = parse_key_specs(sources.keys);
  if (!specs) return std::unexpected(specs.error());
  auto ring = KeyRing::generate(*specs);
  if (!ring) return std::unexpected(ring.error());
  state.keys = *std::move(ring);
  return {};
}

// Into `state`, each tested. Before material of an older ring is taken over: a key that is damaged
// by now must not pass.
Result<void> load_keys(const CryptoSources& sources, CryptoState& state) {
  const auto loaded = !sources.token.module.empty()    ? load_token(sources, state)
                      : !sources.key_directory.empty() ? load_directory(sources, state)
                                                       : generate_keys(sources, state);
  if (!loaded) return loaded;
  return run_pairwise_tests(state.keys);
}

// Where keys are read from that may change; empty: they are made at start.
std::string name_of_source(const CryptoSources& sources) {
  if (sources.token.module.empty()) return sources.key_directory;
  return sources.token.label.empty() ? "the token" : "token '" + sources.token.label + "'";
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
  auto state = std::make_shared<CryptoState>();
  state->policy = *std::move(policy);
  if (auto loaded = load_keys(sources, *state); !loaded) return std::unexpected(loaded.error());
  state->keys.set_workers(workers);
  return state;
}

Reloaded reload_state(const CryptoSources& sources, const CryptoState& old, size_t workers) {
  Reloaded result;
  auto state = std::make_shared<CryptoState>(old);
  if (const std::string source = name_of_source(sources); !source.empty()) {
    CryptoState fresh;
    fresh.token = old.token;
    if (auto loaded = load_keys(sources, fresh); loaded) {
      fresh.keys.adopt(old.keys);
      fresh.keys.set_workers(workers);
      state->keys = std::move(fresh.keys);
      state->remarks = std::move(fresh.remarks);
      result.done.push_back("keys read again from " + source);
      result.done.insert(result.done.end(), state->remarks.begin(), state->remarks.end());
    } else {
      result.failed.push_back("the keys stay as they were: " + loaded.error().message);
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

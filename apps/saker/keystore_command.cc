// `saker keystore`: keys in a directory, made and changed where they are, without a server. A server
// that runs with the directory takes changes on SIGHUP.
#include <ctime>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "command_line.h"
#include "commands.h"
#include "crypto_request.h"
#include "saker/services/crypto/durable_file.h"
#include "saker/services/crypto/key_pem.h"
#include "saker/services/crypto/key_store.h"
#include "saker/services/crypto/secrets.h"

namespace saker::app {
namespace {

struct KeystoreOptions {
  std::string directory;
  std::string key;  // a name, or a specification
  std::string passphrase_file;
  std::string in;
  std::string in_passphrase_file;
  std::vector<std::string> algorithms;
  uint64_t version = 0;
  std::string format = "pem";
  std::string out = "-";
  bool json = false;
};
using Options = KeystoreOptions;

std::string now_text() {
  const time_t now = time(nullptr);
  tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

Result<crypto::SecretVector> passphrase_of(const std::string& file) {
  if (file.empty()) return crypto::SecretVector();
  return crypto::read_passphrase(file);
}

Result<std::vector<crypto::Algorithm>> algorithms_of(const Options& options) {
  std::vector<crypto::Algorithm> algorithms;
  for (const std::string& text : options.algorithms) {
    const auto algorithm = crypto::parse_algorithm(text);
    if (!algorithm) return fail("\"" + text + "\" is no algorithm");
    algorithms.push_back(*algorithm);
  }
  return algorithms;
}

// ---- what changes the directory

Result<void> add_key(const Options& options, const std::string& name,
                     const crypto::PrivateKey& key) {
  auto algorithms = algorithms_of(options);
  if (!algorithms) return std::unexpected(algorithms.error());
  const auto passphrase = crypto::read_passphrase(options.passphrase_file);
  if (!passphrase) return std::unexpected(passphrase.error());
  auto store = crypto::KeyStore::open(options.directory, true);
  if (!store) return std::unexpected(store.error());
  auto added = store->add(name, key, *std::move(algorithms), *passphrase, now_text());
  if (added) std::cout << crypto::resource_name(name, 1) << '\n';
  return added;
}

Result<void> generate(const Options& options) {
  const auto spec = crypto::parse_key_spec(options.key);
  if (!spec) return std::unexpected(spec.error());
  const auto key = crypto::PrivateKey::generate(spec->type);
  if (!key) return std::unexpected(key.error());
  return add_key(options, spec->name, *key);
}

Result<void> import_key(const Options& options) {
  if (!crypto::is_key_name(options.key)) return fail("'" + options.key + "' is no name of a key");
  const auto passphrase = passphrase_of(options.in_passphrase_file);
  if (!passphrase) return std::unexpected(passphrase.error());
  auto bytes = crypto::read_secret(options.in, crypto::kMaxKeyFileBytes);
  if (!bytes) return std::unexpected(bytes.error());
  const auto key = crypto::parse_foreign_key(as_text(bytes->span()), *passphrase);
  if (!key) return fail(options.in + ": " + key.error().message);
  return add_key(options, options.key, *key);
}

Result<void> rotate(const Options& options) {
  const auto passphrase = crypto::read_passphrase(options.passphrase_file);
  if (!passphrase) return std::unexpected(passphrase.error());
  auto store = crypto::KeyStore::open(options.directory, false);
  if (!store) return std::unexpected(store.error());
  const auto number = store->rotate(options.key, *passphrase, now_text());
  if (!number) return std::unexpected(number.error());
  std::cout << crypto::resource_name(options.key, *number) << '\n';
  return {};
}

template <crypto::KeyState kState>
Result<void> set_state(const Options& options) {
  auto store = crypto::KeyStore::open(options.directory, false);
  if (!store) return std::unexpected(store.error());
  return store->set_state(options.key, static_cast<uint32_t>(options.version), kState);
}

// ---- what reads it

nlohmann::ordered_json describe(const std::string& name, const crypto::KeyFile& file) {
  nlohmann::ordered_json document;
  document["name"] = name;
  document["type"] = crypto::name(file.type);
  document["algorithms"] = nlohmann::ordered_json::array();
  for (const auto algorithm : file.algorithms)
    document["algorithms"].push_back(crypto::name(algorithm));
  document["versions"] = nlohmann::ordered_json::array();
  for (const auto& version : file.versions) {
    document["versions"].push_back({{"version", version.number},
                                    {"state", crypto::name(version.state)},
                                    {"created", version.created}});
  }
  return document;
}

Result<void> list(const Options& options) {
  const auto names = crypto::list_stored_keys(options.directory);
  if (!names) return std::unexpected(names.error());
  auto document = nlohmann::ordered_json::array();
  if (!options.json)
    std::cout << std::left << std::setw(20) << "NAME" << std::setw(10) << "TYPE" << std::setw(9)
              << "VERSION" << std::setw(11) << "STATE" << "CREATED\n";
  for (const std::string& name : *names) {
    const auto file = crypto::read_stored_key(options.directory, name);
    if (!file) return std::unexpected(file.error());
    document.push_back(describe(name, *file));
    if (options.json) continue;
    for (const auto& version : file->versions)
      std::cout << std::setw(20) << name << std::setw(10) << crypto::name(file->type)
                << std::setw(9) << version.number << std::setw(11) << crypto::name(version.state)
                << version.created << '\n';
  }
  if (options.json) std::cout << document.dump(2) << '\n';
  return {};
}

// The version that was named, or the newest that has a public half.
Result<const crypto::StoredVersion*> choose_version(const crypto::KeyFile& file,
                                                    const Options& options) {
  for (auto at = file.versions.rbegin(); at != file.versions.rend(); ++at) {
    const bool is_meant = options.version == 0 || options.version == at->number;
    if (is_meant && at->state != crypto::KeyState::kDestroyed) return &*at;
  }
  return fail("key '" + options.key + "' has no such version");
}

Result<void> export_public(const Options& options) {
  const auto file = crypto::read_stored_key(options.directory, options.key);
  if (!file) return std::unexpected(file.error());
  const auto version = choose_version(*file, options);
  if (!version) return std::unexpected(version.error());
  const auto encodings = crypto::encode_public_pem((*version)->public_pem);
  if (!encodings) return std::unexpected(encodings.error());
  const std::string bytes = options.format == "pem" ? encodings->pem
                            : options.format == "der"
                                ? std::string(encodings->der.begin(), encodings->der.end())
                                : encodings->jwk + "\n";
  return write_output(options.out, bytes);
}

// ---- the command line

using Action = Result<void> (*)(const Options& options);

// Before any secret is read. What could not be had of it is said where there are private halves in
// the clear.
void harden(Action action) {
  const auto shortfalls = crypto::harden_process();
  if (action != generate && action != import_key && action != rotate) return;
  for (const std::string& sentence : shortfalls) std::cerr << "saker: " << sentence << '\n';
}

std::shared_ptr<Options> add_action(CLI::App& keystore, const char* name, const char* help,
                                    Action action, int& exit_code, CLI::App*& command) {
  const auto options = std::make_shared<Options>();
  command = keystore.add_subcommand(name, help);
  command->add_option("DIR", options->directory, "the directory of the keys")->required();
  command->callback([options, action, &exit_code] {
    harden(action);
    const auto done = action(*options);
    exit_code = done ? kExitOk : fail_usage(done.error().message);
  });
  return options;
}

void add_passphrase(CLI::App& command, Options& options) {
  command
      .add_option("--passphrase-file", options.passphrase_file,
                  "whose first line all keys of the directory are encrypted under")
      ->required();
}

void add_algorithms(CLI::App& command, Options& options) {
  command
      .add_option("--algorithm", options.algorithms,
                  "the key may be used with this one; repeatable (all of its type)")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_making_actions(CLI::App& keystore, int& exit_code) {
  CLI::App* command = nullptr;
  auto options = add_action(keystore, "generate", "a new key", generate, exit_code, command);
  command->add_option("KEY", options->key, "[NAME=]TYPE, like payments=ec-p256")->required();
  add_passphrase(*command, *options);
  add_algorithms(*command, *options);

  options = add_action(keystore, "import", "a key from a file", import_key, exit_code, command);
  command->add_option("NAME", options->key, "how it shall be named")->required();
  command->add_option("--in", options->in, "private key in PEM or DER, PKCS#8 or older")
      ->required();
  command->add_option("--in-passphrase-file", options->in_passphrase_file,
                      "whose first line that file is encrypted under");
  add_passphrase(*command, *options);
  add_algorithms(*command, *options);

  options = add_action(keystore, "rotate", "a new version, which signs from then on", rotate,
                       exit_code, command);
  command->add_option("NAME", options->key, "the key")->required();
  add_passphrase(*command, *options);
}

void add_state_actions(CLI::App& keystore, int& exit_code) {
  const std::tuple<const char*, const char*, Action> states[] = {
      {"disable", "a version that only verifies", set_state<crypto::KeyState::kDisabled>},
      {"enable", "a disabled version that signs again", set_state<crypto::KeyState::kEnabled>},
      {"destroy", "a version that is gone for good", set_state<crypto::KeyState::kDestroyed>}};
  for (const auto& [name, help, action] : states) {
    CLI::App* command = nullptr;
    const auto options = add_action(keystore, name, help, action, exit_code, command);
    command->add_option("NAME", options->key, "the key")->required();
    command->add_option("VERSION", options->version, "its number")
        ->required()
        ->check(CLI::Range(1U, UINT32_MAX));
  }
}

void add_reading_actions(CLI::App& keystore, int& exit_code) {
  CLI::App* command = nullptr;
  auto options = add_action(keystore, "list", "all keys and versions", list, exit_code, command);
  command->add_flag("--json", options->json, "print one JSON document");

  options = add_action(keystore, "export-public", "the public half of a key", export_public,
                       exit_code, command);
  command->add_option("NAME", options->key, "the key")->required();
  command->add_option("--key-version", options->version, "its number (the newest there is)");
  command->add_option("--format", options->format, "pem, der or jwk (pem)")
      ->check(CLI::IsMember({"pem", "der", "jwk"}));
  command->add_option("--out", options->out, "file for the key; - is standard output (-)");
}

}  // namespace

void add_keystore_command(CLI::App& app, int& exit_code) {
  CLI::App& command = *app.add_subcommand("keystore", "keys kept in a directory of this machine");
  command.require_subcommand(1);
  add_making_actions(command, exit_code);
  add_state_actions(command, exit_code);
  add_reading_actions(command, exit_code);
  command.footer(
      "A server with --key-dir takes changes on SIGHUP.\n\n"
      "Examples:\n"
      "  saker keystore generate /var/lib/saker/keys payments=ec-p256 --passphrase-file pass\n"
      "  saker keystore rotate /var/lib/saker/keys payments --passphrase-file pass\n"
      "  saker keystore disable /var/lib/saker/keys payments 1");
}

}  // namespace saker::app

#include "serve_check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "saker/services/crypto/durable_file.h"
#include "saker/services/crypto/secrets.h"
#include "tls_files.h"

namespace saker::app {
namespace {

// Generated keys need no look: one of the quickest to make stands for them.
constexpr const char* kAnyKey = "ec-p256";
constexpr const char* kPinCredential = "saker-pkcs11-pin";

// A file that is there can be written to, or one can be made where it is to be.
Result<void> check_appendable(const std::string& flag, const std::string& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return fail_errno(flag + " " + file, EISDIR);
    if (::access(file.c_str(), W_OK) == 0) return {};
    return fail_errno(flag + " " + file, errno);
  }
  if (errno != ENOENT) return fail_errno(flag + " " + file, errno);
  const std::string parent = std::filesystem::path(file).parent_path();
  if (::access(parent.empty() ? "." : parent.c_str(), W_OK | X_OK) == 0) return {};
  return fail_errno(flag + " " + file, errno);
}

Result<void> check_token(const crypto::TokenOptions& token) {
  if (token.module.empty()) return {};
  if (::access(token.module.c_str(), R_OK) != 0)
    return fail_errno("--pkcs11-module " + token.module, errno);
  std::string pin_file = token.pin_file;
  if (pin_file.empty()) {
    const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
    if (directory == nullptr)
      return fail("a token needs --pkcs11-pin-file, or the service manager's " +
                  std::string(kPinCredential));
    pin_file = std::string(directory) + "/" + kPinCredential;
  }
  if (auto pin = crypto::read_passphrase(pin_file); !pin) return std::unexpected(pin.error());
  return {};
}

// Policy and keys as a server loads them, each key decrypted and tested.
Result<void> check_crypto(const crypto::CryptoSources& wanted) {
  if (auto token = check_token(wanted.token); !token) return token;
  crypto::CryptoSources sources = wanted;
  sources.token = {};
  if (sources.key_directory.empty()) sources.keys = {kAnyKey};
  (void)crypto::harden_process();  // before there are keys
  const auto state = crypto::make_state(sources, 1);
  if (!state) return std::unexpected(state.error());
  return {};
}

}  // namespace

Result<void> check_files(const ServeOptions& options) {
  if (options.tls.is_wanted()) {
    if (auto context = load_server_tls(options.tls); !context) {
      return std::unexpected(context.error());
    }
  }
  if (auto checked = check_crypto(options.crypto); !checked) return checked;
  if (options.audit) {
    if (auto checked = check_appendable("--audit", *options.audit); !checked) return checked;
  }
  if (options.log.file.empty()) return {};
  return check_appendable("--log-file", options.log.file);
}

}  // namespace saker::app

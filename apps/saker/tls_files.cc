#include "tls_files.h"

#include <utility>

#include "read_file.h"

namespace saker::app {

Result<tls::Pem> read_pem(const std::string& flag, const std::string& file) {
  if (file.empty()) return tls::Pem{};
  auto text = read_file(file, kMaxPemBytes);
  if (!text) return fail(flag + " " + text.error().message, text.error().system_error);
  return tls::Pem{*std::move(text), flag + " " + file};
}

Result<void> check_server_tls(const ServeTlsOptions& options) {
  if (options.certificate.empty() != options.key.empty()) {
    return fail("--tls-cert and --tls-key go together");
  }
  const bool has_clients = !options.client_ca.empty() || options.require_client_certificate;
  if (has_clients && !options.is_wanted()) {
    return fail("--tls-client-ca and --require-client-cert need --tls-cert and --tls-key");
  }
  if (options.require_client_certificate && options.client_ca.empty()) {
    return fail("--require-client-cert needs --tls-client-ca: whose certificates are good?");
  }
  return {};
}

Result<tls::ServerContext> load_server_tls(const ServeTlsOptions& options) {
  auto chain = read_pem("--tls-cert", options.certificate);
  if (!chain) return std::unexpected(chain.error());
  auto key = read_pem("--tls-key", options.key);
  if (!key) return std::unexpected(key.error());
  auto client_ca = read_pem("--tls-client-ca", options.client_ca);
  if (!client_ca) return std::unexpected(client_ca.error());
  return tls::ServerContext::make({*std::move(chain), *std::move(key), *std::move(client_ca),
                                   options.require_client_certificate});
}

}  // namespace saker::app

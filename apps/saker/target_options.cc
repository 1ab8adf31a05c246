#include "target_options.h"

#include <utility>

#include "command_line.h"
#include "tls_files.h"

namespace saker::app {

bool TargetOptions::uses_tls() const {
  return tls || skip_verify || !ca.empty() || !certificate.empty() || !key.empty() ||
         !server_name.empty();
}

void add_target_options(CLI::App& command, TargetOptions& out, KeyFlag key) {
  add_target(command, out.address);
  CLI::Option* plaintext =
      command.add_flag("--plaintext", out.plaintext, "no TLS, which is the default");
  command.add_flag("--tls", out.tls, "TLS; each of the following flags implies it")
      ->excludes(plaintext);
  const auto add_file = [&](const char* names, std::string& file, const char* help) {
    return command.add_option(names, file, help)->type_name("FILE")->excludes(plaintext);
  };
  add_file("--ca", out.ca,
           "whose certificates servers may show (PEM); default: whom this machine trusts");
  const char* key_names = key == KeyFlag::kTls ? "--tls-key,--key" : "--tls-key";
  CLI::Option* own =
      add_file("--tls-cert,--cert", out.certificate, "our own certificate and its chain (PEM)");
  CLI::Option* own_key = add_file(key_names, out.key, "our certificate's private key (PEM)");
  own->needs(own_key);
  own_key->needs(own);
  command
      .add_option("--server-name", out.server_name,
                  "whom the server's certificate must be for; default: TARGET's host, or localhost")
      ->type_name("NAME")
      ->excludes(plaintext);
  command
      .add_flag("--skip-verify", out.skip_verify,
                "trust any certificate: encrypted, but to whom is unknown")
      ->excludes(plaintext);
}

Result<void> use_target_tls(const TargetOptions& target, rpc::ChannelOptions& channel) {
  if (!target.uses_tls()) return {};
  auto ca = read_pem("--ca", target.ca);
  if (!ca) return std::unexpected(ca.error());
  auto certificate = read_pem("--tls-cert", target.certificate);
  if (!certificate) return std::unexpected(certificate.error());
  auto key = read_pem("--tls-key", target.key);
  if (!key) return std::unexpected(key.error());
  auto context = tls::ClientContext::make(
      {*std::move(ca), *std::move(certificate), *std::move(key), target.skip_verify});
  if (!context) return std::unexpected(context.error());
  channel.tls = *std::move(context);
  channel.tls_server_name = target.server_name;
  return {};
}

}  // namespace saker::app

// `saker verify`: asks the Crypto service whether a signature is one of its keys'.
// Exit code 0: it is; 1: it is not.
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "crypto_request.h"
#include "interrupt.h"
#include "saker/services/crypto/signing_limits.h"

namespace saker::app {
namespace {

struct VerifyOptions {
  CryptoTarget target;
  SigningInput input;
  std::string signature;
};

int run_verify(const VerifyOptions& options) {
  static const rpc::ClientMethod verify("/saker.crypto.v1.Crypto/Verify");
  const Interrupt interrupt(exit_interrupted);
  crypto::v1::VerifyRequest request;
  auto signature = read_input(options.signature);
  if (!signature) return fail_usage(signature.error().message);
  request.set_signature_crc32c(checksum(*signature));
  request.set_signature(*std::move(signature));
  set_signing(options.input, request);
  auto input = read_input(options.input.file);
  if (!input) return fail_usage(input.error().message);
  const bool is_long = !options.input.is_digest && input->size() > crypto::kMaxMessageBytes;
  if (is_long) input = hash_input(*options.input.algorithm, *input);
  if (!input) return fail_usage(input.error().message);
  set_input(*std::move(input), is_long || options.input.is_digest, request);
  crypto::v1::VerifyReply reply;
  if (const int code = call_crypto(options.target, verify, request, reply)) return code;
  if (options.target.json) {
    nlohmann::ordered_json document;
    document["valid"] = reply.valid();
    document["key"] = reply.key_name();
    document["version"] = reply.key_version();
    std::cout << document.dump(2) << '\n';
  } else {
    std::cout << (reply.valid() ? "valid" : "NOT valid") << ": key " << reply.key_name()
              << " version " << reply.key_version() << '\n';
  }
  return reply.valid() ? kExitOk : kExitFailed;
}

}  // namespace

void add_verify_command(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App& command = *app.add_subcommand("verify", "check a signature with the server's key");
  add_crypto_target(command, options->target);
  add_signing_input(command, options->input);
  command.add_option("--signature", options->signature, "file with the signature, in raw bytes")
      ->required();
  command.footer(
      "Example:\n"
      "  saker verify --key-type ec-p256 --algorithm ECDSA_P256_SHA256 --in report.pdf "
      "--signature report.sig");
  command.callback([options, &exit_code] { exit_code = run_verify(*options); });
}

}  // namespace saker::app

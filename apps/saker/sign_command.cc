// `saker sign`: one signature from the Crypto service.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "crypto_request.h"

namespace saker::app {
namespace {

struct SignOptions {
  CryptoTarget target;
  SigningInput input;
  std::string out = "-";
};

int print_json(const crypto::v1::SignReply& reply, const SignOptions& options) {
  nlohmann::ordered_json document;
  document["key"] = reply.key_name();
  document["version"] = reply.key_version();
  document["algorithm"] = crypto::name(*options.input.algorithm);
  document["signature"] = to_base64(reply.signature());
  document["input_crc32c_verified"] = reply.input_crc32c_verified();
  std::cout << document.dump(2) << '\n';
  return kExitOk;
}

int run_sign(const SignOptions& options) {
  static const rpc::ClientMethod sign("/saker.crypto.v1.Crypto/Sign");
  crypto::v1::SignRequest request;
  if (auto filled = fill_request(options.input, request); !filled) {
    return fail_usage(filled.error().message);
  }
  crypto::v1::SignReply reply;
  if (const int code = call_crypto(options.target, sign, request, reply)) return code;
  if (checksum(reply.signature()) != reply.signature_crc32c()) {
    return report_status({grpc::StatusCode::kDataLoss, "the signature was damaged on its way", {}});
  }
  if (options.target.json) return print_json(reply, options);
  const bool to_terminal = options.out == "-" && isatty(STDOUT_FILENO) != 0;
  const auto written = to_terminal ? write_output("-", to_base64(reply.signature()) + "\n")
                                   : write_output(options.out, reply.signature());
  if (!written) return fail_usage(written.error().message);
  std::cerr << "signed with key " << reply.key_name() << " version " << reply.key_version() << '\n';
  return kExitOk;
}

}  // namespace

void add_sign_command(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<SignOptions>();
  CLI::App& command =
      *app.add_subcommand("sign", "sign a file with a key that never leaves the server");
  add_crypto_target(command, options->target);
  add_signing_input(command, options->input);
  command.add_option("--out", options->out,
                     "file for the signature; - is standard output, in base64 on a terminal (-)");
  command.footer(
      "Examples:\n"
      "  saker sign --key-type ec-p256 --algorithm ECDSA_P256_SHA256 --in report.pdf --out "
      "report.sig\n"
      "  sha256sum report.pdf | cut -c1-64 | xxd -r -p |\n"
      "    saker sign vsock:42:50051 --key rsa-2048 --algorithm RSA_PSS_SHA256 --digest > "
      "report.sig");
  command.callback([options, &exit_code] { exit_code = run_sign(*options); });
}

}  // namespace saker::app

// `saker sign`: one signature from the Crypto service.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "crypto_request.h"
#include "interrupt.h"
#include "output_file.h"
#include "saker/services/crypto/signing_limits.h"
#include "sign_stream.h"

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

// What does not fit into one request goes as a stream.
int call_sign(const SignOptions& options, crypto::v1::SignReply& reply) {
  static const rpc::ClientMethod sign("/saker.crypto.v1.Crypto/Sign");
  auto source = InputSource::open(options.input.file);
  if (!source) return fail_usage(source.error().message);
  auto head = source->read(crypto::kMaxMessageBytes + 1);
  if (!head) return fail_usage(head.error().message);
  if (!options.input.is_digest && head->size() > crypto::kMaxMessageBytes)
    return call_sign_stream(options.target, options.input, *std::move(head), *source, reply);
  crypto::v1::SignRequest request;
  set_signing(options.input, request);
  set_input(*std::move(head), options.input.is_digest, request);
  return call_crypto(options.target, sign, request, reply);
}

// The output is opened first: no signature is made, and recorded, that has nowhere to go.
int run_sign(const SignOptions& options) {
  auto output = OutputFile::open(options.target.json ? "-" : options.out);
  if (!output) return fail_usage(output.error().message);
  const Interrupt interrupt([&](int count) {
    (*output)->discard();
    exit_interrupted(count);
  });
  crypto::v1::SignReply reply;
  if (const int code = call_sign(options, reply)) return code;
  if (checksum(reply.signature()) != reply.signature_crc32c()) {
    return report_status({grpc::StatusCode::kDataLoss, "the signature was damaged on its way", {}});
  }
  if (options.target.json) return print_json(reply, options);
  const bool to_terminal = options.out == "-" && isatty(STDOUT_FILENO) != 0;
  const auto written =
      (*output)->write(to_terminal ? to_base64(reply.signature()) + "\n" : reply.signature());
  if (!written) return report_written(written);
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

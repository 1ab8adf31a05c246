// saker bench sign: one signature algorithm under load, signatures verified
// with the server's public key.
#include <memory>

#include "bench_command.h"
#include "bench_sign_workload.h"
#include "commands.h"
#include "crypto_request.h"
#include "interrupt.h"

namespace saker::app {
namespace {

struct BenchSignOptions {
  BenchOptions bench;
  KeyChoice key;
  std::optional<crypto::Algorithm> algorithm;
  uint64_t verify_every = 1;
};

// Asks the server for the key that the run is about: set-up, which the report knows nothing of.
int find_key(const BenchSignOptions& options, SignLoad& load) {
  static const rpc::ClientMethod get("/saker.crypto.v1.Crypto/GetPublicKey");
  crypto::v1::GetPublicKeyRequest request;
  set_key(options.key, request);
  crypto::v1::GetPublicKeyReply reply;
  CryptoTarget target;
  target.target = options.bench.target;
  target.deadline = options.bench.connect_timeout;
  const Interrupt interrupt(exit_interrupted);
  if (call_crypto(target, get, request, reply) != kExitOk) return kExitUsage;
  const auto type = crypto::key_type_from_number(reply.key().type());
  if (!type || !crypto::is_allowed(*type, *options.algorithm)) {
    return fail_usage("key " + reply.key().name() + " does not go with " +
                      std::string(crypto::name(*options.algorithm)));
  }
  load.key_name = reply.key().name();
  load.type = *type;
  load.algorithm = *options.algorithm;
  load.public_key_der = reply.der();
  load.verify_every = options.verify_every;
  return kExitOk;
}

}  // namespace

void add_bench_sign_command(CLI::App& bench, int& exit_code) {
  const auto options = std::make_shared<BenchSignOptions>();
  options->bench.streams = 10;
  options->bench.connections = 2;
  CLI::App& command = *bench.add_subcommand("sign", "signatures of one algorithm, verified");
  add_bench_options(command, options->bench, KeyFlag::kSigning);
  add_key_choice(command, options->key);
  add_algorithm(command, options->algorithm);
  add_count(command, "--verify-every", options->verify_every, 0, UINT32_MAX,
            "verify every so many signatures with the public key; 0: none")
      ->default_str("1");
  command.footer(
      "Examples:\n"
      "  saker bench sign --key-type ec-p256 --algorithm ECDSA_P256_SHA256 -z 5s\n"
      "  saker bench sign --key rsa-2048 --algorithm RSA_PSS_SHA256 -c 4 -m 4 --verify-every 10");
  command.callback([options, &exit_code] {
    SignLoad load;
    exit_code = find_key(*options, load);
    if (exit_code == kExitOk) exit_code = run_bench(options->bench, SignWorkload(std::move(load)));
  });
}

}  // namespace saker::app

// saker bench sign: one signature algorithm, or a weighted mix of them, under load; signatures
// verified with the server's public keys.
#include <memory>

#include "bench_command.h"
#include "bench_sign_workload.h"
#include "commands.h"
#include "crypto_request.h"
#include "interrupt.h"
#include "sign_mix.h"
#include "version.h"

namespace saker::app {
namespace {

struct BenchSignOptions {
  BenchOptions bench;
  KeyChoice key;
  std::optional<crypto::Algorithm> algorithm;
  std::vector<SignMixEntry> mix;
  uint64_t verify_every = 1;
};

// Asks the server for a key that the run is about: set-up, which the report knows nothing of.
int find_key(const BenchSignOptions& options, const KeyChoice& key, SignLoad& load) {
  static const rpc::ClientMethod get("/saker.crypto.v1.Crypto/GetPublicKey");
  crypto::v1::GetPublicKeyRequest request;
  set_key(key, request);
  crypto::v1::GetPublicKeyReply reply;
  CryptoTarget target;
  target.target = options.bench.target;
  target.metadata = options.bench.metadata;
  target.deadline = options.bench.connect_timeout;
  if (call_crypto(target, get, request, reply) != kExitOk) return kExitUsage;
  const auto type = crypto::key_type_from_number(reply.key().type());
  if (!type || !crypto::is_allowed(*type, load.algorithm)) {
    return fail_usage("key " + reply.key().name() + " does not go with " +
                      std::string(crypto::name(load.algorithm)));
  }
  load.key_name = reply.key().name();
  load.type = *type;
  load.public_key_der = reply.der();
  return kExitOk;
}

int find_loads(const BenchSignOptions& options, SignLoads& all) {
  const Interrupt interrupt(exit_interrupted);
  if (options.mix.empty()) {
    all.loads.emplace_back().algorithm = *options.algorithm;
    return find_key(options, options.key, all.loads.front());
  }
  all.is_mix = true;
  for (const SignMixEntry& entry : options.mix) {
    SignLoad& load = all.loads.emplace_back();
    load.algorithm = entry.algorithm;
    load.weight = entry.weight;
    KeyChoice key;
    key.name = entry.key;
    if (const int code = find_key(options, key, load)) return code;
  }
  return kExitOk;
}

// Those of `saker bench sign` alone, for the report.
std::string sign_flags(const BenchSignOptions& options, const SignLoads& all) {
  std::string text;
  for (const SignLoad& load : all.loads) {
    const std::string algorithm(crypto::name(load.algorithm));
    if (!all.is_mix) {
      text = "--algorithm " + algorithm + " --key " + in_shell(load.key_name);
      break;
    }
    text += text.empty() ? "" : ",";
    text += algorithm + "@" + load.key_name + "=" + std::to_string(load.weight);
  }
  if (all.is_mix) text = "--mix " + in_shell(text);
  if (options.key.version != 0) text += " --key-version " + std::to_string(options.key.version);
  return text + " --verify-every " + std::to_string(options.verify_every);
}

int run_bench_sign(BenchSignOptions& options) {
  if (options.mix.empty() && !options.algorithm) {
    return fail_usage("--algorithm is required, with --key or --key-type; or --mix");
  }
  if (options.mix.empty() && options.key.name.empty() && !options.key.type) {
    return fail_usage("--key or --key-type is required");
  }
  SignLoads all;
  all.verify_every = options.verify_every;
  all.threads = options.bench.threads;
  if (const int code = find_loads(options, all)) return code;
  options.bench.workload_flags = sign_flags(options, all);
  return run_bench(options.bench, SignWorkload(std::move(all)));
}

// One algorithm and key, or several of them.
void add_load(CLI::App& command, BenchSignOptions& options) {
  CLI::Option_group* key = add_key_choice(command, options.key);
  key->require_option(0, 1);
  CLI::Option* algorithm = add_algorithm(command, options.algorithm)->required(false);
  CLI::Option* mix = add_parsed(command, "--mix", options.mix, parse_sign_mix,
                                "several algorithms and keys with their weights, instead of "
                                "--algorithm and --key: ALGORITHM@KEY=WEIGHT,…")
                         ->type_name("MIX")
                         ->excludes(algorithm);
  for (CLI::Option* option : key->get_options()) mix->excludes(option);
  mix->excludes(command.get_option("--key-version"));
}

}  // namespace

void add_bench_sign_command(CLI::App& bench, int& exit_code) {
  const auto options = std::make_shared<BenchSignOptions>();
  options->bench.streams = 10;
  options->bench.connections = 2;
  CLI::App& command =
      *bench.add_subcommand("sign", "signatures of one algorithm or several, verified");
  add_bench_options(command, options->bench, KeyFlag::kSigning);
  add_report_options(command, options->bench.report, "--format,--report-format");
  add_load(command, *options);
  add_count(command, "--verify-every", options->verify_every, 0, UINT32_MAX,
            "verify every so many signatures with the public key; 0: none")
      ->default_str("1");
  command.footer(
      "Examples:\n"
      "  saker bench sign --key-type ec-p256 --algorithm ECDSA_P256_SHA256 -z 5s\n"
      "  saker bench sign --key rsa-2048 --algorithm RSA_PSS_SHA256 -c 4 -m 4 --verify-every 10\n"
      "  saker bench sign --mix 'ECDSA_P256_SHA256@ec-p256=70, RSA_PSS_SHA256@rsa-2048=30'");
  command.callback([options, &exit_code] { exit_code = run_bench_sign(*options); });
}

}  // namespace saker::app

#include "bench_sign_workload.h"

#include <cstring>

#include "saker/base/crc32c.h"
#include "sign_mix.h"

namespace saker::app {
namespace {

std::vector<uint8_t> pattern_of(const SignLoads& all) {
  std::vector<uint64_t> weights;
  for (const SignLoad& load : all.loads) weights.push_back(load.weight);
  return mix_pattern(weights);
}

}  // namespace

SignWorkload::SignWorkload(SignLoads loads) : all_(std::move(loads)), pattern_(pattern_of(all_)) {}

const rpc::ClientMethod& SignWorkload::method() {
  static const rpc::ClientMethod sign("/saker.crypto.v1.Crypto/Sign");
  return sign;
}

void SignWorkload::set_load(const SignLoad& load, Request& request) {
  request.set_key_name(load.key_name);
  request.set_algorithm(static_cast<crypto::v1::Algorithm>(load.algorithm));
  request.mutable_digest()->assign(crypto::digest_bytes(load.algorithm), '\x5A');
}

void SignWorkload::prepare(Request& request, uint64_t sequence, int64_t wall_ns) const {
  if (pattern_.size() > 1) set_load(all_.loads[load_of(sequence)], request);
  char* digest = request.mutable_digest()->data();
  std::memcpy(digest, &sequence, sizeof sequence);
  std::memcpy(digest + sizeof sequence, &wall_ns, sizeof wall_ns);
}

size_t SignWorkload::load_of(const Request& request) const {
  uint64_t sequence = 0;
  std::memcpy(&sequence, request.digest().data(), sizeof sequence);
  return load_of(sequence);
}

void SignWorkload::add_to(bench::Report& report,
                          const std::vector<const Checker*>& checkers) const {
  if (!all_.is_mix) return;
  for (size_t i = 0; i < all_.loads.size(); ++i) {
    const SignLoad& load = all_.loads[i];
    bench::MixReport& row = report.mix.emplace_back();
    row.algorithm = crypto::name(load.algorithm);
    row.key = load.key_name;
    row.weight = load.weight;
    for (const Checker* checker : checkers) {
      row.errors += checker->states_[i].errors;
      row.corrected.merge(checker->states_[i].corrected);
    }
    row.calls = row.corrected.count();
  }
}

SignWorkload::Checker::Checker(const SignWorkload& workload)
    : workload_(workload), states_(workload.all_.loads.size()) {}

const char* SignWorkload::Checker::check(const Request& request, const Reply& reply) {
  const size_t number = workload_.load_of(request);
  const SignLoad& load = workload_.all_.loads[number];
  const uint64_t verify_every = workload_.all_.verify_every;
  State& state = states_[number];
  if (reply.key_name() != load.key_name) return "another key";
  if (crc32c(as_bytes(reply.signature())) != reply.signature_crc32c()) return "a damaged signature";
  if (verify_every == 0 || --state.countdown != 0) return nullptr;
  state.countdown = verify_every;
  if (state.verifier == nullptr) {
    auto made = crypto::make_openssl_verifier(load.type, as_bytes(load.public_key_der));
    if (!made) return "a public key that can't be used";
    state.verifier = *std::move(made);
  }
  const auto valid =
      state.verifier->verify(load.algorithm, as_bytes(request.digest()),
                             crypto::SignatureFormat::kDer, as_bytes(reply.signature()));
  return valid && *valid ? nullptr : "a signature that does not verify";
}

void SignWorkload::Checker::record(const Request& request, Duration latency, bool good) {
  if (!workload_.all_.is_mix) return;
  State& state = states_[workload_.load_of(request)];
  state.corrected.record(latency);
  if (!good) ++state.errors;
}

}  // namespace saker::app

// What signing costs, on one thread. sign/...: the bare library call and the same through Signer,
// by turns on the same key, so that a machine that is busy slows both alike; `signer_to_bare` is
// the median over the pairs and may not fall below 0.97. candidate/...: the libraries that could
// stand behind an algorithm. Figures and what follows from them:
// docs/decisions/0003-signature-libraries.md.
#include <benchmark/benchmark.h>
#include <gmp.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <nettle/rsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <time.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "saker/services/crypto/digester.h"
#include "saker/services/crypto/signer.h"

namespace saker::crypto {
namespace {

using Call = std::function<bool()>;
using Maker = Result<std::unique_ptr<Signer>> (*)(const PrivateKey&);

double thread_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double timed(const Call& call, benchmark::State& state) {
  const double start = thread_cpu_seconds();
  if (!call()) state.SkipWithError("the call failed");
  return thread_cpu_seconds() - start;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// One of each an iteration, the first of the two by turns.
void run_pairs(benchmark::State& state, const Call& bare, const Call& signer) {
  std::vector<double> bare_seconds;
  std::vector<double> signer_seconds;
  std::vector<double> ratios;
  bool bare_first = false;
  for (auto _ : state) {
    bare_first = !bare_first;
    const double first = timed(bare_first ? bare : signer, state);
    const double second = timed(bare_first ? signer : bare, state);
    bare_seconds.push_back(bare_first ? first : second);
    signer_seconds.push_back(bare_first ? second : first);
    ratios.push_back(bare_seconds.back() / signer_seconds.back());
  }
  state.counters["bare_per_second"] = 1 / median(bare_seconds);
  state.counters["signer_per_second"] = 1 / median(signer_seconds);
  state.counters["signer_to_bare"] = median(ratios);
}

void run_alone(benchmark::State& state, const Call& call) {
  std::vector<double> seconds;
  for (auto _ : state) seconds.push_back(timed(call, state));
  state.counters["per_second"] = 1 / median(seconds);
}

// What a signature is made of, alive for one benchmark.
struct Subject {
  Subject(Algorithm wanted, KeyType type, Maker make)
      : algorithm(wanted),
        key(std::move(*PrivateKey::generate(type))),
        signer(std::move(*make(key))),
        digest(digest_bytes(wanted), 7),
        out(kMaxSignatureBytes) {}

  Call signs() {
    return
        [this] { return signer->sign(algorithm, digest, SignatureFormat::kDer, out).has_value(); };
  }
  Call verifies() {
    signature = out;
    signature.resize(signer->sign(algorithm, digest, SignatureFormat::kDer, signature).value_or(0));
    return [this] {
      return signer->verify(algorithm, digest, SignatureFormat::kDer, signature).value_or(false);
    };
  }

  // Of another digest.
  Call refuses() {
    const Call verify = verifies();
    digest[0] ^= 1;
    return [verify] { return !verify(); };
  }

  Algorithm algorithm;
  PrivateKey key;
  std::unique_ptr<Signer> signer;
  std::vector<uint8_t> digest;
  std::vector<uint8_t> out;
  std::vector<uint8_t> signature;
};

const EVP_MD* method_of(Algorithm algorithm) {
  const size_t bytes = digest_bytes(algorithm);
  return bytes == 32 ? EVP_sha256() : bytes == 48 ? EVP_sha384() : EVP_sha512();
}

// The bare loop of OpenSSL: one context, EVP_PKEY_sign and nothing else.
void openssl_pairs(benchmark::State& state, Algorithm algorithm, KeyType type) {
  Subject subject(algorithm, type, make_openssl_signer);
  const auto pkey = subject.key.duplicate();
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_pkey(nullptr, pkey->get(), nullptr);
  EVP_PKEY_sign_init(context);
  const int padding = is_pss(algorithm) ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
  if (is_rsa(type)) EVP_PKEY_CTX_set_rsa_padding(context, padding);
  if (is_pss(algorithm)) EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST);
  EVP_PKEY_CTX_set_signature_md(context, method_of(algorithm));
  const Call bare = [&] {
    size_t length = subject.out.size();
    return EVP_PKEY_sign(context, subject.out.data(), &length, subject.digest.data(),
                         subject.digest.size()) == 1;
  };
  run_pairs(state, bare, subject.signs());
  EVP_PKEY_CTX_free(context);
}

void fill_nonce(void*, size_t size, uint8_t* out) {
  HedgedNonces nonces;
  const uint8_t nothing[48] = {};
  for (; size > 0; size -= std::min<size_t>(size, 48), out += 48) {
    if (!nonces.fill(nothing, nothing, {out, std::min<size_t>(size, 48)})) *out = 1;
  }
}

// nettle's own high-level calls, the nonces from the same source as the signer's.
struct NettleEcdsa {
  explicit NettleEcdsa(const ecc_curve* curve, size_t bytes) : digest(bytes, 7) {
    ecc_point_init(&point, curve);
    ecc_scalar_init(&scalar, curve);
    dsa_signature_init(&signature);
    ecdsa_generate_keypair(&point, &scalar, nullptr, fill_nonce);
  }
  ~NettleEcdsa() {
    dsa_signature_clear(&signature);
    ecc_scalar_clear(&scalar);
    ecc_point_clear(&point);
  }
  bool sign() {
    ecdsa_sign(&scalar, nullptr, fill_nonce, digest.size(), digest.data(), &signature);
    return true;
  }
  bool verify() { return ecdsa_verify(&point, digest.size(), digest.data(), &signature) == 1; }

  std::vector<uint8_t> digest;
  ecc_point point;
  ecc_scalar scalar;
  dsa_signature signature;
};

void nettle_pairs(benchmark::State& state) {
  Subject subject(Algorithm::kEcdsaP384Sha384, KeyType::kEcP384, make_signer);
  NettleEcdsa bare(nettle_get_secp_384r1(), 48);
  run_pairs(state, [&] { return bare.sign(); }, subject.signs());
}

void nettle_p256(benchmark::State& state, bool verify) {
  NettleEcdsa bare(nettle_get_secp_256r1(), 32);
  bare.sign();
  run_alone(state, [&] { return verify ? bare.verify() : bare.sign(); });
}

void nettle_rsa(benchmark::State& state, KeyType type, bool verify) {
  rsa_public_key pub;
  rsa_private_key priv;
  mpz_t signature;
  rsa_public_key_init(&pub);
  rsa_private_key_init(&priv);
  mpz_init(signature);
  mpz_set_ui(pub.e, 65537);
  const auto bits = static_cast<unsigned>(key_bits(type));
  if (!rsa_generate_keypair(&pub, &priv, nullptr, fill_nonce, nullptr, nullptr, bits, 0))
    state.SkipWithError("cannot generate a key");
  const uint8_t digest[32] = {7};
  const Call sign = [&] {
    return rsa_sha256_sign_digest_tr(&pub, &priv, nullptr, fill_nonce, digest, signature) == 1;
  };
  sign();
  const Call check = [&] { return rsa_sha256_verify_digest(&pub, digest, signature) == 1; };
  run_alone(state, verify ? check : sign);
  mpz_clear(signature);
  rsa_private_key_clear(&priv);
  rsa_public_key_clear(&pub);
}

void signer_alone(benchmark::State& state, Algorithm algorithm, KeyType type, Maker make,
                  bool verify) {
  Subject subject(algorithm, type, make);
  run_alone(state, verify ? subject.verifies() : subject.signs());
}

void signer_refuses(benchmark::State& state, Algorithm algorithm, KeyType type) {
  Subject subject(algorithm, type, make_signer);
  run_alone(state, subject.refuses());
}

void digest_message(benchmark::State& state, Hash hash) {
  auto digester = Digester::make();
  const std::vector<uint8_t> message(static_cast<size_t>(state.range(0)), 7);
  uint8_t out[kMaxDigestBytes];
  for (auto _ : state) benchmark::DoNotOptimize(digester->digest(hash, message, out));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}

std::string label(const char* what, Algorithm algorithm, KeyType type) {
  return what + std::string(name(algorithm)) + '/' + std::string(name(type));
}

void register_pair(Algorithm algorithm, KeyType type) {
  const std::string sign = label("sign/", algorithm, type);
  if (type == KeyType::kEcP384) {
    benchmark::RegisterBenchmark(sign.c_str(), nettle_pairs);
  } else {
    benchmark::RegisterBenchmark(sign.c_str(), openssl_pairs, algorithm, type);
  }
  benchmark::RegisterBenchmark(label("verify/", algorithm, type).c_str(), signer_alone, algorithm,
                               type, make_signer, true);
  benchmark::RegisterBenchmark(label("refuse/", algorithm, type).c_str(), signer_refuses, algorithm,
                               type);
}

void register_candidates() {
  constexpr auto kP384 = Algorithm::kEcdsaP384Sha384;
  for (const bool verify : {false, true}) {
    const std::string what = verify ? "candidate/verify/" : "candidate/sign/";
    benchmark::RegisterBenchmark((what + "openssl/ec-p384").c_str(), signer_alone, kP384,
                                 KeyType::kEcP384, make_openssl_signer, verify);
    benchmark::RegisterBenchmark((what + "nettle/ec-p256").c_str(), nettle_p256, verify);
    for (const KeyType type : {KeyType::kRsa2048, KeyType::kRsa3072, KeyType::kRsa4096})
      benchmark::RegisterBenchmark((what + "nettle/" + std::string(name(type))).c_str(), nettle_rsa,
                                   type, verify);
  }
}

void register_all() {
  for (const KeyType type : kKeyTypes) {
    for (const Algorithm algorithm : allowed_algorithms(type)) register_pair(algorithm, type);
  }
  register_candidates();
  benchmark::RegisterBenchmark("digest/SHA256", digest_message, Hash::kSha256)->Arg(32)->Arg(1024);
  benchmark::RegisterBenchmark("digest/SHA384", digest_message, Hash::kSha384)->Arg(32)->Arg(1024);
}

}  // namespace
}  // namespace saker::crypto

int main(int argc, char** argv) {
#if !defined(NDEBUG) || defined(SAKER_DCHECKS)
  fputs("crypto_benchmark: this is a debug build; its figures would mean nothing\n", stderr);
  return 2;
#endif
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  saker::crypto::register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

#include "bench_sign_workload.h"

#include <cstring>

#include "saker/base/crc32c.h"

namespace saker::app {

const rpc::ClientMethod& SignWorkload::method() {
  static const rpc::ClientMethod sign("/saker.crypto.v1.Crypto/Sign");
  return sign;
}

void SignWorkload::begin(Request& request) const {
  request.set_key_name(load_.key_name);
  request.set_algorithm(static_cast<crypto::v1::Algorithm>(load_.algorithm));
  request.mutable_digest()->assign(crypto::digest_bytes(load_.algorithm), '\x5A');
}

void SignWorkload::prepare(Request& request, uint64_t sequence, int64_t wall_ns) const {
  char* digest = request.mutable_digest()->data();
  std::memcpy(digest, &sequence, sizeof sequence);
  std::memcpy(digest + sizeof sequence, &wall_ns, sizeof wall_ns);
}

const char* SignWorkload::Checker::check(const Request& request, const Reply& reply) {
  if (reply.key_name() != load_.key_name) return "another key";
  if (crc32c(as_bytes(reply.signature())) != reply.signature_crc32c()) return "a damaged signature";
  if (load_.verify_every == 0 || --countdown_ != 0) return nullptr;
  countdown_ = load_.verify_every;
  if (verifier_ == nullptr) {
    auto made = crypto::make_openssl_verifier(load_.type, as_bytes(load_.public_key_der));
    if (!made) return "a public key that can't be used";
    verifier_ = *std::move(made);
  }
  const auto valid = verifier_->verify(load_.algorithm, as_bytes(request.digest()),
                                       crypto::SignatureFormat::kDer, as_bytes(reply.signature()));
  return valid && *valid ? nullptr : "a signature that does not verify";
}

}  // namespace saker::app

// What one signature or verification needs: the request checked and resolved (Plan), and a worker's
// key objects and buffers (SigningWorker). Knows the messages
// of crypto.proto, no calls and no threads.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <vector>

#include "saker/crypto/v1/crypto.pb.h"
#include "saker/grpc/status.h"
#include "saker/services/crypto/digester.h"
#include "saker/services/crypto/key_ring.h"
#include "saker/services/crypto/signer.h"
#include "saker/services/crypto/worker_pool.h"

namespace saker::crypto {

// A request that passed every check that needs no arithmetic. Views point into the request.
struct Plan {
  const Key* key = nullptr;
  Algorithm algorithm{};
  SignatureFormat format{};
  Bytes input;
  bool is_digest = false;
  bool input_verified = false;  // a checksum was given and it matched
};

// The errors are those that crypto.proto promises.
std::expected<Plan, grpc::Status> plan_signature(const KeyRing& keys,
                                                 const v1::SignRequest& request);
std::expected<Plan, grpc::Status> plan_verification(const KeyRing& keys,
                                                    const v1::VerifyRequest& request);
std::expected<const Key*, grpc::Status> find_key(const KeyRing& keys,
                                                 const v1::GetPublicKeyRequest& request);

Lane signing_lane(const Plan& plan);
Lane verification_lane(const Plan& plan);

// One worker's means. Made empty; key objects come into being on first use,
// on the worker's own thread.
class SigningWorker {
 public:
  explicit SigningWorker(size_t keys) : signers_(keys) {}

  grpc::Status sign(const Plan& plan, v1::SignReply& reply);
  grpc::Status verify(const Plan& plan, const std::string& signature, v1::VerifyReply& reply);

 private:
  Result<Signer*> signer_for(const Key& key);
  std::expected<Bytes, grpc::Status> digest_for(const Plan& plan);

  std::vector<std::unique_ptr<Signer>> signers_;  // by key index
  std::optional<Digester> digester_;
  std::array<uint8_t, kMaxDigestBytes> digest_{};
};

}  // namespace saker::crypto

// What one signature or verification needs: the request checked and resolved (Plan), and a worker's
// buffers (SigningWorker). Knows the messages of crypto.proto and who may use which key, no calls
// and no threads. docs/crypto.md has the table of all errors.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <vector>

#include "saker/crypto/v1/crypto.pb.h"
#include "saker/grpc/status.h"
#include "saker/services/crypto/audit_record.h"
#include "saker/services/crypto/crypto_state.h"
#include "saker/services/crypto/digester.h"
#include "saker/services/crypto/worker_pool.h"

namespace saker::crypto {

// A request that passed every check that needs no arithmetic. Pointers go into the caller's state,
// views into the request.
struct Plan {
  const Key* key = nullptr;
  const KeyVersion* version = nullptr;
  const RateLimit* rate = nullptr;  // null: none
  Algorithm algorithm{};
  SignatureFormat format{};
  Bytes input;
  bool is_digest = false;
  bool input_verified = false;  // a checksum was given and it matched
};

grpc::Status invalid_argument(std::string message);

// The errors are those that crypto.proto promises.
std::expected<Plan, grpc::Status> plan_signature(const Caller& caller,
                                                 const v1::SignRequest& request);
std::expected<Plan, grpc::Status> plan_verification(const Caller& caller,
                                                    const v1::VerifyRequest& request);
// Without its input.
std::expected<Plan, grpc::Status> plan_stream(const Caller& caller,
                                              const v1::SignStreamStart& start);

struct FoundKey {
  const Key* key;
  const KeyVersion* version;
};
std::expected<FoundKey, grpc::Status> find_key(const Caller& caller,
                                               const v1::GetPublicKeyRequest& request);

Lane signing_lane(const Plan& plan);
Lane verification_lane(const Plan& plan);

// One worker's means; used on the worker's own thread.
class SigningWorker {
 public:
  explicit SigningWorker(size_t index) : index_(index) {}

  // `digest`, unless null, gets what was signed.
  grpc::Status sign(const Plan& plan, v1::SignReply& reply, MessageDigest* digest);
  grpc::Status verify(const Plan& plan, const std::string& signature, v1::VerifyReply& reply);

 private:
  std::expected<Bytes, grpc::Status> digest_for(const Plan& plan);

  size_t index_;
  std::optional<Digester> digester_;
  std::array<uint8_t, kMaxDigestBytes> digest_{};
};

}  // namespace saker::crypto

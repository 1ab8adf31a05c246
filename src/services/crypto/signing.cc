#include "saker/services/crypto/signing.h"

#include "saker/base/crc32c.h"
#include "saker/services/crypto/signing_limits.h"

namespace saker::crypto {
namespace {

using grpc::Status;
using grpc::StatusCode;

Status invalid(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message), {}};
}

// The key that a request means: by name, or its type's default.
template <typename Request>
std::expected<const Key*, Status> resolve_key(const KeyRing& keys, const Request& request) {
  if (request.key_case() == Request::kKeyName) {
    if (const Key* key = keys.find(std::string_view(request.key_name()))) return key;
    return std::unexpected(
        Status{StatusCode::kNotFound, "no key \"" + request.key_name() + "\"", {}});
  }
  if (request.key_case() != Request::kKeyType) {
    return std::unexpected(invalid("the request names no key: set key_name or key_type"));
  }
  const auto type = key_type_from_number(request.key_type());
  if (!type) return std::unexpected(invalid("unknown key_type"));
  if (const Key* key = keys.find(*type)) return key;
  return std::unexpected(
      Status{StatusCode::kNotFound, "no key of type " + std::string(name(*type)), {}});
}

std::optional<Status> check_input(const Plan& plan) {
  if (plan.is_digest && plan.input.size() != digest_bytes(plan.algorithm)) {
    return invalid("the digest has " + std::to_string(plan.input.size()) + " bytes, " +
                   std::string(name(plan.algorithm)) + " takes " +
                   std::to_string(digest_bytes(plan.algorithm)));
  }
  if (!plan.is_digest && plan.input.size() > kMaxMessageBytes) {
    return invalid("a message of " + std::to_string(plan.input.size()) + " bytes is over " +
                   std::to_string(kMaxMessageBytes) + ": send its digest");
  }
  return std::nullopt;
}

template <typename Request>
std::expected<Plan, Status> plan_request(const KeyRing& keys, const Request& request) {
  const auto key = resolve_key(keys, request);
  if (!key) return std::unexpected(key.error());
  const auto algorithm = algorithm_from_number(request.algorithm());
  if (!algorithm) return std::unexpected(invalid("the request names no known algorithm"));
  if (!is_allowed((*key)->type(), *algorithm)) {
    return std::unexpected(invalid(std::string(name(*algorithm)) + " does not go with key \"" +
                                   (*key)->name + "\" of type " +
                                   std::string(name((*key)->type()))));
  }
  if (request.signature_format() != v1::SIGNATURE_FORMAT_DER &&
      request.signature_format() != v1::SIGNATURE_FORMAT_P1363) {
    return std::unexpected(invalid("unknown signature_format"));
  }
  Plan plan;
  plan.key = *key;
  plan.algorithm = *algorithm;
  plan.format = static_cast<SignatureFormat>(request.signature_format());
  plan.is_digest = request.input_case() == Request::kDigest;
  if (!plan.is_digest && request.input_case() != Request::kMessage) {
    return std::unexpected(invalid("the request has no input: set message or digest"));
  }
  plan.input = as_bytes(plan.is_digest ? request.digest() : request.message());
  if (auto wrong = check_input(plan)) return std::unexpected(*std::move(wrong));
  if (request.has_input_crc32c()) {
    if (crc32c(plan.input) != request.input_crc32c()) {
      return std::unexpected(invalid("input_crc32c does not match the input"));
    }
    plan.input_verified = true;
  }
  return plan;
}

}  // namespace

std::expected<Plan, Status> plan_signature(const KeyRing& keys, const v1::SignRequest& request) {
  return plan_request(keys, request);
}

std::expected<Plan, Status> plan_verification(const KeyRing& keys,
                                              const v1::VerifyRequest& request) {
  auto plan = plan_request(keys, request);
  if (plan && request.has_signature_crc32c() &&
      crc32c(as_bytes(request.signature())) != request.signature_crc32c()) {
    return std::unexpected(invalid("signature_crc32c does not match the signature"));
  }
  return plan;
}

std::expected<const Key*, Status> find_key(const KeyRing& keys,
                                           const v1::GetPublicKeyRequest& request) {
  return resolve_key(keys, request);
}

Lane signing_lane(const Plan& plan) {
  return is_cheap(plan.key->type()) ? Lane::kCheap : Lane::kExpensive;
}

// Verifying with RSA's small exponent is as cheap as a P-256 signature; with P-384 it is not.
Lane verification_lane(const Plan& plan) {
  return plan.key->type() == KeyType::kEcP384 ? Lane::kExpensive : Lane::kCheap;
}

// ---- on a worker

Result<Signer*> SigningWorker::signer_for(const Key& key) {
  auto& signer = signers_[key.index];
  if (signer == nullptr) {
    auto made = make_signer(key.private_key);
    if (!made) return std::unexpected(made.error());
    signer = *std::move(made);
  }
  return signer.get();
}

std::expected<Bytes, Status> SigningWorker::digest_for(const Plan& plan) {
  if (plan.is_digest) return plan.input;
  if (!digester_) {
    auto made = Digester::make();
    if (!made) return std::unexpected(Status{StatusCode::kInternal, made.error().message, {}});
    digester_.emplace(*std::move(made));
  }
  const size_t size = digester_->digest(hash_of(plan.algorithm), plan.input, digest_);
  if (size == 0) return std::unexpected(Status{StatusCode::kInternal, "hashing failed", {}});
  return Bytes(digest_).first(size);
}

Status SigningWorker::sign(const Plan& plan, v1::SignReply& reply) {
  const auto signer = signer_for(*plan.key);
  if (!signer) return {StatusCode::kInternal, signer.error().message, {}};
  const auto digest = digest_for(plan);
  if (!digest) return digest.error();
  std::string& signature = *reply.mutable_signature();
  signature.resize(max_signature_bytes(plan.key->type()));
  const auto size =
      (*signer)->sign(plan.algorithm, *digest, plan.format,
                      {reinterpret_cast<uint8_t*>(signature.data()), signature.size()});
  if (!size) return {StatusCode::kInternal, std::string(describe(size.error())), {}};
  signature.resize(*size);
  reply.set_signature_crc32c(crc32c(as_bytes(signature)));
  reply.set_key_name(plan.key->name);
  reply.set_key_version(plan.key->version);
  reply.set_input_crc32c_verified(plan.input_verified);
  return {};
}

Status SigningWorker::verify(const Plan& plan, const std::string& signature,
                             v1::VerifyReply& reply) {
  const auto signer = signer_for(*plan.key);
  if (!signer) return {StatusCode::kInternal, signer.error().message, {}};
  const auto digest = digest_for(plan);
  if (!digest) return digest.error();
  const auto valid = (*signer)->verify(plan.algorithm, *digest, plan.format, as_bytes(signature));
  if (!valid) return {StatusCode::kInternal, std::string(describe(valid.error())), {}};
  reply.set_valid(*valid);
  reply.set_key_name(plan.key->name);
  reply.set_key_version(plan.key->version);
  reply.set_input_crc32c_verified(plan.input_verified);
  return {};
}

}  // namespace saker::crypto

#include "saker/services/crypto/signing.h"

#include <algorithm>

#include "saker/base/crc32c.h"
#include "saker/services/crypto/signing_limits.h"

namespace saker::crypto {
namespace {

using grpc::Status;
using grpc::StatusCode;

std::unexpected<Status> not_found(std::string message) {
  return std::unexpected(Status{StatusCode::kNotFound, std::move(message), {}});
}

std::unexpected<Status> wrong_state(const Key& key, const KeyVersion& version) {
  return std::unexpected(Status{StatusCode::kFailedPrecondition,
                                "version " + std::to_string(version.number) + " of key \"" +
                                    key.name + "\" is " + std::string(name(version.state)),
                                {}});
}

// A token that is away may come back: clients may try again.
Status sign_failed(SignError error) {
  const bool is_away = error == SignError::kUnavailable;
  return {
      is_away ? StatusCode::kUnavailable : StatusCode::kInternal, std::string(describe(error)), {}};
}

// ---- which key

struct Resolved {
  const Key* key;
  uint32_t version;  // 0: none was named
  const RateLimit* rate;
};

// The key that a request means: by name, or its type's default. One that the caller may not use is
// answered for like one that there is not.
template <typename Request>
std::expected<Resolved, Status> resolve_key(const Caller& caller, Operation operation,
                                            const Request& request) {
  Resolved found{nullptr, request.key_version(), nullptr};
  if (request.key_case() == Request::kKeyName) {
    const auto named = parse_resource_name(request.key_name());
    if (!named) return std::unexpected(invalid_argument("key_name is no \"keys/NAME/versions/N\""));
    found.key = caller.state.keys.find(named->name);
    if (found.key == nullptr || !caller.may(operation, *found.key, &found.rate))
      return not_found("no key \"" + std::string(named->name) + "\"");
    if (named->version != 0 && found.version != 0 && named->version != found.version)
      return std::unexpected(invalid_argument("key_name and key_version name different versions"));
    if (named->version != 0) found.version = named->version;
    return found;
  }
  if (request.key_case() != Request::kKeyType)
    return std::unexpected(invalid_argument("the request names no key: set key_name or key_type"));
  const auto type = key_type_from_number(request.key_type());
  if (!type) return std::unexpected(invalid_argument("unknown key_type"));
  found.key = caller.state.keys.find(*type);
  if (found.key == nullptr || !caller.may(operation, *found.key, &found.rate))
    return not_found("no key of type " + std::string(name(*type)));
  return found;
}

std::expected<const KeyVersion*, Status> named_version(const Key& key, uint32_t number) {
  const KeyVersion* const version = key.find(number);
  if (version == nullptr)
    return not_found("key \"" + key.name + "\" has no version " + std::to_string(number));
  return version;
}

std::expected<const KeyVersion*, Status> signing_version(const Key& key, uint32_t number) {
  const KeyVersion* version = key.signing_version();
  if (number != 0) {
    const auto named = named_version(key, number);
    if (!named) return named;
    version = *named;
  }
  if (version == nullptr) version = &key.versions.back();
  if (version->state != KeyState::kEnabled) return wrong_state(key, *version);
  return version;
}

std::expected<const KeyVersion*, Status> verifying_version(const Key& key, uint32_t number) {
  const KeyVersion* version = key.verifying_version();
  if (number != 0) {
    const auto named = named_version(key, number);
    if (!named) return named;
    version = *named;
  }
  if (version == nullptr) version = &key.versions.back();
  if (version->state == KeyState::kDestroyed) return wrong_state(key, *version);
  return version;
}

// ---- with what

std::optional<Status> check_input(const Plan& plan) {
  if (plan.is_digest && plan.input.size() != digest_bytes(plan.algorithm)) {
    return invalid_argument("the digest has " + std::to_string(plan.input.size()) + " bytes, " +
                            std::string(name(plan.algorithm)) + " takes " +
                            std::to_string(digest_bytes(plan.algorithm)));
  }
  if (!plan.is_digest && plan.input.size() > kMaxMessageBytes) {
    return invalid_argument("a message of " + std::to_string(plan.input.size()) +
                            " bytes is over " + std::to_string(kMaxMessageBytes) +
                            ": use SignStream, or send its digest");
  }
  return std::nullopt;
}

// Everything but the input.
template <typename Request>
std::expected<Plan, Status> plan_key(const Caller& caller, Operation operation,
                                     const Request& request) {
  const auto found = resolve_key(caller, operation, request);
  if (!found) return std::unexpected(found.error());
  const Key& key = *found->key;
  const auto algorithm = algorithm_from_number(request.algorithm());
  if (!algorithm) return std::unexpected(invalid_argument("the request names no known algorithm"));
  if (!key.allows(*algorithm)) {
    return std::unexpected(invalid_argument(std::string(name(*algorithm)) +
                                            " does not go with key \"" + key.name + "\" of type " +
                                            std::string(name(key.type))));
  }
  if (request.signature_format() != v1::SIGNATURE_FORMAT_DER &&
      request.signature_format() != v1::SIGNATURE_FORMAT_P1363)
    return std::unexpected(invalid_argument("unknown signature_format"));
  const auto version = operation == Operation::kSign ? signing_version(key, found->version)
                                                     : verifying_version(key, found->version);
  if (!version) return std::unexpected(version.error());
  Plan plan;
  plan.key = &key;
  plan.version = *version;
  plan.rate = found->rate;
  plan.algorithm = *algorithm;
  plan.format = static_cast<SignatureFormat>(request.signature_format());
  return plan;
}

template <typename Request>
std::expected<Plan, Status> plan_request(const Caller& caller, Operation operation,
                                         const Request& request) {
  auto plan = plan_key(caller, operation, request);
  if (!plan) return plan;
  plan->is_digest = request.input_case() == Request::kDigest;
  if (!plan->is_digest && request.input_case() != Request::kMessage)
    return std::unexpected(invalid_argument("the request has no input: set message or digest"));
  plan->input = as_bytes(plan->is_digest ? request.digest() : request.message());
  if (auto wrong = check_input(*plan)) return std::unexpected(*std::move(wrong));
  if (request.has_input_crc32c()) {
    if (crc32c(plan->input) != request.input_crc32c())
      return std::unexpected(invalid_argument("input_crc32c does not match the input"));
    plan->input_verified = true;
  }
  return plan;
}

}  // namespace

Status invalid_argument(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message), {}};
}

std::expected<Plan, Status> plan_signature(const Caller& caller, const v1::SignRequest& request) {
  return plan_request(caller, Operation::kSign, request);
}

std::expected<Plan, Status> plan_verification(const Caller& caller,
                                              const v1::VerifyRequest& request) {
  auto plan = plan_request(caller, Operation::kVerify, request);
  if (plan && request.has_signature_crc32c() &&
      crc32c(as_bytes(request.signature())) != request.signature_crc32c())
    return std::unexpected(invalid_argument("signature_crc32c does not match the signature"));
  return plan;
}

std::expected<Plan, Status> plan_stream(const Caller& caller, const v1::SignStreamStart& start) {
  return plan_key(caller, Operation::kSign, start);
}

std::expected<FoundKey, Status> find_key(const Caller& caller,
                                         const v1::GetPublicKeyRequest& request) {
  const auto found = resolve_key(caller, Operation::kGet, request);
  if (!found) return std::unexpected(found.error());
  const auto version = verifying_version(*found->key, found->version);
  if (!version) return std::unexpected(version.error());
  return FoundKey{found->key, *version};
}

Lane signing_lane(const Plan& plan) {
  return is_cheap(plan.key->type) ? Lane::kCheap : Lane::kExpensive;
}

// Verifying with RSA's small exponent is as cheap as a P-256 signature; with P-384 it is not.
Lane verification_lane(const Plan& plan) {
  return plan.key->type == KeyType::kEcP384 ? Lane::kExpensive : Lane::kCheap;
}

// ---- on a worker

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

Status SigningWorker::sign(const Plan& plan, v1::SignReply& reply, MessageDigest* signed_digest) {
  const auto signer = plan.version->material->signer(index_);
  if (!signer) return {StatusCode::kInternal, signer.error().message, {}};
  const auto digest = digest_for(plan);
  if (!digest) return digest.error();
  if (signed_digest != nullptr) {
    std::ranges::copy(*digest, signed_digest->bytes.begin());
    signed_digest->size = digest->size();
  }
  std::string& signature = *reply.mutable_signature();
  signature.resize(max_signature_bytes(plan.key->type));
  const auto size =
      (*signer)->sign(plan.algorithm, *digest, plan.format,
                      {reinterpret_cast<uint8_t*>(signature.data()), signature.size()});
  if (!size) return sign_failed(size.error());
  signature.resize(*size);
  reply.set_signature_crc32c(crc32c(as_bytes(signature)));
  reply.set_key_name(plan.key->name);
  reply.set_key_version(plan.version->number);
  reply.set_input_crc32c_verified(plan.input_verified);
  return {};
}

Status SigningWorker::verify(const Plan& plan, const std::string& signature,
                             v1::VerifyReply& reply) {
  const auto signer = plan.version->material->signer(index_);
  if (!signer) return {StatusCode::kInternal, signer.error().message, {}};
  const auto digest = digest_for(plan);
  if (!digest) return digest.error();
  const auto valid = (*signer)->verify(plan.algorithm, *digest, plan.format, as_bytes(signature));
  if (!valid) return {StatusCode::kInternal, std::string(describe(valid.error())), {}};
  reply.set_valid(*valid);
  reply.set_key_name(plan.key->name);
  reply.set_key_version(plan.version->number);
  reply.set_input_crc32c_verified(plan.input_verified);
  return {};
}

}  // namespace saker::crypto

#include "saker/services/crypto/crypto_service.h"

#include "saker/services/crypto/self_test.h"

namespace saker::crypto {

using grpc::Status;
using grpc::StatusCode;
using rpc::ServerContext;
using rpc::Task;

namespace {

void describe_key(const Key& key, v1::KeyInfo& info) {
  info.set_name(key.name);
  info.set_type(static_cast<v1::KeyType>(key.type()));
  info.set_version(key.version);
  info.set_default_of_type(key.default_of_type);
  for (const Algorithm algorithm : allowed_algorithms(key.type())) {
    info.add_algorithms(static_cast<v1::Algorithm>(algorithm));
  }
  info.set_thumbprint(key.public_encodings.thumbprint);
}

}  // namespace

Result<std::unique_ptr<CryptoService>> CryptoService::start(const Options& options) {
  if (auto known = run_known_answer_tests(); !known) return std::unexpected(known.error());
  auto specs = parse_key_specs(options.keys);
  if (!specs) return std::unexpected(specs.error());
  auto keys = KeyRing::generate(*specs);
  if (!keys) return std::unexpected(keys.error());
  if (auto pairwise = run_pairwise_tests(*keys); !pairwise)
    return std::unexpected(pairwise.error());
  auto pool = WorkerPool::start({.threads = options.threads,
                                 .cheap_capacity = options.cheap_queue,
                                 .expensive_capacity = options.expensive_queue});
  if (!pool) return std::unexpected(pool.error());
  return std::unique_ptr<CryptoService>(new CryptoService(*std::move(keys), *std::move(pool)));
}

CryptoService::CryptoService(KeyRing keys, std::unique_ptr<WorkerPool> pool)
    : keys_(std::move(keys)), pool_(std::move(pool)) {
  for (size_t index = 0; index < pool_->threads(); ++index) {
    workers_.emplace_back(keys_.keys().size());
  }
}

CryptoService::~CryptoService() {
  stop();
}

void CryptoService::register_methods(rpc::Dispatcher& dispatcher) {
  dispatcher.add_unary<v1::ListKeysRequest, v1::ListKeysReply>(
      "/saker.crypto.v1.Crypto/ListKeys",
      [this](ServerContext&, v1::ListKeysRequest&, v1::ListKeysReply& reply) {
        return list_keys(reply);
      });
  dispatcher.add_unary<v1::GetPublicKeyRequest, v1::GetPublicKeyReply>(
      "/saker.crypto.v1.Crypto/GetPublicKey",
      [this](ServerContext&, v1::GetPublicKeyRequest& request, v1::GetPublicKeyReply& reply) {
        return get_public_key(request, reply);
      });
  dispatcher.add_unary<v1::SignRequest, v1::SignReply>(
      "/saker.crypto.v1.Crypto/Sign",
      [this](ServerContext& context, v1::SignRequest& request, v1::SignReply& reply) {
        return sign(context, request, reply);
      });
  dispatcher.add_unary<v1::SignBatchRequest, v1::SignBatchReply>(
      "/saker.crypto.v1.Crypto/SignBatch",
      [this](ServerContext& context, v1::SignBatchRequest& request, v1::SignBatchReply& reply) {
        return sign_batch(context, request, reply);
      });
  dispatcher.add_unary<v1::VerifyRequest, v1::VerifyReply>(
      "/saker.crypto.v1.Crypto/Verify",
      [this](ServerContext& context, v1::VerifyRequest& request, v1::VerifyReply& reply) {
        return verify(context, request, reply);
      });
}

Status CryptoService::list_keys(v1::ListKeysReply& reply) const {
  for (const Key& key : keys_.keys()) describe_key(key, *reply.add_keys());
  return {};
}

Status CryptoService::get_public_key(const v1::GetPublicKeyRequest& request,
                                     v1::GetPublicKeyReply& reply) const {
  const auto key = find_key(keys_, request);
  if (!key) return key.error();
  const PublicEncodings& encodings = (*key)->public_encodings;
  describe_key(**key, *reply.mutable_key());
  reply.set_pem(encodings.pem);
  reply.set_der(encodings.der.data(), encodings.der.size());
  reply.set_jwk(encodings.jwk);
  reply.set_thumbprint(encodings.thumbprint);
  return {};
}

Status CryptoService::offload_status(OffloadResult result, Algorithm algorithm) {
  if (result == OffloadResult::kRefused) {
    refused_[static_cast<size_t>(algorithm)].fetch_add(1, std::memory_order_relaxed);
    return {StatusCode::kResourceExhausted, "the signers' queue is full: try again later", {}};
  }
  return {StatusCode::kCancelled, "nobody waits for this signature any more", {}};
}

Task<Status> CryptoService::sign(ServerContext& context, v1::SignRequest& request,
                                 v1::SignReply& reply) {
  const auto plan = plan_signature(keys_, request);
  if (!plan) co_return plan.error();
  Status status;
  Offload offload(*pool_, signing_lane(*plan), context,
                  [&](size_t index) { status = worker(index).sign(*plan, reply); });
  const OffloadResult result = co_await offload;
  if (result != OffloadResult::kDone) co_return offload_status(result, plan->algorithm);
  signatures_[static_cast<size_t>(plan->algorithm)].fetch_add(1, std::memory_order_relaxed);
  co_return status;
}

// One trip to a worker for the whole batch.
Task<Status> CryptoService::sign_batch(ServerContext& context, v1::SignBatchRequest& request,
                                       v1::SignBatchReply& reply) {
  if (request.requests_size() > kMaxBatchRequests) {
    co_return Status{StatusCode::kInvalidArgument,
                     "a batch of " + std::to_string(request.requests_size()) + " is over " +
                         std::to_string(kMaxBatchRequests),
                     {}};
  }
  std::vector<std::expected<Plan, Status>> plans;
  Lane lane = Lane::kCheap;
  Algorithm algorithm = kAlgorithms[0];
  for (const v1::SignRequest& single : request.requests()) {
    plans.push_back(plan_signature(keys_, single));
    reply.add_results();
    if (!plans.back()) continue;
    if (signing_lane(*plans.back()) == Lane::kExpensive) lane = Lane::kExpensive;
    algorithm = plans.back()->algorithm;
  }
  Offload offload(*pool_, lane, context, [&](size_t index) {
    for (size_t at = 0; at < plans.size(); ++at) {
      v1::SignResult& result = *reply.mutable_results(static_cast<int>(at));
      const Status status =
          plans[at] ? worker(index).sign(*plans[at], *result.mutable_reply()) : plans[at].error();
      if (!status.ok()) result.clear_reply();
      result.set_code(static_cast<int>(status.code));
      result.set_message(status.message);
    }
  });
  const OffloadResult result = co_await offload;
  if (result != OffloadResult::kDone) co_return offload_status(result, algorithm);
  for (const auto& plan : plans) {
    if (!plan) continue;
    signatures_[static_cast<size_t>(plan->algorithm)].fetch_add(1, std::memory_order_relaxed);
  }
  co_return Status{};
}

Task<Status> CryptoService::verify(ServerContext& context, v1::VerifyRequest& request,
                                   v1::VerifyReply& reply) {
  const auto plan = plan_verification(keys_, request);
  if (!plan) co_return plan.error();
  Status status;
  Offload offload(*pool_, verification_lane(*plan), context, [&](size_t index) {
    status = worker(index).verify(*plan, request.signature(), reply);
  });
  const OffloadResult result = co_await offload;
  if (result != OffloadResult::kDone) co_return offload_status(result, plan->algorithm);
  if (status.ok()) reply.set_signature_crc32c_verified(request.has_signature_crc32c());
  co_return status;
}

}  // namespace saker::crypto

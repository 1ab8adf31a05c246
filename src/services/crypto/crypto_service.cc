#include "saker/services/crypto/crypto_service.h"

#include <algorithm>

#include "saker/services/crypto/self_test.h"

namespace saker::crypto {

using grpc::Status;
using grpc::StatusCode;
using rpc::ServerContext;

namespace {

void describe_key(const Key& key, const KeyVersion& version, v1::KeyInfo& info) {
  info.set_name(key.name);
  info.set_type(static_cast<v1::KeyType>(key.type));
  info.set_version(version.number);
  info.set_default_of_type(key.default_of_type);
  for (const Algorithm algorithm : key.algorithms) {
    info.add_algorithms(static_cast<v1::Algorithm>(algorithm));
  }
  if (version.material != nullptr)
    info.set_thumbprint(version.material->public_encodings().thumbprint);
  info.set_state(static_cast<v1::KeyState>(version.state));
  info.set_resource_name(resource_name(key.name, version.number));
  for (const KeyVersion& each : key.versions) {
    v1::KeyVersion& described = *info.add_versions();
    described.set_version(each.number);
    described.set_state(static_cast<v1::KeyState>(each.state));
  }
}

}  // namespace

Result<std::unique_ptr<CryptoService>> CryptoService::start(const Options& options) {
  if (auto known = run_known_answer_tests(); !known) return std::unexpected(known.error());
  auto state = make_state(options.sources, options.threads);
  if (!state) return std::unexpected(state.error());
  std::unique_ptr<AuditLog> audit;
  if (options.audit) {
    auto opened = AuditLog::open(*options.audit);
    if (!opened) return std::unexpected(opened.error());
    audit = *std::move(opened);
  }
  auto pool = WorkerPool::start({.threads = options.threads,
                                 .cheap_capacity = options.cheap_queue,
                                 .expensive_capacity = options.expensive_queue});
  if (!pool) return std::unexpected(pool.error());
  return std::unique_ptr<CryptoService>(
      new CryptoService(options, *std::move(state), *std::move(pool), std::move(audit)));
}

CryptoService::CryptoService(const Options& options, std::shared_ptr<const CryptoState> state,
                             std::unique_ptr<WorkerPool> pool, std::unique_ptr<AuditLog> audit)
    : options_(options),
      state_(std::move(state)),
      audit_(std::move(audit)),
      pool_(std::move(pool)) {
  for (size_t index = 0; index < pool_->threads(); ++index) workers_.emplace_back(index);
}

CryptoService::~CryptoService() {
  stop();
}

void CryptoService::stop() {
  pool_->stop(WorkerPool::Stop::kCancel);
  if (audit_ != nullptr) audit_->stop();
}

Reloaded CryptoService::reload() {
  Reloaded reloaded = reload_state(options_.sources, *state(), options_.threads);
  if (audit_ != nullptr) {
    const auto reopened = audit_->reopen();
    if (!reopened) reloaded.failed.push_back(reopened.error().message);
    if (reopened && *reopened) reloaded.done.push_back("audit log reopened: " + audit_->path());
  }
  const std::lock_guard lock(state_mutex_);
  state_ = reloaded.state;
  return reloaded;
}

void CryptoService::register_methods(rpc::Dispatcher& dispatcher) {
  dispatcher.add_unary<v1::ListKeysRequest, v1::ListKeysReply>(
      "/saker.crypto.v1.Crypto/ListKeys",
      [this](ServerContext& context, v1::ListKeysRequest& request, v1::ListKeysReply& reply) {
        const auto now = state();
        return list_keys({*now, context.peer()}, request, reply);
      });
  dispatcher.add_unary<v1::GetPublicKeyRequest, v1::GetPublicKeyReply>(
      "/saker.crypto.v1.Crypto/GetPublicKey",
      [this](ServerContext& context, v1::GetPublicKeyRequest& request,
             v1::GetPublicKeyReply& reply) {
        const auto now = state();
        return get_public_key({*now, context.peer()}, request, reply);
      });
  dispatcher.add_unary<v1::SignRequest, v1::SignReply>(
      "/saker.crypto.v1.Crypto/Sign",
      [this](ServerContext& context, v1::SignRequest& request, v1::SignReply& reply) {
        return sign(context, request, reply);
      });
  dispatcher.add_client_streaming<v1::SignStreamRequest, v1::SignReply>(
      "/saker.crypto.v1.Crypto/SignStream",
      [this](ServerContext& context, rpc::Reader<v1::SignStreamRequest>& requests,
             v1::SignReply& reply) { return sign_stream(context, requests, reply); });
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

// A page token is the name of the last key of the page before: it tells nobody anything new, and
// stays good when other keys come and go.
Status CryptoService::list_keys(const Caller& caller, const v1::ListKeysRequest& request,
                                v1::ListKeysReply& reply) const {
  const auto all = caller.state.keys.keys();
  auto at = all.begin();
  if (!request.page_token().empty()) {
    at = std::ranges::find(all, request.page_token(), &Key::name);
    if (at == all.end() || !caller.may(Operation::kList, *at))
      return {StatusCode::kInvalidArgument, "page_token comes from no reply of ListKeys", {}};
    ++at;
  }
  const uint32_t asked = request.page_size() != 0 ? request.page_size() : kMaxPageKeys;
  const int size = static_cast<int>(std::min(asked, kMaxPageKeys));
  for (; at != all.end(); ++at) {
    if (!caller.may(Operation::kList, *at)) continue;
    if (reply.keys_size() == size) {
      reply.set_next_page_token(reply.keys(size - 1).name());
      break;
    }
    const KeyVersion* const version = at->verifying_version();
    describe_key(*at, version != nullptr ? *version : at->versions.back(), *reply.add_keys());
  }
  return {};
}

Status CryptoService::get_public_key(const Caller& caller, const v1::GetPublicKeyRequest& request,
                                     v1::GetPublicKeyReply& reply) const {
  const auto found = find_key(caller, request);
  if (!found) return found.error();
  const PublicEncodings& encodings = found->version->material->public_encodings();
  describe_key(*found->key, *found->version, *reply.mutable_key());
  reply.set_pem(encodings.pem);
  reply.set_der(encodings.der.data(), encodings.der.size());
  reply.set_jwk(encodings.jwk);
  reply.set_thumbprint(encodings.thumbprint);
  return {};
}

}  // namespace saker::crypto

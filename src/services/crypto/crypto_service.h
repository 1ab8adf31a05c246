// The Crypto service (proto/saker/crypto/v1/crypto.proto): requests checked on the loop, arithmetic
// on the workers, records of it on the audit log's thread. Every worker has its own key objects,
// made on its own thread. Started before the server, and outlives it.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "saker/base/result.h"
#include "saker/crypto/v1/crypto.pb.h"
#include "saker/rpc/dispatcher.h"
#include "saker/services/crypto/audit_log.h"
#include "saker/services/crypto/crypto_state.h"
#include "saker/services/crypto/offload.h"
#include "saker/services/crypto/rate_limiter.h"
#include "saker/services/crypto/signing.h"
#include "saker/services/crypto/signing_limits.h"
#include "saker/services/crypto/worker_pool.h"

namespace saker::crypto {

class CryptoService {
 public:
  struct Options {
    size_t threads = 1;
    size_t cheap_queue = 4096;
    size_t expensive_queue = 1024;
    uint64_t max_stream_bytes = uint64_t{1} << 32;  // limit: one SignStream message
    CryptoSources sources;
    std::optional<AuditLog::Options> audit;  // none: no audit log
  };

  // Known-answer tests, keys, pairwise tests, policy, audit log, workers; the error says which step
  // failed.
  static Result<std::unique_ptr<CryptoService>> start(const Options& options);
  ~CryptoService();

  void register_methods(rpc::Dispatcher& dispatcher);
  // Keys and policy from where they came from, for calls from now on, and the audit log anew where
  // it was moved away; one at a time, any thread.
  Reloaded reload();
  // Ends the workers and the audit log; waiting calls end CANCELLED. Call when the server has
  // stopped.
  void stop();

  std::shared_ptr<const CryptoState> state() const {
    const std::lock_guard lock(state_mutex_);
    return state_;
  }
  const WorkerPool& pool() const { return *pool_; }
  AuditLog* audit() const { return audit_.get(); }  // null: none
  // Requests refused because the queue was full. Any thread.
  uint64_t refused(Algorithm algorithm) const {
    return refused_[static_cast<size_t>(algorithm)].load(std::memory_order_relaxed);
  }
  // That were made; those that failed are not among them. Any thread.
  uint64_t signatures(Algorithm algorithm) const {
    return signatures_[static_cast<size_t>(algorithm)].load(std::memory_order_relaxed);
  }
  // Calls that nobody waited for any more when their turn came: nothing more was computed for them.
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  // Requests refused because their caller was over its rate.
  uint64_t over_rate() const { return over_rate_.load(std::memory_order_relaxed); }

 private:
  CryptoService(const Options& options, std::shared_ptr<const CryptoState> state,
                std::unique_ptr<WorkerPool> pool, std::unique_ptr<AuditLog> audit);

  // crypto_service.cc
  grpc::Status list_keys(const Caller& caller, const v1::ListKeysRequest& request,
                         v1::ListKeysReply& reply) const;
  grpc::Status get_public_key(const Caller& caller, const v1::GetPublicKeyRequest& request,
                              v1::GetPublicKeyReply& reply) const;

  // crypto_calls.cc
  rpc::Task<grpc::Status> sign(rpc::ServerContext& context, v1::SignRequest& request,
                               v1::SignReply& reply);
  rpc::Task<grpc::Status> sign_batch(rpc::ServerContext& context, v1::SignBatchRequest& request,
                                     v1::SignBatchReply& reply);
  rpc::Task<grpc::Status> sign_stream(rpc::ServerContext& context,
                                      rpc::Reader<v1::SignStreamRequest>& requests,
                                      v1::SignReply& reply);
  rpc::Task<grpc::Status> verify(rpc::ServerContext& context, v1::VerifyRequest& request,
                                 v1::VerifyReply& reply);
  rpc::Task<grpc::Status> sign_planned(rpc::ServerContext& context, const Plan& plan,
                                       v1::SignReply& reply);
  struct Batch;
  void add_to_batch(rpc::ServerContext& context, const Caller& caller,
                    const v1::SignRequest& request, Batch& batch);
  static size_t sign_piece(SigningWorker& worker, const StillWanted& wanted, Batch& batch,
                           v1::SignBatchReply& reply);
  void count_signatures(const Batch& batch, const v1::SignBatchReply& reply);
  void count_signature(Algorithm algorithm) {
    signatures_[static_cast<size_t>(algorithm)].fetch_add(1, std::memory_order_relaxed);
  }
  std::expected<void, grpc::Status> pay(rpc::ServerContext& context, const Plan& plan,
                                        bool push_back);
  std::expected<void, grpc::Status> check_audit() const;
  grpc::Status offload_status(OffloadResult result, Algorithm algorithm);
  SigningWorker& worker(size_t index) { return workers_[index]; }

  const Options options_;
  mutable std::mutex state_mutex_;  // for the pointer, not for what it points to
  std::shared_ptr<const CryptoState> state_;
  RateLimiter limiter_;
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<WorkerPool> pool_;
  std::vector<SigningWorker> workers_;  // each used by its own thread only
  std::array<std::atomic<uint64_t>, kAlgorithmSlots> refused_{};
  std::array<std::atomic<uint64_t>, kAlgorithmSlots> signatures_{};
  std::atomic<uint64_t> over_rate_{0};
  std::atomic<uint64_t> dropped_{0};
};

}  // namespace saker::crypto

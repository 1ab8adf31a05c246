// The Crypto service (proto/saker/crypto/v1/crypto.proto): requests checked on the loop, arithmetic
// on the workers. Every worker has its own key objects, made on its own thread. Started before the
// server, and outlives it.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "saker/base/result.h"
#include "saker/crypto/v1/crypto.pb.h"
#include "saker/rpc/dispatcher.h"
#include "saker/services/crypto/key_ring.h"
#include "saker/services/crypto/offload.h"
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
    std::vector<std::string> keys;  // `[NAME=]TYPE`; none: the default set
  };

  // Known-answer tests, key generation, pairwise tests, workers; the error says which step failed.
  static Result<std::unique_ptr<CryptoService>> start(const Options& options);
  ~CryptoService();

  void register_methods(rpc::Dispatcher& dispatcher);
  // Ends the workers; waiting calls end CANCELLED. Call when the server has stopped.
  void stop() { pool_->stop(WorkerPool::Stop::kCancel); }

  const KeyRing& keys() const { return keys_; }
  const WorkerPool& pool() const { return *pool_; }
  // Requests refused because the queue was full. Any thread.
  uint64_t refused(Algorithm algorithm) const {
    return refused_[static_cast<size_t>(algorithm)].load(std::memory_order_relaxed);
  }
  uint64_t signatures(Algorithm algorithm) const {
    return signatures_[static_cast<size_t>(algorithm)].load(std::memory_order_relaxed);
  }

 private:
  CryptoService(KeyRing keys, std::unique_ptr<WorkerPool> pool);

  grpc::Status list_keys(v1::ListKeysReply& reply) const;
  grpc::Status get_public_key(const v1::GetPublicKeyRequest& request,
                              v1::GetPublicKeyReply& reply) const;
  rpc::Task<grpc::Status> sign(rpc::ServerContext& context, v1::SignRequest& request,
                               v1::SignReply& reply);
  rpc::Task<grpc::Status> sign_batch(rpc::ServerContext& context, v1::SignBatchRequest& request,
                                     v1::SignBatchReply& reply);
  rpc::Task<grpc::Status> verify(rpc::ServerContext& context, v1::VerifyRequest& request,
                                 v1::VerifyReply& reply);
  grpc::Status offload_status(OffloadResult result, Algorithm algorithm);
  SigningWorker& worker(size_t index) { return workers_[index]; }

  const KeyRing keys_;
  std::unique_ptr<WorkerPool> pool_;
  std::vector<SigningWorker> workers_;  // each used by its own thread only
  std::array<std::atomic<uint64_t>, kAlgorithmSlots> refused_{};
  std::array<std::atomic<uint64_t>, kAlgorithmSlots> signatures_{};
};

}  // namespace saker::crypto

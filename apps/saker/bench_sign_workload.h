// SignWorkload: one signature algorithm under load. Every request has a digest of its own; a reply
// counts as right when its checksum and key are and, for every `verify_every`-th call of a thread,
// when the signature verifies with the public key.
#pragma once

#include <memory>
#include <string>

#include "saker/base/result.h"
#include "saker/crypto/v1/crypto.pb.h"
#include "saker/rpc/client_method.h"
#include "saker/services/crypto/signer.h"

namespace saker::app {

struct SignLoad {
  std::string key_name;
  crypto::KeyType type{};
  crypto::Algorithm algorithm{};
  std::string public_key_der;
  uint64_t verify_every = 1;  // 0: never
};

class SignWorkload {
 public:
  using Request = crypto::v1::SignRequest;
  using Reply = crypto::v1::SignReply;

  explicit SignWorkload(SignLoad load) : load_(std::move(load)) {}

  static const rpc::ClientMethod& method();
  void begin(Request& request) const;
  void prepare(Request& request, uint64_t sequence, int64_t wall_ns) const;

  // One thread's.
  class Checker {
   public:
    explicit Checker(const SignWorkload& workload) : load_(workload.load_) {}
    const char* check(const Request& request, const Reply& reply);

   private:
    const SignLoad& load_;
    std::unique_ptr<crypto::Signer> verifier_;
    uint64_t countdown_ = 1;
  };

 private:
  const SignLoad load_;
};

}  // namespace saker::app

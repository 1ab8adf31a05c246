// SignWorkload: signatures of one algorithm, or of a weighted mix of them, under load. Every request
// has a digest of its own, which begins with the call's sequence; the sequence alone says which
// algorithm and key a call has. A reply counts as right when its checksum and key are and, for every
// `verify_every`-th call of a thread and an algorithm, when the signature verifies with the public
// key.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "saker/base/time.h"
#include "saker/bench/report.h"
#include "saker/crypto/v1/crypto.pb.h"
#include "saker/rpc/client_method.h"
#include "saker/services/crypto/signer.h"

namespace saker::app {

struct SignLoad {
  std::string key_name;
  crypto::KeyType type{};
  crypto::Algorithm algorithm{};
  std::string public_key_der;
  uint64_t weight = 1;
};

struct SignLoads {
  std::vector<SignLoad> loads;  // one at least
  bool is_mix = false;          // the report has figures of each
  uint64_t verify_every = 1;    // 0: never
  uint64_t threads = 1;         // that share the sequence
};

class SignWorkload {
 public:
  using Request = crypto::v1::SignRequest;
  using Reply = crypto::v1::SignReply;

  explicit SignWorkload(SignLoads loads);

  static const rpc::ClientMethod& method();
  void begin(Request& request) const { set_load(all_.loads.front(), request); }
  void prepare(Request& request, uint64_t sequence, int64_t wall_ns) const;

  // Each thread goes through the whole pattern, the threads at different places of it.
  size_t load_of(uint64_t sequence) const {
    if (pattern_.size() == 1) return 0;
    const uint64_t thread = sequence % all_.threads;
    const uint64_t offset = thread * pattern_.size() / all_.threads;
    return pattern_[(sequence / all_.threads + offset) % pattern_.size()];
  }

  // One thread's.
  class Checker {
   public:
    explicit Checker(const SignWorkload& workload);
    const char* check(const Request& request, const Reply& reply);
    void record(const Request& request, Duration latency, bool good);

   private:
    friend class SignWorkload;
    struct State {
      std::unique_ptr<crypto::Signer> verifier;
      uint64_t countdown = 1;  // to the next signature that is verified
      uint64_t errors = 0;
      bench::Histogram corrected;
    };
    const SignWorkload& workload_;
    std::vector<State> states_;  // by load
  };

  // The figures of each algorithm of a mix.
  void add_to(bench::Report& report, const std::vector<const Checker*>& checkers) const;

 private:
  static void set_load(const SignLoad& load, Request& request);
  size_t load_of(const Request& request) const;

  const SignLoads all_;
  const std::vector<uint8_t> pattern_;
};

}  // namespace saker::app

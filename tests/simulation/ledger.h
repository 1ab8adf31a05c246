// Ledger: every call of a run, what both sides have seen of it, and whether that may be. The oracle:
//   - a call ends exactly once, with a status that its plan or something that happened explains
//   - what arrives is what was sent, in order, nothing twice
//   - no call outlives its deadline by more than a timer's tick
//   - a handler runs at most once for each attempt, and not more often than the policy allows
//   - once its caller has seen a reply, no attempt is begun by a retry
//   - a call that a draining server has accepted is not lost
//   - no side finds the other in breach of the protocol, nor too slow or too greedy where nothing that
//     happened has made it so
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saker/grpc/metadata.h"
#include "saker/net/sim_network.h"

#include "allocations.h"
#include "call_spec.h"

namespace saker::simulation {

struct CallRecord {
  CallSpec spec;
  Time started{};
  Time deadline = kNever;
  uint32_t attempts = 0;  // a bit for each whose handler has run
  uint32_t runs = 0;      // of handlers
  uint32_t replies = 0;   // seen by the caller
  int committed = -1;     // the highest attempt begun when the first reply was seen
  bool cancelled = false;
  bool abandoned = false;
  bool ended = false;
};

// What a run has come to; sums up over runs.
struct CallCounts {
  uint64_t started = 0;
  uint64_t handled = 0;  // handlers that ran
  uint64_t messages = 0;
  uint64_t bytes = 0;
  uint64_t retried = 0;  // calls of which more than one attempt was handled
  uint64_t cancelled = 0;
  uint64_t abandoned = 0;
  uint64_t oversize = 0;
  uint64_t out_of_memory = 0;  // a connection had none for a message
  uint64_t refused = 0;        // by a server that is short of memory
  uint64_t keepalive = 0;      // calls that ended because nobody answered pings
  std::array<uint64_t, grpc::kStatusCodeCount> by_code{};

  void add(const CallCounts& other);
};

class Ledger {
 public:
  Ledger(const Plan& plan, net::SimNetwork& network, const AllocationFaults& allocations)
      : plan_(plan), network_(network), allocations_(allocations) {}

  // ---- callers
  CallRecord& start(const CallSpec& spec);
  void note_reply(CallRecord& call, const std::string& bytes);
  void note_end(CallRecord& call, const grpc::Status& status, const grpc::Metadata& trailers);
  void note_intent(CallRecord& call);

  // ---- handlers
  // Null: there is no such call.
  CallRecord* begin(uint64_t id, uint32_t attempt);
  void finish() { --running_; }
  void note_request(const CallSpec& spec, const std::string& bytes, uint32_t index);

  // ---- the world
  void note_restart() { ++restarts_; }  // a server stopped accepting, or lost its calls
  // Its connections broke, or it went away with calls on it.
  void note_loss() { ++losses_; }
  void note_jump(Duration by) {
    last_jump_ = network_.now();
    if (by >= kLongJump) last_long_jump_ = last_jump_;
  }
  void note_shedding() { ++sheddings_; }  // connections that hold much are closed
  void note_shortage() { ++shortages_; }  // of memory: a server refuses calls
  void note_squeeze() { ++squeezes_; }    // connections get hardly any memory for messages
  // There may be no memory for a message.
  bool may_lack_memory() const {
    return plan_.tight_memory || squeezes_ != 0 || allocations_.count() != 0;
  }
  void violate(const std::string& what);

  bool is_broken() const { return !violation_.empty(); }
  const std::string& violation() const { return violation_; }
  uint64_t ended() const { return ended_; }
  uint64_t running() const { return running_; }
  uint64_t hash() const { return hash_; }
  const CallCounts& counts() const { return counts_; }
  // Calls that have begun and not ended, for messages.
  std::string open_calls() const;

 private:
  // Time-outs of the protocol that honest peers meet by such a jump, and by none that is shorter.
  static constexpr Duration kLongJump = 1s;

  void check_conduct(const CallRecord& call, const std::string& message);
  bool may_be_impatient(const std::string& message) const;
  bool may_end(const CallRecord& call, const grpc::Status& status) const;
  bool may_end_unavailable(const CallRecord& call, const std::string& message) const;
  bool may_lose() const;
  bool is_any_unwaited_for() const;
  bool may_end_exhausted(const CallRecord& call, const std::string& message) const;
  void check_time(const CallRecord& call, const grpc::Status& status);
  void check_ok(const CallRecord& call, const grpc::Metadata& trailers);
  void check_memory(const CallRecord& call);
  void count_end(const CallRecord& call, const grpc::Status& status);
  std::string text_of(const CallRecord& call) const;

  const Plan& plan_;
  net::SimNetwork& network_;
  const AllocationFaults& allocations_;
  std::vector<std::unique_ptr<CallRecord>> calls_;
  CallCounts counts_;
  uint64_t ended_ = 0;
  uint64_t running_ = 0;
  uint64_t restarts_ = 0;
  uint64_t losses_ = 0;
  uint64_t shortages_ = 0;
  uint64_t squeezes_ = 0;
  uint64_t sheddings_ = 0;
  Time last_jump_{};
  std::optional<Time> last_long_jump_;
  uint64_t hash_ = 0;
  std::string violation_;
};

}  // namespace saker::simulation

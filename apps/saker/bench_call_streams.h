// CallStreamWorkload: a streaming method of any server under load. Its messages and what makes a
// reply right are CallWorkload's; every reply of a stream is checked.
#pragma once

#include "bench_call_workload.h"
#include "bench_options.h"

namespace saker::app {

template <rpc::MethodKind kMethodKind>
class CallStreamWorkload : public CallWorkload {
 public:
  static constexpr rpc::MethodKind kKind = kMethodKind;

  CallStreamWorkload(CallLoad load, uint64_t messages)
      : CallWorkload(std::move(load)), messages_(messages) {}

  uint64_t messages() const { return messages_; }
  uint64_t stops_after() const { return messages_; }

  class Checker : public CallWorkload::Checker {
   public:
    explicit Checker(const CallStreamWorkload& workload)
        : CallWorkload::Checker(workload), workload_(workload) {}
    const char* check(const Request& request, const Reply& reply, uint64_t index) {
      if constexpr (kKind == rpc::MethodKind::kClientStreaming) {
        // The end of the run cut it short: another request than the others.
        if (index != workload_.messages_) return check_alone(request, reply);
      }
      const bool is_one_of_many = kKind == rpc::MethodKind::kServerStreaming;
      return check_at(request, reply, is_one_of_many ? index : 0);
    }
    static const char* check_end(const Request&, uint64_t) { return nullptr; }

   private:
    const CallStreamWorkload& workload_;
  };

 private:
  const uint64_t messages_;
};

// A whole `saker bench call` of options.kind.
int run_call_load(const BenchOptions& options, CallLoad load);

}  // namespace saker::app

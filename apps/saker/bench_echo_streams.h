// EchoStreamWorkload: the streams of Saker's Echo service under load: every reply's bytes, sequence
// and times are checked, and how many there are.
#pragma once

#include "bench_options.h"
#include "bench_workload.h"

namespace saker::app {

// "EchoStream": the kind of a method of the service.
Result<rpc::MethodKind> parse_echo_method(std::string_view name);

template <rpc::MethodKind kMethodKind>
class EchoStreamWorkload : public EchoWorkload {
 public:
  static constexpr rpc::MethodKind kKind = kMethodKind;
  static constexpr bool kCollects = kKind == rpc::MethodKind::kClientStreaming;
  static constexpr bool kExpands = kKind == rpc::MethodKind::kServerStreaming;
  using Reply = std::conditional_t<kCollects, echo::v1::EchoCollectReply, echo::v1::EchoReply>;

  EchoStreamWorkload(size_t payload_bytes, uint64_t messages);

  static const rpc::ClientMethod& method();
  uint64_t messages() const { return messages_; }
  static uint64_t stops_after() { return 0; }
  void begin(Request& request) const {
    EchoWorkload::begin(request);
    if constexpr (kExpands) request.set_expand_count(static_cast<uint32_t>(messages_));
  }

  class Checker {
   public:
    explicit Checker(const EchoStreamWorkload& workload) : workload_(workload) {}
    const char* check(const Request& request, const Reply& reply, uint64_t index) const;
    const char* check_end(const Request&, uint64_t replies) const {
      return replies == workload_.messages_ ? nullptr : "another number of messages";
    }

   private:
    const EchoStreamWorkload& workload_;
  };

 private:
  const uint64_t messages_;
  uint32_t payloads_crc32c_ = 0;  // of all that a stream collects
};

// A whole `saker bench echo` of options.kind.
int run_echo_streams(const BenchOptions& options);

}  // namespace saker::app

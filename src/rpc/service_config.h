// ServiceConfig: what the owner of a service asks of its clients, method by method (gRPC
// doc/service_config.md, service_config.proto; retries and hedging: gRFC A6; health checks: A17). Read from JSON once,
// immutable then, and shared by channels and threads. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saker/base/result.h"
#include "saker/base/time.h"
#include "saker/grpc/status.h"

namespace saker::rpc {

// Which of several servers takes a call.
enum class Balancing : uint8_t {
  kDefault,           // kLeastOutstanding for a list of addresses, kPickFirst otherwise
  kPickFirst,         // the first that can be reached, until it is lost
  kRoundRobin,        // all in turn
  kLeastOutstanding,  // the connection with the fewest calls under way, of equals in turn
};
// "pick_first", "round_robin", "least_outstanding" (also by gRPC's name, "least_request").
std::optional<Balancing> parse_balancing(std::string_view name);
std::string_view balancing_name(Balancing balancing);

class CodeSet {
 public:
  void add(grpc::StatusCode code) { bits_ |= 1U << static_cast<unsigned>(code); }
  bool contains(grpc::StatusCode code) const {
    return (bits_ >> static_cast<unsigned>(code) & 1U) != 0;
  }
  bool empty() const { return bits_ == 0; }

 private:
  uint32_t bits_ = 0;
};

inline constexpr uint32_t kMaxAttempts = 5;  // gRFC A6: what is above counts as this

struct RetryPolicy {
  uint32_t max_attempts = 2;  // the first one counts
  Duration initial_backoff{};
  Duration max_backoff{};
  double backoff_multiplier = 1;
  CodeSet retryable;
};

struct HedgingPolicy {
  uint32_t max_attempts = 2;
  Duration delay{};  // between one attempt and the next; 0: all at once
  CodeSet non_fatal;
};

struct MethodConfig {
  std::optional<bool> wait_for_ready;
  std::optional<Duration> timeout;
  std::optional<uint32_t> max_request_bytes;
  std::optional<uint32_t> max_response_bytes;
  std::optional<RetryPolicy> retry;  // one of both, or none
  std::optional<HedgingPolicy> hedging;
};

// In thousandths, as gRFC A6 counts.
struct RetryThrottling {
  uint32_t max_millitokens = 0;
  uint32_t ratio_millitokens = 0;
};

class ServiceConfig {
 public:
  // The error says which field is wrong and how. Fields that are not known are ignored, as the
  // specification asks.
  static Result<ServiceConfig> parse(std::string_view json);

  // `path`: "/Service/Method". The method's own entry, else its service's, else the default; null:
  // none of them is there.
  const MethodConfig* find(std::string_view path) const;
  const std::optional<RetryThrottling>& throttling() const { return throttling_; }
  Balancing balancing() const { return balancing_; }
  // Whose health each backend is asked for; empty: the whole server's; nothing: no backend is asked
  // (gRFC A17).
  const std::optional<std::string>& health_check_service() const { return health_check_service_; }

  // "Service/Method", "Service/" or "/". False: it is there already.
  bool add(std::string_view service, std::string_view method, const MethodConfig& config);
  void set_throttling(const RetryThrottling& throttling) { throttling_ = throttling; }
  void set_balancing(Balancing balancing) { balancing_ = balancing; }
  void set_health_check_service(std::string service) { health_check_service_ = std::move(service); }

 private:
  std::map<std::string, MethodConfig, std::less<>> by_name_;
  std::optional<RetryThrottling> throttling_;
  Balancing balancing_ = Balancing::kDefault;
  std::optional<std::string> health_check_service_;
};

}  // namespace saker::rpc

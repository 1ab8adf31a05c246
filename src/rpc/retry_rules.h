// The arithmetic of retries (gRFC A6): how long to wait, what a server's pushback says, and the
// tokens that stop a client from retrying against servers that are down. Pure.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "saker/base/time.h"
#include "saker/grpc/metadata.h"
#include "saker/rpc/service_config.h"

namespace saker::rpc {

// [0, 1) from 64 random bits.
inline double unit_interval(uint64_t random) {
  return static_cast<double>(random >> 11) / 9007199254740992.0;
}

// Before retry number `retry`, counted from 0: exponential up to max_backoff, 20 % to either side.
inline Duration retry_backoff(const RetryPolicy& policy, uint32_t retry, uint64_t random) {
  constexpr double kJitter = 0.2;
  const double factor = std::pow(policy.backoff_multiplier, retry);
  const double ns = std::min(static_cast<double>(policy.initial_backoff.count()) * factor,
                             static_cast<double>(policy.max_backoff.count()));
  return Duration(static_cast<int64_t>(ns * (1 - kJitter + 2 * kJitter * unit_interval(random))));
}

// What grpc-retry-pushback-ms in the trailers asks for.
struct Pushback {
  bool given = false;
  bool stops = false;  // negative, or no number: do not try again
  Duration delay{};
};

inline Pushback read_pushback(const grpc::Metadata& trailers) {
  const auto value = trailers.find("grpc-retry-pushback-ms");
  if (!value) return {};
  int32_t ms = -1;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), ms);
  const bool is_number = error == std::errc() && end == value->data() + value->size();
  if (!is_number || ms < 0) return {.given = true, .stops = true};
  return {.given = true, .delay = std::chrono::milliseconds(ms)};
}

// One for all calls of a channel.
class RetryThrottle {
 public:
  // Without: never stops anything.
  void configure(const RetryThrottling& throttling) {
    throttling_ = throttling;
    tokens_ = throttling.max_millitokens;
  }
  void on_success() {
    tokens_ = std::min(tokens_ + throttling_.ratio_millitokens, throttling_.max_millitokens);
  }
  void on_failure() { tokens_ -= std::min<uint32_t>(tokens_, 1000); }
  bool allows() const {
    return throttling_.max_millitokens == 0 || tokens_ > throttling_.max_millitokens / 2;
  }
  uint32_t millitokens() const { return tokens_; }

 private:
  RetryThrottling throttling_;
  uint32_t tokens_ = 0;
};

}  // namespace saker::rpc

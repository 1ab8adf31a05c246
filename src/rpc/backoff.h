// Backoff: how long to wait after one failure after another (grpc/doc/connection-backoff.md).
// Pure: randomness is an argument.
#pragma once

#include <algorithm>
#include <chrono>

#include "saker/base/time.h"
#include "saker/rpc/client_options.h"
#include "saker/rpc/retry_rules.h"

namespace saker::rpc {

class Backoff {
 public:
  Duration next(const ChannelOptions& options, uint64_t random) {
    const auto grown = std::chrono::duration_cast<Duration>(last_ * options.backoff_multiplier);
    last_ = last_ == Duration{0} ? options.initial_backoff : std::min(options.max_backoff, grown);
    const double jitter = 1.0 + options.backoff_jitter * (2.0 * unit_interval(random) - 1.0);
    return std::chrono::duration_cast<Duration>(last_ * jitter);
  }
  void reset() { last_ = Duration{0}; }

 private:
  Duration last_{0};  // 0: no failure yet
};

}  // namespace saker::rpc

// TokenBucket: how much of something a peer may do:
// a burst, then so many a second. Pure; whole tokens only.
#pragma once

#include <algorithm>
#include <cstdint>

#include "saker/base/time.h"

namespace saker::h2 {

class TokenBucket {
 public:
  TokenBucket(uint32_t burst, uint32_t per_second, Time now)
      : tokens_(burst), burst_(burst), per_second_(per_second), last_(now) {}

  // False: the peer has used up its allowance. The clock is only looked
  // at when the bucket runs dry.
  [[nodiscard]] bool try_take(Time now) {
    if (tokens_ == 0) refill(now);
    if (tokens_ == 0) return false;
    --tokens_;
    return true;
  }

 private:
  void refill(Time now) {
    const int64_t elapsed_ns = (now - last_).count();
    const int64_t earned = elapsed_ns / 1'000'000 * per_second_ / 1000;
    if (earned <= 0) return;
    tokens_ = static_cast<uint32_t>(std::min<int64_t>(earned, burst_));
    last_ = now;
  }

  uint32_t tokens_;
  uint32_t burst_;
  uint32_t per_second_;
  Time last_;  // up to when what was earned has been counted
};

}  // namespace saker::h2

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

  // False: the peer has used up its allowance.
  [[nodiscard]] bool try_take(Time now) {
    refill(now);
    if (tokens_ == 0) return false;
    --tokens_;
    return true;
  }

 private:
  void refill(Time now) {
    constexpr int64_t kSecondNs = 1'000'000'000;
    const int64_t elapsed_ms = (now - last_).count() / 1'000'000;
    const int64_t earned = elapsed_ms * per_second_ / 1000;
    if (earned <= 0) return;
    if (earned >= burst_ - tokens_) {
      tokens_ = burst_;
      last_ = now;
    } else {
      tokens_ += static_cast<uint32_t>(earned);
      last_ += Duration(earned * kSecondNs / per_second_);  // what is less than a token stays due
    }
  }

  uint32_t tokens_;
  uint32_t burst_;
  uint32_t per_second_;
  Time last_;  // up to when what was earned has been counted
};

}  // namespace saker::h2

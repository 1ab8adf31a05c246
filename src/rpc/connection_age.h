// ConnectionAge: how long a server keeps a connection (gRFC A9): one without calls up to max_idle,
// any up to max_age, and the calls that a drain for age left up to grace. Pure: time and chance are
// arguments; the connection's driver drains and closes.
//
//   open ──idle or old──▶ draining ──grace over──▶ closed
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "saker/base/time.h"

namespace saker::rpc {

struct ConnectionAgeOptions {
  Duration max_idle = Duration::max();   // limit: without a call, then the connection is drained
  Duration max_age = Duration::max();    // limit: ±10 %, then the connection is drained
  Duration age_grace = Duration::max();  // limit: from a drain for age to the connection's end
};

class ConnectionAge {
 public:
  enum class Action { kNone, kDrainIdle, kDrainOld, kClose };

  // `chance`: any number, spreads max_age, so that clients that came together do not go together.
  ConnectionAge(const ConnectionAgeOptions& options, Time now, uint64_t chance)
      : options_(options),
        idle_since_(now),
        old_at_(options.max_age == kUnlimited
                    ? kNever
                    : time_after(now, jittered(options.max_age, chance))) {}

  // The last open call has ended.
  void on_idle(Time now) { idle_since_ = now; }
  // A drain began for another reason: what is left to the connection is not ours to limit.
  void stop() { old_at_ = close_at_ = kNever, draining_ = true; }
  // When handle_timeout() should be called at the latest.
  Time poll_timeout(bool calls_open) const {
    if (draining_) return close_at_;
    if (calls_open || options_.max_idle == kUnlimited) return old_at_;
    return std::min(old_at_, time_after(idle_since_, options_.max_idle));
  }
  Action handle_timeout(Time now, bool calls_open) {
    if (poll_timeout(calls_open) > now) return Action::kNone;
    if (draining_) {
      close_at_ = kNever;
      return Action::kClose;
    }
    draining_ = true;
    if (now < old_at_) return Action::kDrainIdle;
    close_at_ = time_after(now, options_.age_grace);
    return Action::kDrainOld;
  }

 private:
  static constexpr Duration kUnlimited = Duration::max();

  // 90 to 110 % of `age`.
  static Duration jittered(Duration age, uint64_t chance) {
    const double share = 0.9 + 0.2 * static_cast<double>(chance >> 11) * 0x1.0p-53;
    const double ns = static_cast<double>(age.count()) * share;
    constexpr auto kMost = static_cast<double>(INT64_MAX / 2);
    return Duration(static_cast<int64_t>(std::min(ns, kMost)));
  }

  ConnectionAgeOptions options_;
  Time idle_since_;
  Time old_at_;
  Time close_at_ = kNever;
  bool draining_ = false;
};

}  // namespace saker::rpc

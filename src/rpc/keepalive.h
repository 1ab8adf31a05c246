// Keepalive and PingPolicy: pings that find a dead peer, and the limit on a peer's pings (gRFC A8,
// grpc/doc/keepalive.md). Pure: time is an argument;
// the connection's driver sends what is asked for.
#pragma once

#include <algorithm>
#include <chrono>

#include "saker/base/time.h"

namespace saker::rpc {

struct KeepaliveOptions {
  Duration time = Duration::max();  // ping after so long without any byte from the peer; max: never
  Duration timeout = std::chrono::seconds(20);  // limit: of the answer; then the connection is dead
  bool permit_without_calls = false;            // ping while no call is open
};

struct PingPolicyOptions {
  Duration min_interval = std::chrono::minutes(5);        // limit: time between a peer's pings
  Duration min_interval_local = std::chrono::seconds(5);  // limit: same on Unix sockets and VSOCK
  bool permit_without_calls = false;  // without calls the limit is two hours otherwise
  int max_strikes = 2;                // limit: pings too early, before GOAWAY
};

// Our own pings.
class Keepalive {
 public:
  enum class Action { kNone, kSendPing, kDead };

  Keepalive(const KeepaliveOptions& options, Time now) : options_(options), heard_at_(now) {}

  // Anything arrived.
  void on_activity(Time now) {
    heard_at_ = now;
    pinged_ = false;
  }
  // When handle_timeout() should be called at the latest.
  Time poll_timeout(bool calls_open) const {
    if (options_.time == Duration::max()) return kNever;
    if (pinged_) return time_after(pinged_at_, options_.timeout);
    if (!calls_open && !options_.permit_without_calls) return kNever;
    return time_after(heard_at_, options_.time);
  }
  Action handle_timeout(Time now, bool calls_open) {
    if (poll_timeout(calls_open) > now) return Action::kNone;
    if (pinged_) return Action::kDead;
    pinged_ = true;
    pinged_at_ = now;
    return Action::kSendPing;
  }

 private:
  KeepaliveOptions options_;
  Time heard_at_;
  Time pinged_at_{};
  bool pinged_ = false;
};

// The peer's pings. A ping soon after we sent HEADERS or DATA is no strike:
// peers measure bandwidth with them.
class PingPolicy {
 public:
  explicit PingPolicy(const PingPolicyOptions& options) : options_(options) {}

  void on_sent() { sent_ = true; }
  // False: one strike too many, end the connection with ENHANCE_YOUR_CALM "too_many_pings".
  [[nodiscard]] bool allow(Time now, bool is_local, bool calls_open) {
    if (sent_) {
      sent_ = false;
      strikes_ = 0;
      last_ = now;
      return true;
    }
    const bool idle = !calls_open && !options_.permit_without_calls;
    const Duration interval = idle && !is_local ? kIdleInterval
                              : is_local
                                  ? std::min(options_.min_interval_local, options_.min_interval)
                                  : options_.min_interval;
    const bool early = last_ != Time{} && now - last_ < interval;
    last_ = now;
    return !early || ++strikes_ <= options_.max_strikes;
  }

 private:
  static constexpr Duration kIdleInterval = std::chrono::hours(2);

  PingPolicyOptions options_;
  Time last_{};
  int strikes_ = 0;
  bool sent_ = false;
};

}  // namespace saker::rpc

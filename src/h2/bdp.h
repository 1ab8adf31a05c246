// BdpEstimator: how large a window the path can use. While DATA arrives, a PING measures one round
// trip; if nearly a whole window arrived during it, and faster than ever, the window was the limit
// and doubles. Without the second condition a window would grow that only fills queues on the way
// and makes other calls wait. The method of gRPC's C core and of grpc-go; RFC 9113 section 6.9
// leaves it to us. Pings are rare: only when at least half a window came since the last one, and
// further apart while they find nothing. After a round trip that was busy the next one is measured
// from its first byte on: where the window is the limit, it comes in bursts, and a ping from the
// middle of one would miss half of it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "saker/base/time.h"

namespace saker::h2 {

class BdpEstimator {
 public:
  BdpEstimator(uint32_t window_bytes, uint32_t max_bytes)
      : window_(window_bytes), max_(max_bytes) {}

  // DATA arrived. True: send a PING now and call on_ping_ack() when its answer comes.
  bool on_data(uint32_t bytes, Time now) {
    received_ += bytes;
    if (ping_out_ || now < next_ping_ || (received_ < window_ / 2 && !busy_)) return false;
    received_ = bytes;
    pinged_at_ = now;
    ping_out_ = true;
    return true;
  }

  // The answer came. Returns the window to use from now on.
  uint32_t on_ping_ack(Time now) {
    if (!ping_out_) return window_;  // an answer to nothing proves nothing
    ping_out_ = false;
    const bool faster = note_rate(now - pinged_at_);
    const bool was_the_limit = faster && received_ >= window_ / 3 * 2;
    busy_ = received_ >= window_ / 2;
    received_ = 0;
    if (was_the_limit && window_ < max_) {
      window_ = static_cast<uint32_t>(std::min<uint64_t>(uint64_t{window_} * 2, max_));
      pause_ = kMinPause;
    } else {
      pause_ = std::min(pause_ * 2, kMaxPause);
    }
    next_ping_ = now + (was_the_limit && window_ < max_ ? Duration{0} : pause_);
    return window_;
  }

  uint32_t window() const { return window_; }

 private:
  // True: the round trip that ends now brought more a second than any before.
  bool note_rate(Duration round_trip) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(round_trip).count();
    const uint64_t rate = received_ * 1'000'000 / static_cast<uint64_t>(std::max<int64_t>(us, 1));
    if (rate <= best_bytes_per_second_) return false;
    best_bytes_per_second_ = rate;
    return true;
  }

  static constexpr Duration kMinPause = std::chrono::milliseconds(50);
  static constexpr Duration kMaxPause = std::chrono::seconds(10);

  uint32_t window_;
  uint32_t max_;
  uint64_t received_ = 0;
  uint64_t best_bytes_per_second_ = 0;
  Time pinged_at_{};
  bool ping_out_ = false;
  bool busy_ = false;  // the last round trip brought half a window at least
  Duration pause_ = kMinPause;
  Time next_ping_{};
};

}  // namespace saker::h2

// Idleness of a Channel: when nobody has called for long, its connections close until the next call
// (gRFC A9's counterpart on clients).
#include "saker/rpc/channel.h"

#include <algorithm>

namespace saker::rpc {

uint64_t Channel::calls_so_far() const {
  uint64_t calls = 0;
  for (const auto& subchannel : subchannels_) calls += subchannel->calls();
  return calls;
}

bool Channel::is_busy() const {
  return !pending_.empty() || std::ranges::any_of(subchannels_, [](const auto& subchannel) {
    return subchannel->is_busy();
  });
}

// Looks now and then, so that calls need not note when they came: at most an eighth too late.
void Channel::check_idle(Time now) {
  const uint64_t calls = calls_so_far();
  if (is_busy() || calls != calls_at_idle_check_) idle_since_ = now;
  calls_at_idle_check_ = calls;
  if (now - idle_since_ >= options_.idle_timeout) return go_idle();
  loop_.arm(idle_timer_,
            time_after(now, std::max<Duration>(options_.idle_timeout / 8, net::TimerWheel::kTick)));
}

void Channel::go_idle() {
  active_ = false;
  loop_.cancel(*this);
  resolver_.stop();
  for (const auto& subchannel : subchannels_) subchannel->go_idle();
  packer_.release_memory();
}

}  // namespace saker::rpc

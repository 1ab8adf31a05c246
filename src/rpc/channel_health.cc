// Health checks of a Channel's backends: when there are any, and what becomes of calls when no backend
// is healthy (gRFC A17).
#include <algorithm>

#include "saker/rpc/channel.h"

namespace saker::rpc {

// pick_first would gain nothing but reconnections, so that the gRFC leaves it out.
const std::string* Channel::choose_health_service() const {
  const auto& config = options_.service_config;
  const bool may = balancing_ != Balancing::kPickFirst && !options_.inhibit_health_checking;
  if (!may || config == nullptr || !config->health_check_service()) return nullptr;
  return &*config->health_check_service();
}

void Channel::backend_healthy() {
  last_error_.clear();
}

void Channel::backend_unhealthy(const std::string& why) {
  if (closed_) return;
  last_error_ = why;
  if (resolver_.has_names() && active_) resolver_.ask();
  if (!is_hopeful()) fail_pending(why, false);
}

void Channel::health_unimplemented(const ClientConnection& connection) {
  if (options_.observer != nullptr)
    options_.observer->on_health_unimplemented(connection.backend_name());
}

// The last failure, unless a backend that was none since has left again.
std::string Channel::why_unavailable() const {
  if (!last_error_.empty()) return last_error_;
  const auto sick = std::ranges::find_if(
      subchannels_, [](const auto& subchannel) { return subchannel->is_unhealthy(); });
  return sick == subchannels_.end() ? std::string() : (*sick)->why_unhealthy();
}

}  // namespace saker::rpc

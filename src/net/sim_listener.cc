#include "saker/net/sim_listener.h"

#include <cerrno>

namespace saker::net {

Result<std::unique_ptr<Listener>> SimListener::make(SimLoop& loop, const Address& address,
                                                    const ListenOptions& options,
                                                    ListenerEvents& events) {
  const std::string what = "listen on " + to_string(address);
  if (address.transport != Transport::kMemory) {
    return fail(what + ": the simulator has memory://name addresses only", EAFNOSUPPORT);
  }
  if (loop.network().listeners_.contains(address.path)) return fail_errno(what, EADDRINUSE);
  const auto backlog = static_cast<size_t>(options.backlog);
  return std::make_unique<SimListener>(loop, address, backlog, events);
}

SimListener::SimListener(SimLoop& loop, const Address& address, size_t backlog,
                         ListenerEvents& events)
    : loop_(loop), address_(address), events_(events), max_backlog_(backlog) {
  loop_.network().listeners_[address_.path] = this;
}

SimListener::~SimListener() {
  loop_.network().listeners_.erase(address_.path);
  for (const uint64_t connection : backlog_) loop_.network().close_end(connection, 1);
}

void SimListener::pause(bool paused) {
  is_paused_ = paused;
  mark_ready_if_any();
}

void SimListener::add(uint64_t connection) {
  backlog_.push_back(connection);
  mark_ready_if_any();
}

void SimListener::mark_ready_if_any() {
  if (!is_paused_ && !backlog_.empty()) loop_.mark_ready(*this);
}

// One a turn; the receiver may destroy or pause this listener.
void SimListener::run_ready() {
  if (is_paused_ || backlog_.empty()) return;
  const uint64_t connection = backlog_.front();
  backlog_.pop_front();
  mark_ready_if_any();
  Peer peer{.transport = Transport::kMemory, .name = to_string(address_)};
  peer.is_local = true;
  events_.on_accept({.socket = {}, .connection = connection, .peer = std::move(peer)});
}

}  // namespace saker::net

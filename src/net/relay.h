// Relay: two connected sockets, and every byte of one sent to the other, unchanged and in order. One
// side's end of sending becomes the other's (a half close stays one). A side that breaks is still read
// to its end: its last words reach the other one. What one side does not take is held for it, at most
// one receive buffer, and no more is read meanwhile: a slow reader slows its writer down. The relay
// ends when both sides have ended, or half_close_timeout after the first one. Knows no protocol.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "saker/net/loop.h"
#include "saker/net/stream.h"

namespace saker::net {

struct RelayOptions {
  // limit: without a byte passed on, once one side has ended
  Duration half_close_timeout = std::chrono::minutes(1);
};

class RelayEvents {
 public:
  // Exactly once, at the end of a turn; the relay may be destroyed in it.
  virtual void on_relay_end() = 0;

 protected:
  ~RelayEvents() = default;
};

class Relay {
 public:
  virtual ~Relay() = default;  // closes both
  // From the accepted side to the connected one, and the other way round.
  virtual uint64_t bytes_forth() const = 0;
  virtual uint64_t bytes_back() const = 0;
};

// `loop` is one of make_epoll_loop(); `connected` is a stream of the same loop that has not been
// started. Bytes flow from the next turn on.
std::unique_ptr<Relay> make_relay(Loop& loop, Accepted accepted, std::unique_ptr<Stream> connected,
                                  const RelayOptions& options, RelayEvents& events);

}  // namespace saker::net

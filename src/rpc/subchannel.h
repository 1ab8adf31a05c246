// Subchannel: one backend of a channel: its connections, the attempts to make more, and how long to
// wait after a failure (grpc/doc/connection-backoff.md). Opens connections when its channel says
// so, and decides nothing about calls. Its channel's loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "saker/net/loop.h"
#include "saker/rpc/backoff.h"
#include "saker/rpc/client_connection.h"
#include "saker/rpc/client_options.h"

namespace saker::rpc {

class Channel;

class Subchannel {
 public:
  // `target`: what the user wrote, of which `address` is one; `authority`: what requests name.
  Subchannel(Channel& channel, net::Address address, const std::string& target,
             std::string authority);
  ~Subchannel();

  const net::Address& address() const { return address_; }
  const std::string& name() const { return name_; }
  const std::string& authority() const { return authority_; }
  const KeepaliveOptions& keepalive() const { return keepalive_; }
  // The server thinks that we ping too often (gRFC A8).
  void back_off_keepalive();

  // The connection with the fewest open streams that takes another; null: none does.
  ClientConnection* pick() const {
    ClientConnection* best = nullptr;
    size_t fewest = SIZE_MAX;
    for (const auto& connection : connections_) {
      const size_t open = connection->open_calls();
      if (open < fewest && connection->can_open()) {
        best = connection.get();
        fewest = open;
      }
    }
    return best;
  }

  // One more connection where one is wanted: the first, or when the present ones have no room; all
  // of them if eager. Nothing while it waits after a failure.
  void connect_more();
  // Lets open calls finish, and opens nothing until connect_more().
  void go_idle();
  // The same for good.
  void leave();
  void close();
  // Hands all calls their ends, after close().
  void finish_calls();

  size_t ready_connections() const;
  size_t usable_connections() const;
  bool has_attempt() const { return !attempts_.empty(); }
  // Calls may come to it, now or soon.
  bool is_hopeful() const;
  // It is reached and takes no calls, because its server says so, or does not say otherwise.
  bool is_unhealthy() const;
  const std::string& why_unhealthy() const;
  // An attempt, a handshake, or the first word on its health is under way.
  bool is_connecting() const;
  bool is_empty() const { return connections_.empty() && attempts_.empty(); }
  bool is_busy() const;
  // An inherited descriptor is one connection. Once that is closed, its number may be anybody's.
  bool is_used_up() const;
  Time retry_at() const { return retry_at_; }
  // Calls that were sent to it so far, attempts of one call one by one.
  uint64_t calls() const;

  // ---- for connections
  void connection_ready();
  // Hands the connection over to the channel, which destroys it.
  void connection_ended(ClientConnection& connection);

 private:
  class Attempt;

  void on_connect(Attempt& attempt, Result<std::unique_ptr<net::Stream>> result);
  void connect_failed(const std::string& why);
  Duration next_delay();

  Channel& channel_;
  const net::Address address_;
  const std::string name_;
  const std::string authority_;
  KeepaliveOptions keepalive_;
  std::vector<std::unique_ptr<ClientConnection>> connections_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  Backoff backoff_;
  Time retry_at_{};
  Time first_failure_ = kNever;
  bool leaving_ = false;
  bool resting_ = false;  // its connections were closed for want of calls
  bool has_tried_ = false;
  int unused_in_a_row_ = 0;   // connections that ended before they took a call
  uint64_t calls_ended_ = 0;  // on connections that are gone
};

}  // namespace saker::rpc

// EpollListener: accepts in batches and hands descriptors out; which loop a connection will live on
// is its receiver's choice. When accept() runs out of descriptors it answers one client by closing
// it (with the loop's spare descriptor), so that it does not wait in vain, and rests while the
// backlog keeps the others.
#pragma once

#include "saker/net/epoll_loop.h"
#include "saker/net/listen_socket.h"
#include "saker/net/socket_address.h"

namespace saker::net {

class EpollListener final : public Listener, private EpollSource, private Timer {
 public:
  static Result<std::unique_ptr<Listener>> make(EpollLoop& loop, const Address& address,
                                                const ListenOptions& options,
                                                ListenerEvents& events);
  EpollListener(EpollLoop& loop, ListenSocket socket, ListenerEvents& events);
  ~EpollListener() override;

  const Address& address() const override { return socket_.address; }
  void pause(bool paused) override;

 private:
  void on_ready(uint32_t events) override;
  void on_timer(Time now) override;

  Result<void> update_interest();
  bool handle_accept_error(int error);
  void turn_one_away();
  void rest();
  Peer peer_behind(int fd, const SocketAddress& address) const;

  EpollLoop& loop_;
  ListenerEvents& events_;
  ListenSocket socket_;
  bool is_watched_ = false;
  bool is_paused_ = false;
  bool is_resting_ = false;
};

}  // namespace saker::net

#include "saker/net/epoll_listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace saker::net {

Result<std::unique_ptr<Listener>> EpollListener::make(EpollLoop& loop, const Address& address,
                                                      const ListenOptions& options,
                                                      ListenerEvents& events) {
  auto socket = open_listen_socket(address, options);
  if (!socket) return std::unexpected(socket.error());
  auto listener = std::make_unique<EpollListener>(loop, std::move(*socket), events);
  if (auto watched = listener->update_interest(); !watched) {
    return fail("listen on " + to_string(address) + ": " + watched.error().message,
                watched.error().system_error);
  }
  return listener;
}

EpollListener::EpollListener(EpollLoop& loop, ListenSocket socket, ListenerEvents& events)
    : loop_(loop), events_(events), socket_(std::move(socket)) {}

EpollListener::~EpollListener() {
  loop_.forget(*this, socket_.fd.get());
}

// A listener that does not accept leaves the epoll set, because EPOLLHUP cannot be masked.
Result<void> EpollListener::update_interest() {
  const bool wanted = !is_paused_ && !is_resting_;
  if (wanted == is_watched_) return {};
  if (!wanted) {
    loop_.forget(*this, socket_.fd.get());
  } else if (auto watched = loop_.watch(*this, socket_.fd.get(), EPOLLIN); !watched) {
    return watched;
  }
  is_watched_ = wanted;
  return {};
}

// If the kernel has no memory to watch the listener again, that is asked for again after a rest.
void EpollListener::pause(bool paused) {
  is_paused_ = paused;
  if (!update_interest()) rest();
}

void EpollListener::rest() {
  is_resting_ = true;
  (void)update_interest();  // to stop watching cannot fail
  loop_.arm(*this, time_after(loop_.read_clock(), tuning::kAcceptRest));
}

void EpollListener::on_timer(Time) {
  is_resting_ = false;
  if (!update_interest()) rest();
}

void EpollListener::on_ready(uint32_t) {
  EpollLoop& loop = loop_;
  const EpollSource& self = *this;
  for (int i = 0; i < tuning::kAcceptsPerTurn; ++i) {
    SocketAddress from;
    const int fd = accept4(socket_.fd.get(), from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (handle_accept_error(errno)) continue;
      return;
    }
    events_.on_accept({Descriptor(fd), 0, peer_behind(fd, from)});
    if (!loop.is_still_dispatching(self)) return;  // destroyed or paused
  }
}

// The guest behind a multiplexer is known by the multiplexer's path, not as the process that runs
// it, and is not local.
Peer EpollListener::peer_behind(int fd, const SocketAddress& address) const {
  Peer peer = peer_of(fd, address);
  if (socket_.address.transport == Transport::kVsockMux) {
    peer.transport = Transport::kVsockMux;
    peer.name = to_string(socket_.address);
    peer.is_local = false;
  }
  return peer;
}

// True: the next connection may be there all the same. Errors of the connection itself come out of
// accept() on Linux, and are to be treated like EAGAIN (accept(2)).
bool EpollListener::handle_accept_error(int error) {
  switch (error) {
    case EAGAIN:
      return false;
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP:
      return true;
    case EMFILE:
    case ENFILE:
      turn_one_away();
      break;
    default:
      break;  // no memory, or a listener that somebody shut down
  }
  rest();
  return false;
}

void EpollListener::turn_one_away() {
  Descriptor& spare = loop_.spare_descriptor();
  if (spare) {
    spare.reset();
    Descriptor(accept4(socket_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
  }
  loop_.reopen_spare_descriptor();
}

}  // namespace saker::net

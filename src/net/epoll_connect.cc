#include "saker/net/epoll_connect.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "saker/net/epoll_stream.h"
#include "saker/net/failure_text.h"
#include "saker/net/socket_options.h"

namespace saker::net {
namespace {

// A TCP socket that connects to a free local port in the ephemeral range may be given that very
// port and then meets itself (simultaneous open, RFC 9293 §3.5).
bool is_connected_to_itself(int fd) {
  const auto local = local_address(fd);
  const auto remote = remote_address(fd);
  if (!local || !remote || local->size != remote->size) return false;
  return std::memcmp(local->get(), remote->get(), local->size) == 0;
}

}  // namespace

EpollConnect::EpollConnect(EpollLoop& loop, const Address& address, const ConnectOptions& options,
                           ConnectEvents& events)
    : loop_(loop),
      events_(events),
      address_(address),
      options_(options),
      deadline_(time_after(loop.read_clock(), options.timeout)),
      handshake_(address.port) {
  begin();
}

EpollConnect::~EpollConnect() {
  forget_watched();
}

void EpollConnect::begin() {
  if (address_.transport == Transport::kFd) return take_over_descriptor();
  if (needs_lookup(address_)) {
    state_ = State::kLookingUp;
    lookup_ = loop_.resolve(address_, options_.timeout, *this);
    return;
  }
  use_candidates(socket_addresses(address_, Purpose::kConnect));
}

void EpollConnect::on_resolved(Result<std::vector<Address>> addresses) {
  const std::unique_ptr<ResolveAttempt> done = std::move(lookup_);
  if (!addresses) return finish(std::unexpected(std::move(addresses.error())));
  std::vector<SocketAddress> candidates;
  for (const Address& address : *addresses) {
    auto found = socket_addresses(address, Purpose::kConnect);
    if (!found) return finish(std::unexpected(std::move(found.error())));
    candidates.insert(candidates.end(), found->begin(), found->end());
  }
  use_candidates(std::move(candidates));
}

void EpollConnect::use_candidates(Result<std::vector<SocketAddress>> candidates) {
  if (!candidates) return finish(std::unexpected(std::move(candidates.error())));
  candidates_ = std::move(*candidates);
  try_next();
}

void EpollConnect::take_over_descriptor() {
  if (const auto remote = remote_address(address_.fd); !remote) {
    return finish(fail_errno("not a connected socket", remote.error().system_error));
  }
  int type = 0;
  socklen_t size = sizeof type;
  (void)getsockopt(address_.fd, SOL_SOCKET, SO_TYPE, &type, &size);  // type 0 is no stream either
  if (type != SOCK_STREAM) return finish(fail_errno("not a stream socket", ESOCKTNOSUPPORT));
  if (auto set = set_nonblocking(address_.fd); !set) return finish(std::move(set));
  fd_ = Descriptor(address_.fd);
  finish({});
}

void EpollConnect::try_next() {
  const Time now = loop_.read_clock();
  const auto left = static_cast<int64_t>(candidates_.size() - next_);
  current_ends_ = deadline_ == kNever ? kNever : now + (deadline_ - now) / left;
  ++next_;
  try_current();
}

void EpollConnect::try_current() {
  const SocketAddress& to = candidates_[next_ - 1];
  auto fd = make_socket(to.family());
  if (!fd) return fail_current(std::move(fd.error()));
  fd_ = std::move(*fd);
  if (to.family() == AF_VSOCK) {
    set_vsock_window(fd_.get(), options_.vsock_window_bytes);
    set_vsock_connect_timeout(fd_.get(), options_.timeout);
  }
  state_ = State::kConnecting;
  loop_.arm(*this, current_ends_);
  if (::connect(fd_.get(), to.get(), to.size) == 0) return handle_connected();
  handle_connect_error(errno);
}

void EpollConnect::handle_connect_error(int error) {
  const int family = candidates_[next_ - 1].family();
  if (error == EINPROGRESS || error == EINTR) {
    watch_or_finish(fd_.get(), EPOLLOUT);
  } else if (error == EAGAIN && family == AF_UNIX) {  // the listener's backlog is full
    fd_.reset();
    state_ = State::kRetryWait;
    const Time again = time_after(loop_.read_clock(), tuning::kUnixConnectRetry);
    loop_.arm(*this, std::min(again, deadline_));
  } else {
    fail_current(fail(connect_error_text(address_.transport, error), error).error());
  }
}

void EpollConnect::on_ready(uint32_t) {
  if (state_ == State::kHandshake) return handle_handshake_input();
  const int error = take_socket_error(fd_.get());
  forget_watched();
  if (error != 0) return handle_connect_error(error);
  handle_connected();
}

void EpollConnect::handle_connected() {
  const bool is_tcp = address_.transport == Transport::kTcp;
  if (is_tcp && is_connected_to_itself(fd_.get())) return handle_connect_error(ECONNREFUSED);
  if (address_.transport != Transport::kVsockMux) return finish({});
  if (auto sent = handshake_.send_request(fd_.get()); !sent) return finish(std::move(sent));
  state_ = State::kHandshake;
  loop_.arm(*this, std::min(deadline_, time_after(loop_.read_clock(), tuning::kMuxReplyTimeout)));
  watch_or_finish(fd_.get(), EPOLLIN);
}

void EpollConnect::handle_handshake_input() {
  auto done = handshake_.read_reply(fd_.get());
  if (!done) return finish(std::unexpected(std::move(done.error())));
  if (*done) finish({});
}

void EpollConnect::on_timer(Time now) {
  if (state_ == State::kRetryWait && now < deadline_) return try_current();
  Error error;
  switch (state_) {
    case State::kRetryWait:
      error = fail_errno("its backlog is full", ETIMEDOUT).error();
      break;
    case State::kHandshake:
      error = fail("no OK from the vsock multiplexer in time; the virtual machine is not up yet",
                   ETIMEDOUT)
                  .error();
      break;
    default:
      error = fail(connect_error_text(address_.transport, ETIMEDOUT), ETIMEDOUT).error();
      break;
  }
  fail_current(std::move(error));
}

// The current address did not work: the next one, or the end.
void EpollConnect::fail_current(Error error) {
  forget_watched();
  fd_.reset();
  if (next_ > 0 && candidates_.size() > 1) {
    error.message = peer_name(candidates_[next_ - 1]) + ": " + error.message;
  }
  if (next_ < candidates_.size()) return try_next();
  finish(std::unexpected(std::move(error)));
}

void EpollConnect::finish(Result<void> outcome) {
  forget_watched();
  loop_.cancel(*this);
  if (!outcome) {
    fd_.reset();
    error_ = std::move(outcome.error());
    error_->message = "connect to " + to_string(address_) + ": " + error_->message;
  }
  state_ = State::kDone;
  loop_.at_turn_end(*this);
}

bool EpollConnect::watch_or_finish(int fd, uint32_t events) {
  auto watched = loop_.watch(*this, fd, events);
  if (!watched) {
    finish(std::move(watched));
    return false;
  }
  watched_fd_ = fd;
  return true;
}

void EpollConnect::forget_watched() {
  if (watched_fd_ >= 0) loop_.forget(*this, std::exchange(watched_fd_, -1));
}

Result<Peer> EpollConnect::find_peer() const {
  auto remote = remote_address(fd_.get());
  if (!remote) return std::unexpected(remote.error());
  Peer peer = peer_of(fd_.get(), *remote);
  if (address_.transport == Transport::kVsockMux) {
    peer.transport = Transport::kVsockMux;
    peer.name = to_string(address_);
    peer.is_local = false;
  }
  return peer;
}

// Its owner may destroy this attempt in on_connect().
void EpollConnect::run_at_turn_end() {
  if (error_) return events_.on_connect(std::unexpected(std::move(*error_)));
  auto peer = find_peer();
  if (!peer) {
    const Error& error = peer.error();  // gone again already
    return events_.on_connect(
        fail("connect to " + to_string(address_) + ": " + error.message, error.system_error));
  }
  events_.on_connect(std::make_unique<EpollStream>(loop_, std::move(fd_), std::move(*peer)));
}

}  // namespace saker::net

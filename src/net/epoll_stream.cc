#include "saker/net/epoll_stream.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "saker/net/failure_text.h"
#include "saker/net/socket_options.h"

namespace saker::net {
namespace {

bool is_retry(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

struct Gathered {
  std::array<iovec, tuning::kIovecsPerSend> parts;
  size_t count = 0;
  size_t bytes = 0;
};

void gather(const ChunkQueue& chunks, Gathered& out) {
  for (const Chunk* at = chunks.front(); at != nullptr && out.count < out.parts.size();
       at = at->next) {
    if (at->size() == 0) continue;
    out.parts[out.count++] = {at->storage + at->begin, at->size()};
    out.bytes += at->size();
  }
}

ssize_t send_gathered(int fd, Gathered& gathered) {
  if (gathered.count == 1) {
    return ::send(fd, gathered.parts[0].iov_base, gathered.parts[0].iov_len, MSG_NOSIGNAL);
  }
  msghdr message{};
  message.msg_iov = gathered.parts.data();
  message.msg_iovlen = gathered.count;
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

EpollStream::EpollStream(EpollLoop& loop, Descriptor fd, Peer peer)
    : loop_(loop), fd_(std::move(fd)), unsent_(loop.chunks()), peer_(std::move(peer)) {
  if (peer_.transport == Transport::kTcp) set_stream_options(fd_.get(), AF_INET);
  loop_.count_connection(1);
}

Descriptor EpollStream::release() {
  SAKER_DCHECK(events_ == nullptr && unsent_.empty());
  loop_.count_connection(-1);
  return std::exchange(fd_, {});
}

void EpollStream::start(StreamEvents& events) {
  SAKER_DCHECK(events_ == nullptr && !ended_);
  events_ = &events;
  update_interest();
  if (sent_ || write_error_ != 0) loop_.at_turn_end(*this);
}

size_t EpollStream::memory_bytes() const {
  return sizeof(*this) + peer_.name.capacity() + unsent_.size();
}

// EPOLLIN also stands for the peer's close, so EPOLLRDHUP is not needed.
// EPOLLERR and EPOLLHUP come in any case.
void EpollStream::update_interest() {
  if (!is_open()) return;
  const uint32_t wanted = (is_paused_ ? 0u : EPOLLIN) | (is_blocked_ ? EPOLLOUT : 0u);
  if (is_watched_) {
    if (wanted != interest_) loop_.change(*this, fd_.get(), wanted);
  } else if (auto watched = loop_.watch(*this, fd_.get(), wanted); watched) {
    is_watched_ = true;
  } else {
    break_write(watched.error().system_error);
    reads_left_ = 0;
  }
  interest_ = wanted;
}

// EPOLLOUT stays on after a blocked write has gone through, because a stream that filled the buffer
// once is about to fill it again; it goes with the first event that finds nothing blocked.
void EpollStream::on_ready(uint32_t events) {
  constexpr uint32_t kBroken = EPOLLERR | EPOLLHUP;
  if ((events & (EPOLLOUT | kBroken)) != 0) {
    if (is_blocked_) {
      send_pending();
    } else if ((interest_ & EPOLLOUT) != 0) {
      update_interest();
    }
  }
  if (!is_paused_) {
    if ((events & (EPOLLIN | kBroken)) != 0) receive(events);
  } else if ((events & kBroken) != 0) {
    handle_hangup_while_paused();
  }
}

void EpollStream::receive(uint32_t events) {
  const MutableBytes buffer = loop_.receive_buffer();
  const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  const int error = size < 0 ? errno : 0;
  loop_.sample_clock();
  if (size > 0) return events_->on_data(buffer.first(static_cast<size_t>(size)));
  if (size == 0) return end({});
  if (!is_retry(error)) return end({{}, error});
  // An error that recv() does not report would come back with every epoll_wait.
  if ((events & EPOLLERR) == 0) return;
  if (const int pending = take_socket_error(fd_.get()); pending != 0) end({{}, pending});
}

// Both directions are closed, and there may be unread bytes: not broken, so it waits for the
// reader, and not watched either, since EPOLLHUP cannot be masked.
void EpollStream::handle_hangup_while_paused() {
  if (const int error = take_socket_error(fd_.get()); error != 0) return end({{}, error});
  if (write_error_ != 0) return;  // run_at_turn_end() ends it
  loop_.forget(*this, fd_.get());
  is_watched_ = false;
}

void EpollStream::submit(ChunkQueue&& chunks) {
  SAKER_DCHECK(!in_flight_ && !chunks.empty());
  unsent_ = std::move(chunks);
  if (!fd_) return unsent_.clear();
  in_flight_ = !ended_;
  send_pending();
  if (ended_) unsent_.clear();
}

void EpollStream::send_pending() {
  is_blocked_ = false;
  while (!unsent_.empty()) {
    Gathered gathered;
    gather(unsent_, gathered);
    const ssize_t size = send_gathered(fd_.get(), gathered);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && !is_retry(errno)) return break_write(errno);
    if (size > 0) unsent_.consume(static_cast<size_t>(size));
    if (size == static_cast<ssize_t>(gathered.bytes)) continue;
    is_blocked_ = true;
    if ((interest_ & EPOLLOUT) == 0) update_interest();
    return;
  }
  sent_ = true;
  if (is_open()) loop_.at_turn_end(*this);
}

// The peer may have said why before it went (GOAWAY), so reading goes on for a while.
void EpollStream::break_write(int system_error) {
  write_error_ = system_error;
  reads_left_ = tuning::kReadsAfterBrokenWrite;
  is_blocked_ = false;
  unsent_.clear();
  if (is_open()) loop_.at_turn_end(*this);
}

void EpollStream::run_at_turn_end() {
  if (write_error_ != 0) return read_what_is_left();
  sent_ = false;
  in_flight_ = false;
  events_->on_sent();
}

void EpollStream::read_what_is_left() {
  if (is_paused_ || reads_left_ == 0) return end({});
  --reads_left_;
  const MutableBytes buffer = loop_.receive_buffer();
  const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size <= 0) return end({});
  loop_.at_turn_end(*this);
  events_->on_data(buffer.first(static_cast<size_t>(size)));
}

void EpollStream::end(Error error) {
  if (write_error_ != 0) error = {{}, write_error_};
  if (error.message.empty()) error.message = end_text(error.system_error);
  ended_ = true;
  in_flight_ = false;
  is_blocked_ = false;
  unsent_.clear();
  TurnTask::unlink();
  loop_.forget(*this, fd_.get());
  is_watched_ = false;
  std::exchange(events_, nullptr)->on_end(error);
}

void EpollStream::pause_reading(bool paused) {
  if (is_paused_ == paused) return;
  is_paused_ = paused;
  update_interest();
}

// A TCP socket that is closed with unread bytes resets the connection, and a reset overtakes what
// was sent before it (RFC 1122 §4.2.2.13). So the unread bytes are thrown away first: MSG_TRUNC
// does it without copying (tcp(7)). It leaves the buffer alone, which may hold lent bytes;
// sanitizers take it for written, so that it must be this loop's own.
void EpollStream::discard_unread() {
  const MutableBytes buffer = loop_.receive_buffer();
  for (size_t left = tuning::kDrainOnCloseBytes; left != 0;) {
    const size_t asked = std::min(left, buffer.size());
    const ssize_t got = ::recv(fd_.get(), buffer.data(), asked, MSG_TRUNC | MSG_DONTWAIT);
    if (got < static_cast<ssize_t>(asked)) return;
    left -= asked;
  }
}

void EpollStream::close() {
  if (!fd_) return;
  events_ = nullptr;
  in_flight_ = false;
  is_blocked_ = false;
  unsent_.clear();
  TurnTask::unlink();
  loop_.forget(*this, fd_.get());
  if (peer_.transport == Transport::kTcp && !ended_) discard_unread();
  fd_.reset();
  loop_.count_connection(-1);
}

}  // namespace saker::net

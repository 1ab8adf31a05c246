// The Relay on epoll. Each side waits for input unless the bytes before it are still held for the
// other side, and for room while bytes are held for it; a side that waits for nothing is not watched,
// because EPOLLHUP cannot be masked.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "saker/net/epoll_loop.h"
#include "saker/net/epoll_stream.h"
#include "saker/net/relay.h"
#include "saker/net/socket_options.h"

namespace saker::net {
namespace {

bool is_no_failure(int error) {
  return error == EAGAIN || error == EINTR;
}

class EpollRelay final : public Relay, private TurnTask, private Timer {
 public:
  EpollRelay(EpollLoop& loop, Descriptor accepted, Descriptor connected,
             const RelayOptions& options, RelayEvents& events)
      : loop_(loop), options_(options), events_(events) {
    sides_[0].fd = std::move(accepted);
    sides_[1].fd = std::move(connected);
    for (Side& side : sides_) side.relay = this;
    loop_.count_connection(1);
  }
  ~EpollRelay() override {
    loop_.cancel(*this);
    for (Side& side : sides_) unwatch(side);
    loop_.count_connection(-1);
  }

  void start() { update_interest(); }
  uint64_t bytes_forth() const override { return sides_[0].received; }
  uint64_t bytes_back() const override { return sides_[1].received; }

 private:
  struct Side final : EpollSource {
    void on_ready(uint32_t events) override { relay->on_ready(*this, events); }
    EpollRelay* relay = nullptr;
    Descriptor fd;
    std::vector<uint8_t> held;  // received here, not taken by the other side yet
    size_t held_from = 0;
    uint64_t received = 0;
    uint32_t interest = 0;
    bool ended = false;  // it sends no more
    bool told = false;   // and the other side knows
    bool deaf = false;   // it takes no more: what is for it is dropped
  };

  Side& other(const Side& side) { return sides_[&side == &sides_[0] ? 1 : 0]; }
  static bool holds(const Side& side) { return side.held_from < side.held.size(); }

  void on_ready(Side& side, uint32_t events) {
    constexpr uint32_t kBroken = EPOLLERR | EPOLLHUP;
    if ((events & (EPOLLOUT | kBroken)) != 0 && holds(other(side))) send_held(other(side));
    if ((events & (EPOLLIN | kBroken)) != 0 && !side.ended && !holds(side)) receive(side);
    update_interest();
  }

  void receive(Side& side) {
    const MutableBytes buffer = loop_.receive_buffer();
    const ssize_t size = ::recv(side.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && is_no_failure(errno)) return;
    if (size <= 0) {
      side.ended = true;
      if (size < 0) go_deaf(side);
      return pass_end(side);
    }
    // Read nevertheless: a socket closed with bytes unread takes with it what was sent before.
    if (other(side).deaf) return;
    const auto bytes = static_cast<size_t>(size);
    side.received += bytes;
    const size_t sent = send(side, buffer.data(), bytes);
    side.held.assign(buffer.begin() + static_cast<ptrdiff_t>(sent), buffer.begin() + size);
    side.held_from = 0;
  }

  void send_held(Side& side) {
    side.held_from +=
        send(side, side.held.data() + side.held_from, side.held.size() - side.held_from);
    if (holds(side)) return;
    drop_held(side);
    pass_end(side);
  }

  // An idle relay keeps no buffer.
  static void drop_held(Side& side) {
    std::vector<uint8_t>().swap(side.held);
    side.held_from = 0;
  }

  // What came from `side`, to the other one; how much of it needs no keeping.
  size_t send(Side& side, const uint8_t* bytes, size_t size) {
    const ssize_t sent = ::send(other(side).fd.get(), bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) active_at_ = loop_.now();
    if (sent >= 0) return static_cast<size_t>(sent);
    if (is_no_failure(errno)) return 0;
    go_deaf(other(side));
    return size;
  }

  // What `side` sent before may still lie in its socket: it is read and passed on to its end.
  void go_deaf(Side& side) {
    side.deaf = true;
    drop_held(other(side));
    pass_end(other(side));
    if (side.told) loop_.arm(*this, time_of_end());
  }

  void pass_end(Side& side) {
    if (!side.ended || side.told || holds(side)) return;
    side.told = true;
    (void)::shutdown(other(side).fd.get(), SHUT_WR);  // ENOTCONN: that side has gone already
    if (other(side).told) return finish();
    active_at_ = loop_.now();
    loop_.arm(*this, time_of_end());
  }

  // One side sends no more. The other one may go on as long as it gets on with it; where nobody hears it
  // any more, for as long as it may need to read the last bytes.
  Time time_of_end() const {
    const auto is_gone = [](const Side& side) { return side.told && side.deaf; };
    const bool gone = is_gone(sides_[0]) || is_gone(sides_[1]);
    return time_after(active_at_, gone ? std::min(kLinger, options_.half_close_timeout)
                                       : options_.half_close_timeout);
  }
  void on_timer(Time now) override {
    if (now >= time_of_end()) return finish();
    loop_.arm(*this, time_of_end());
  }

  void update_interest() {
    for (Side& side : sides_) {
      uint32_t wanted = 0;
      if (!ended_ && !side.ended && !holds(side)) wanted |= EPOLLIN;
      if (!ended_ && holds(other(side))) wanted |= EPOLLOUT;
      if (wanted == side.interest) continue;
      if (wanted == 0) {
        unwatch(side);
      } else if (side.interest != 0) {
        loop_.change(side, side.fd.get(), wanted);
        side.interest = wanted;
      } else if (loop_.watch(side, side.fd.get(), wanted)) {
        side.interest = wanted;
      } else {
        finish();
      }
    }
  }

  void unwatch(Side& side) {
    if (std::exchange(side.interest, 0) != 0) loop_.forget(side, side.fd.get());
  }

  void finish() {
    if (std::exchange(ended_, true)) return;
    loop_.at_turn_end(*this);
  }
  void run_at_turn_end() override { events_.on_relay_end(); }

  static constexpr Duration kLinger = std::chrono::seconds(2);

  EpollLoop& loop_;
  const RelayOptions options_;
  RelayEvents& events_;
  Side sides_[2];
  Time active_at_{};  // when bytes or an end were last passed on
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Relay> make_relay(Loop& loop, Accepted accepted, std::unique_ptr<Stream> connected,
                                  const RelayOptions& options, RelayEvents& events) {
  Descriptor second = static_cast<EpollStream&>(*connected).release();
  connected.reset();
  const int family = accepted.peer.transport == Transport::kTcp ? AF_INET : AF_UNSPEC;
  set_stream_options(accepted.socket.get(), family);
  for (const int fd : {accepted.socket.get(), second.get()}) set_keepalive(fd);
  auto relay =
      std::make_unique<EpollRelay>(static_cast<EpollLoop&>(loop), std::move(accepted.socket),
                                   std::move(second), options, events);
  relay->start();
  return relay;
}

}  // namespace saker::net

// The Relay on epoll. Each side waits for input unless the bytes before it are still held for the
// other side, and for room while bytes are held for it; a side that waits for nothing is not watched,
// because EPOLLHUP cannot be masked.
#include <sys/socket.h>

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

class EpollRelay final : public Relay, private TurnTask {
 public:
  EpollRelay(EpollLoop& loop, Descriptor accepted, Descriptor connected, RelayEvents& events)
      : loop_(loop), events_(events) {
    sides_[0].fd = std::move(accepted);
    sides_[1].fd = std::move(connected);
    for (Side& side : sides_) side.relay = this;
    loop_.count_connection(1);
  }
  ~EpollRelay() override {
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
    if (size < 0 && !is_no_failure(errno)) return finish();
    if (size == 0) side.ended = true;
    if (size <= 0) return pass_end(side);
    const auto bytes = static_cast<size_t>(size);
    side.received += bytes;
    const ssize_t sent = send(side, buffer.data(), bytes);
    if (sent < 0) return;
    side.held.assign(buffer.begin() + sent, buffer.begin() + size);
    side.held_from = 0;
  }

  void send_held(Side& side) {
    const ssize_t sent =
        send(side, side.held.data() + side.held_from, side.held.size() - side.held_from);
    if (sent < 0) return;
    side.held_from += static_cast<size_t>(sent);
    if (holds(side)) return;
    std::vector<uint8_t>().swap(side.held);  // an idle relay keeps no buffer
    side.held_from = 0;
    pass_end(side);
  }

  // What came from `side`, to the other one. Negative: the relay has ended.
  ssize_t send(Side& side, const uint8_t* bytes, size_t size) {
    const ssize_t sent = ::send(other(side).fd.get(), bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return sent;
    if (is_no_failure(errno)) return 0;
    finish();
    return -1;
  }

  void pass_end(Side& side) {
    if (!side.ended || side.told || holds(side)) return;
    side.told = true;
    (void)::shutdown(other(side).fd.get(), SHUT_WR);
    if (other(side).told) finish();
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

  EpollLoop& loop_;
  RelayEvents& events_;
  Side sides_[2];
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<Relay>> make_relay(Loop& loop, Accepted accepted,
                                          std::unique_ptr<Stream> connected, RelayEvents& events) {
  Descriptor first(accepted.handle);
  Descriptor second = static_cast<EpollStream&>(*connected).release();
  connected.reset();
  const int family = accepted.peer.transport == Transport::kTcp ? AF_INET : AF_UNSPEC;
  set_stream_options(first.get(), family);
  auto relay = std::make_unique<EpollRelay>(static_cast<EpollLoop&>(loop), std::move(first),
                                            std::move(second), events);
  relay->start();
  return relay;
}

}  // namespace saker::net

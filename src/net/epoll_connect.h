// EpollConnect: one connection attempt, from an Address to a Stream. Never blocks. Whatever comes
// out is reported at the end of a turn, so never inside connect().
//
//   names ─▶ looking up ─┐
//   numbers and paths ───┴▶ connecting ─▶ handshake (VSOCK multiplexer only) ─▶ done
//                            │      ▲                                            ▲
//                            └ next address, until none is left ─────────────────┘
//
// Several addresses share the time that is left evenly,
// so that one that swallows packets cannot starve the others.
#pragma once

#include <optional>
#include <vector>

#include "saker/net/epoll_loop.h"
#include "saker/net/mux_handshake.h"
#include "saker/net/socket_address.h"

namespace saker::net {

class EpollConnect final : public ConnectAttempt,
                           private EpollSource,
                           private Timer,
                           private TurnTask,
                           private ResolveEvents {
 public:
  EpollConnect(EpollLoop& loop, const Address& address, const ConnectOptions& options,
               ConnectEvents& events);
  ~EpollConnect() override;

 private:
  enum class State { kLookingUp, kConnecting, kRetryWait, kHandshake, kDone };

  void on_ready(uint32_t events) override;
  void on_timer(Time now) override;
  void run_at_turn_end() override;
  void on_resolved(Result<std::vector<Address>> addresses) override;

  void begin();
  void take_over_descriptor();
  void use_candidates(Result<std::vector<SocketAddress>> candidates);
  void try_next();
  void try_current();
  void handle_connect_error(int error);
  void handle_connected();
  void handle_handshake_input();
  void fail_current(Error error);
  void finish(Result<void> outcome);
  bool watch_or_finish(int fd, uint32_t events);
  void forget_watched();
  Result<Peer> find_peer() const;

  EpollLoop& loop_;
  ConnectEvents& events_;
  Address address_;
  ConnectOptions options_;
  Time deadline_;
  State state_ = State::kConnecting;
  std::unique_ptr<ResolveAttempt> lookup_;
  std::vector<SocketAddress> candidates_;
  size_t next_ = 0;      // the candidate after the current one
  Time current_ends_{};  // when the current candidate's share of the time is over
  Descriptor fd_;
  int watched_fd_ = -1;
  MuxHandshake handshake_;
  std::optional<Error> error_;  // kDone: none means success
};

}  // namespace saker::net

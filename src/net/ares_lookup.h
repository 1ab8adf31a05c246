// AresLookup: what a host name stands for, through c-ares: /etc/hosts first, then the name servers
// of /etc/resolv.conf; A and AAAA, in the order of RFC 6724. Its sockets are the loop's, so nothing
// blocks and no thread is needed. Each lookup has a c-ares channel of its own: changes of the
// system's files count at once, and an idle loop holds no socket. NSS modules other than files and
// dns are not asked. Whatever comes out is reported at the end of a turn.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saker/net/epoll_loop.h"

struct ares_addrinfo;
struct ares_channeldata;

namespace saker::net {

class AresLookup final : public ResolveAttempt, private Timer, private TurnTask {
 public:
  // `name_servers`: "ADDRESS:PORT,…" instead of those of /etc/resolv.conf.
  AresLookup(EpollLoop& loop, const Address& name, Duration timeout, ResolveEvents& events,
             const std::string& name_servers = {});
  ~AresLookup() override;

 private:
  class Socket;

  static void on_socket_state(void* self, int fd, int readable, int writable);
  static void on_answer(void* self, int status, int timeouts, ares_addrinfo* found);
  void on_timer(Time now) override;
  void run_at_turn_end() override;

  void begin(const std::string& name_servers);
  void watch(int fd, uint32_t events);
  void process(int readable, int writable);
  void finish(Result<std::vector<Address>> result);
  void arm_timer();
  std::vector<Address> addresses_of(const ares_addrinfo& found) const;
  std::unexpected<Error> failed(const std::string& why, int system_error) const;

  EpollLoop& loop_;
  ResolveEvents& events_;
  const Address name_;
  const Time deadline_;
  ares_channeldata* channel_ = nullptr;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::optional<Result<std::vector<Address>>> result_;
  bool closing_ = false;
};

}  // namespace saker::net

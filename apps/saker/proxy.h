// Proxy: listeners, and for each connection that they accept one to the target, relayed byte for byte.
// Knows no protocol: HTTP/2, TLS and whatever else pass through unchanged. Everything but counters
// and shut_down() belongs to the thread of run().
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "saker/base/result.h"
#include "saker/net/loop.h"
#include "saker/net/relay.h"

namespace saker::app {

struct ProxyOptions {
  net::Address target;
  size_t max_connections = 10'000;                      // limit: relayed at a time
  Duration connect_timeout = std::chrono::seconds(10);  // limit: of the connection to the target
  Duration drain_timeout = std::chrono::seconds(10);    // limit: from shut_down() to closing
  net::RelayOptions relay;
  std::vector<uint32_t> allowed_vsock_cids;  // empty: all
};

struct ProxyCounters {
  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> open{0};
  std::atomic<uint64_t> refused_full{0};    // over max_connections
  std::atomic<uint64_t> refused_cid{0};     // not among allowed_vsock_cids
  std::atomic<uint64_t> connect_failed{0};  // the target was not reached
  std::atomic<uint64_t> bytes_forth{0};     // from clients to the target; of ended connections
  std::atomic<uint64_t> bytes_back{0};
};

class Proxy final : private net::ListenerEvents, private net::Timer, private net::TurnTask {
 public:
  // `report`: told of each connection that could not be made.
  Proxy(net::Loop& loop, const ProxyOptions& options,
        std::function<void(const std::string&)> report);
  ~Proxy();

  Result<net::Address> listen(const net::Address& address);
  // Until shut_down() and the end of what was open then.
  void run() { loop_.run(); }
  // Any thread, once: no new connections; those that are open may end within drain_timeout.
  void shut_down() { loop_.post(drain_); }

  const ProxyCounters& counters() const { return counters_; }

 private:
  class Session;
  struct Drain final : net::PostedTask {
    explicit Drain(Proxy& owner) : proxy(owner) {}
    void run() override { proxy.drain(); }
    Proxy& proxy;
  };

  void on_accept(net::Accepted accepted) override;
  bool allows(const net::Peer& peer) const;
  void ended(Session& session);
  void drain();
  void on_timer(Time now) override;
  void run_at_turn_end() override;

  net::Loop& loop_;
  const ProxyOptions options_;
  const std::function<void(const std::string&)> report_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<std::unique_ptr<Session>> ended_;
  ProxyCounters counters_;
  Drain drain_{*this};
  bool draining_ = false;
};

}  // namespace saker::app

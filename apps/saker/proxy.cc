#include "proxy.h"

#include <algorithm>
#include <utility>

namespace saker::app {
namespace {

void add(std::atomic<uint64_t>& counter, uint64_t by) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace

// One accepted connection: first the attempt to reach the target, then the relay.
class Proxy::Session final : private net::ConnectEvents, private net::RelayEvents {
 public:
  Session(Proxy& proxy, net::Accepted accepted, size_t place)
      : index(place), proxy_(proxy), accepted_(std::move(accepted)) {
    net::ConnectOptions options;
    options.timeout = proxy.options_.connect_timeout;
    attempt_ = proxy.loop_.connect(proxy.options_.target, options, *this);
  }
  ~Session() {
    if (relay_ == nullptr) return;
    add(proxy_.counters_.bytes_forth, relay_->bytes_forth());
    add(proxy_.counters_.bytes_back, relay_->bytes_back());
  }

  size_t index;  // among the proxy's sessions

 private:
  void on_connect(Result<std::unique_ptr<net::Stream>> result) override {
    if (!result) return give_up(result.error());
    relay_ = net::make_relay(proxy_.loop_, std::move(accepted_), *std::move(result),
                             proxy_.options_.relay, *this);
  }
  void give_up(const Error& error) {
    add(proxy_.counters_.connect_failed, 1);
    proxy_.report_("a connection from " + accepted_.peer.name + " is closed: " + error.message);
    proxy_.ended(*this);
  }
  void on_relay_end() override { proxy_.ended(*this); }

  Proxy& proxy_;
  net::Accepted accepted_;
  std::unique_ptr<net::ConnectAttempt> attempt_;
  std::unique_ptr<net::Relay> relay_;
};

Proxy::Proxy(net::Loop& loop, const ProxyOptions& options,
             std::function<void(const std::string&)> report)
    : loop_(loop), options_(options), report_(std::move(report)) {}

Proxy::~Proxy() {
  loop_.cancel(*this);
}

Result<net::Address> Proxy::listen(const net::Address& address) {
  auto listener = loop_.listen(address, {}, *this);
  if (!listener) return std::unexpected(listener.error());
  listeners_.push_back(*std::move(listener));
  return listeners_.back()->address();
}

bool Proxy::allows(const net::Peer& peer) const {
  if (peer.transport != net::Transport::kVsock || options_.allowed_vsock_cids.empty()) return true;
  return std::ranges::find(options_.allowed_vsock_cids, peer.cid) !=
         options_.allowed_vsock_cids.end();
}

void Proxy::on_accept(net::Accepted accepted) {
  add(counters_.accepted, 1);
  const bool full = sessions_.size() >= options_.max_connections;
  const bool allowed = allows(accepted.peer);
  if (full || !allowed) {
    add(full ? counters_.refused_full : counters_.refused_cid, 1);
    return loop_.discard(std::move(accepted));
  }
  sessions_.push_back(std::make_unique<Session>(*this, std::move(accepted), sessions_.size()));
  counters_.open.store(sessions_.size(), std::memory_order_relaxed);
}

void Proxy::ended(Session& session) {
  const size_t at = session.index;
  ended_.push_back(std::move(sessions_[at]));
  if (at + 1 != sessions_.size()) {
    sessions_[at] = std::move(sessions_.back());
    sessions_[at]->index = at;
  }
  sessions_.pop_back();
  counters_.open.store(sessions_.size(), std::memory_order_relaxed);
  loop_.at_turn_end(*this);
}

void Proxy::run_at_turn_end() {
  ended_.clear();
  if (draining_ && sessions_.empty()) loop_.stop();
}

void Proxy::drain() {
  draining_ = true;
  listeners_.clear();
  loop_.arm(*this, time_after(loop_.now(), options_.drain_timeout));
  loop_.at_turn_end(*this);
}

// Who has not ended by now is cut off.
void Proxy::on_timer(Time) {
  sessions_.clear();
  counters_.open = 0;
  loop_.at_turn_end(*this);
}

}  // namespace saker::app

#include "saker/net/sim_connect.h"

#include <cerrno>
#include <utility>

#include "saker/net/failure_text.h"
#include "saker/net/sim_stream.h"

namespace saker::net {

SimConnect::SimConnect(SimLoop& loop, const Address& address, const ConnectOptions& options,
                       ConnectEvents& events)
    : loop_(loop), address_(address), events_(events), id_(loop.network().next_id_++) {
  SimNetwork& network = loop_.network();
  network.attempts_[id_] = this;
  if (address.transport != Transport::kMemory) {
    finish(EAFNOSUPPORT);
    return;
  }
  if (network.strikes(network.faults_.fail_connect, SimFault::kFailedConnect)) {
    finish(EMFILE);
    return;
  }
  loop_.arm(*this, time_after(network.now(), options.timeout));
  network.schedule(network.now() + network.latency(), {SimNetwork::Kind::kSyn, id_});
}

SimConnect::~SimConnect() {
  loop_.network().attempts_.erase(id_);
  if (connection_ != 0) loop_.network().close_end(connection_, 0);
}

void SimConnect::handle_answer(uint64_t connection) {
  if (SimReady::linked()) {  // timed out just now
    if (connection != 0) loop_.network().close_end(connection, 0);
    return;
  }
  connection_ = connection;
  finish(connection == 0 ? ECONNREFUSED : 0);
}

void SimConnect::on_timer(Time) {
  finish(ETIMEDOUT);
}

void SimConnect::finish(int error) {
  loop_.cancel(*this);
  loop_.network().attempts_.erase(id_);
  error_ = error;
  loop_.mark_ready(*this);
}

void SimConnect::run_ready() {
  if (error_ != 0) {
    return events_.on_connect(fail(
        "connect to " + to_string(address_) + ": " + connect_error_text(Transport::kMemory, error_),
        error_));
  }
  Peer peer{.transport = Transport::kMemory, .name = to_string(address_)};
  peer.is_local = true;
  events_.on_connect(
      std::make_unique<SimStream>(loop_, std::exchange(connection_, 0), 0, std::move(peer)));
}

}  // namespace saker::net

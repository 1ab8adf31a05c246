#include "client.h"

#include <algorithm>

namespace saker::simulation {

Client::Client(const Plan& plan, net::SimNetwork& network, Ledger& ledger, Supply& supply,
               net::Target target)
    : plan_(plan),
      network_(network),
      ledger_(ledger),
      supply_(supply),
      target_(std::move(target)),
      loop_(network) {
  for (size_t index = 0; index < plan.at_once; ++index) {
    callers_.push_back(std::make_unique<Caller>(*this));
  }
}

Client::~Client() {
  close();
}

void Client::start(size_t connection_memory_bytes) {
  rpc::ChannelOptions options = plan_.channel;
  options.max_connection_memory_bytes = connection_memory_bytes;
  channel_ = std::make_unique<rpc::Channel>(loop_, target_, options);
  closed_ = false;
  for (const auto& caller : callers_) caller->rest();
}

void Client::close() {
  closed_ = true;
  channel_.reset();
}

void Client::crash() {
  network_.kill(loop_, net::SimKill::kProcess);
  close();
  start();
}

CallRecord* Client::draw_call() {
  if (supply_.left == 0) return nullptr;
  --supply_.left;
  const uint64_t id = plan_.calls - supply_.left - 1;
  return &ledger_.start(simulation::draw_call(plan_, supply_.random, id));
}

Duration Client::draw_think_time() {
  const auto most = static_cast<uint64_t>(std::max<Duration>(plan_.think, 1us).count());
  return Duration(static_cast<int64_t>(supply_.random.below(most)));
}

}  // namespace saker::simulation

// Client: one client process of the simulated world: its loop, its channel to the servers, and its
// callers.
#pragma once

#include <memory>
#include <vector>

#include "saker/net/sim_loop.h"
#include "saker/rpc/channel.h"

#include "caller.h"
#include "engines.h"
#include "ledger.h"

namespace saker::simulation {

// Calls that are still to be made, for all clients.
struct Supply {
  net::Random random;
  uint64_t left;
};

class Client {
 public:
  Client(const Plan& plan, net::SimNetwork& network, Ledger& ledger, Supply& supply,
         net::Target target);
  ~Client();

  void start() { start(plan_.channel.max_connection_memory_bytes); }
  // With so much memory for messages on each connection.
  void start(size_t connection_memory_bytes);
  // All connections go at once; its calls end UNAVAILABLE. Outside of turns.
  void close();
  // The whole process goes, and comes back.
  void crash();

  net::SimLoop& loop() { return loop_; }
  bool is_open() const { return channel_ != nullptr; }
  void each_connection(const VisitClient& visit) {
    if (is_open()) simulation::each_connection(*channel_, visit);
  }

  // ---- for callers
  rpc::Channel& channel() { return *channel_; }
  Ledger& ledger() { return ledger_; }
  bool is_closed() const { return closed_; }
  CallRecord* draw_call();
  Duration draw_think_time();
  bool flips_coin() { return supply_.random.chance(0.5); }

 private:
  const Plan& plan_;
  net::SimNetwork& network_;
  Ledger& ledger_;
  Supply& supply_;
  const net::Target target_;
  net::SimLoop loop_;
  std::unique_ptr<rpc::Channel> channel_;
  std::vector<std::unique_ptr<Caller>> callers_;
  bool closed_ = true;
};

}  // namespace saker::simulation

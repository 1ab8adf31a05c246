// Backend: one server process of the simulated world: its loop, its listener, the server of now and
// those that drain, and the handlers, which do what each call's plan says.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "saker/net/sim_loop.h"
#include "saker/rpc/dispatcher.h"
#include "saker/rpc/server_loop.h"

#include "connection_rules.h"
#include "engines.h"
#include "ledger.h"

namespace saker::simulation {

class Backend final : private net::ListenerEvents {
 public:
  Backend(const Plan& plan, net::SimNetwork& network, Ledger& ledger, size_t number);
  ~Backend();

  net::Address address() const;
  net::SimLoop& loop() { return loop_; }
  bool is_up() const { return listener_ != nullptr; }

  void start();
  // The connections of now go away, new ones are welcome.
  void drain();
  // The next server takes new connections, the one before drains.
  void roll();
  // Stops listening and drains; what is left at `end` is closed.
  void shut_down(Time end);
  void crash(net::SimKill how);
  // Its process is short of memory until then.
  void run_short(rpc::MemoryState state, Time end);
  // The connections of now drain; those that come until then get so much memory for messages.
  void squeeze(size_t connection_memory_bytes, Time end);
  // There is memory again.
  void relax();
  // Forgets servers that have drained. Outside of turns.
  void clean_up();
  // When clean_up() has something to do.
  Time due_at() const { return std::min(close_at_, relax_at_); }

  // None of its connections holds more than it may. Outside of turns.
  void check_memory(ConnectionCounts& counts);
  void each_connection(const VisitServer& visit);

  // Calls that servers have not ended yet, and connections.
  uint64_t open_calls() const;
  uint64_t open_connections() const;

 private:
  using Server = std::unique_ptr<rpc::ServerLoop>;
  class Run;

  void on_accept(net::Accepted accepted) override;
  void add_methods();
  void retire(Server server);
  grpc::Status answer(Run& run, rpc::ServerContext& context) const;
  grpc::Status handle_unary(rpc::ServerContext& context, rpc::RawMessage& request,
                            rpc::RawMessage& reply);
  rpc::Task<grpc::Status> handle_later(rpc::ServerContext& context, rpc::RawMessage& request,
                                       rpc::RawMessage& reply);
  rpc::Task<grpc::Status> handle_collect(rpc::ServerContext& context,
                                         rpc::Reader<rpc::RawMessage>& requests,
                                         rpc::RawMessage& reply);
  rpc::Task<grpc::Status> handle_expand(rpc::ServerContext& context, rpc::RawMessage& request,
                                        rpc::Writer<rpc::RawMessage>& replies);
  rpc::Task<grpc::Status> handle_bidi(rpc::ServerContext& context,
                                      rpc::Reader<rpc::RawMessage>& requests,
                                      rpc::Writer<rpc::RawMessage>& replies);

  const Plan& plan_;
  net::SimNetwork& network_;
  Ledger& ledger_;
  const std::string name_;
  net::SimLoop loop_;
  rpc::Dispatcher dispatcher_;
  rpc::ServerOptions options_;  // of connections from now on
  rpc::MemoryGuard memory_;
  std::unique_ptr<net::Listener> listener_;
  Server server_;                 // of new connections; null: none
  std::vector<Server> draining_;  // until their connections have gone
  Time close_at_ = kNever;
  Time relax_at_ = kNever;
};

}  // namespace saker::simulation

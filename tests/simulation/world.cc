#include "world.h"

#include <algorithm>
#include <cstdio>
#include <map>

namespace saker::simulation {
namespace {

constexpr Duration kLongest = 10h;           // of virtual time, for all calls of a run
constexpr uint64_t kMostTurns = 40'000'000;  // a world that turns without getting anywhere
constexpr uint64_t kCalmShare = 20;  // of all calls, the last ones, for which all is well again
constexpr Duration kRest = 10min;    // for everybody to notice what has ended

class World {
 public:
  World(const Plan& plan, const std::function<void(const std::string&)>& trace);

  void run();
  RunResult result() const;

 private:
  net::Target make_target() const;
  void step(Time until);
  bool has_ended() const { return ledger_.ended() == plan_.calls; }
  void make_calls();
  void calm_down();
  void rest_for(Duration time);
  void check_rest();
  void check_ends();
  void close_clients();
  void close_servers();
  void check_nothing_left();
  void expect(bool holds, const std::string& what) {
    if (!holds) ledger_.violate(what);
  }

  const Plan plan_;
  net::SimNetwork network_;
  const Time start_;
  AllocationFaults allocations_;
  Ledger ledger_;
  Supply supply_;
  Chaos::Backends backends_;
  Chaos::Clients clients_;
  Chaos chaos_;
  ConnectionCounts connections_;
  uint64_t turns_ = 0;
};

World::World(const Plan& plan, const std::function<void(const std::string&)>& trace)
    : plan_(plan),
      network_(plan.seed, plan.faults),
      start_(network_.now()),
      allocations_(plan.seed ^ 0x616c6c6f63, plan.failed_allocations),
      ledger_(plan_, network_, allocations_),
      supply_{net::Random(plan.seed ^ 0x63616c6c73), plan.calls},
      chaos_(plan_, network_, ledger_, backends_, clients_) {
  if (trace) {
    const auto tell = [this, trace](const std::string& what) {
      char time[32];
      const std::chrono::duration<double, std::milli> at = network_.now() - start_;
      std::snprintf(time, sizeof time, "%12.3f ms  ", at.count());
      trace(time + what);
    };
    network_.set_observer(tell);
    allocations_.set_observer([tell](size_t bytes) {
      tell("an allocation of " + std::to_string(bytes) + " bytes fails");
    });
  }
  for (size_t number = 0; number < plan_.backends; ++number) {
    backends_.push_back(std::make_unique<Backend>(plan_, network_, ledger_, number));
  }
  for (size_t number = 0; number < plan_.clients; ++number) {
    clients_.push_back(std::make_unique<Client>(plan_, network_, ledger_, supply_, make_target()));
    std::vector<net::Address> addresses;
    for (const auto& backend : backends_) addresses.push_back(backend->address());
    clients_.back()->loop().script_name("cluster", addresses);
  }
}

net::Target World::make_target() const {
  if (plan_.by_name) return net::Address{.host = "cluster", .port = 1};
  net::Target target;
  for (const auto& backend : backends_) target.addresses.push_back(backend->address());
  return target;
}

// Up to `until`, or until something has happened.
void World::step(Time until) {
  Time next = std::min(until, chaos_.next_at());
  for (const auto& backend : backends_) next = std::min(next, backend->due_at());
  const bool moved = network_.step(next);
  if (chaos_.next_at() <= network_.now()) chaos_.strike();
  if (moved && ++turns_ % 64 != 0) return;
  for (const auto& backend : backends_) {
    backend->clean_up();
    backend->check_memory(connections_);
  }
  if (turns_ > kMostTurns) ledger_.violate("too many turns; open: " + ledger_.open_calls());
}

// All is well from now on.
void World::calm_down() {
  chaos_.end();
  allocations_.end();
}

void World::make_calls() {
  for (const auto& backend : backends_) backend->start();
  for (const auto& client : clients_) client->start();
  const Time limit = start_ + kLongest;
  bool is_calm = false;
  while (!has_ended() && !ledger_.is_broken()) {
    if (supply_.left <= plan_.calls / kCalmShare && !is_calm) {
      is_calm = true;
      calm_down();
    }
    step(limit);
    if (network_.now() >= limit) {
      return ledger_.violate("calls that never end: " + ledger_.open_calls());
    }
  }
  calm_down();
}

void World::rest_for(Duration time) {
  const Time end = network_.now() + time;
  while (network_.now() < end && !ledger_.is_broken()) step(end);
}

// No call is under way: servers have noticed, handlers have ended.
void World::check_rest() {
  expect(ledger_.running() == 0,
         std::to_string(ledger_.running()) + " handlers run though no call is under way");
  for (const auto& backend : backends_) {
    expect(backend->open_calls() == 0, "a server has calls though no client has");
  }
}

// Of connections that both sides have, and that nothing has cut: nobody says anything on them any more.
void World::check_ends() {
  std::map<uint64_t, const h2::Connection*> servers;
  for (const auto& backend : backends_) {
    backend->each_connection([&](uint64_t id, rpc::ServerConnection& connection) {
      servers[id] = &connection.engine();
    });
  }
  for (const auto& client : clients_) {
    client->each_connection([&](uint64_t id, rpc::ClientConnection& connection) {
      const auto found = servers.find(id);
      if (found == servers.end()) return;
      const h2::Connection& server = *found->second;
      if (!is_at_rest(connection.engine()) || !is_at_rest(server)) return;
      ++connections_.compared;
      const std::string difference = difference_of(connection.engine(), server);
      expect(difference.empty(),
             "the ends of connection " + std::to_string(id) + " differ, " + difference);
    });
  }
}

void World::close_clients() {
  for (const auto& client : clients_) client->close();
  rest_for(kRest);
  for (const auto& client : clients_) {
    expect(client->loop().chunks().outstanding() == 0, "a client has not given back its chunks");
    expect(client->loop().connection_count() == 0, "a client has not closed its connections");
  }
  for (const auto& backend : backends_) {
    expect(backend->open_connections() == 0, "a server has connections though no client has");
  }
}

void World::close_servers() {
  for (const auto& backend : backends_) backend->shut_down(network_.now());
  rest_for(1s);
  for (const auto& backend : backends_) {
    expect(backend->loop().chunks().outstanding() == 0, "a server has not given back its chunks");
    expect(backend->loop().connection_count() == 0, "a server has not closed its connections");
  }
  expect(network_.open_connections() == 0, "connections are open at the end");
}

void World::run() {
  make_calls();
  if (!ledger_.is_broken()) rest_for(kRest);
  if (!ledger_.is_broken()) check_rest();
  if (!ledger_.is_broken()) check_ends();
  if (!ledger_.is_broken()) close_clients();
  if (!ledger_.is_broken()) close_servers();
  // Whatever was found, nothing of this world may reach the next.
  clients_.clear();
  backends_.clear();
}

RunResult World::result() const {
  RunResult result;
  result.violation = ledger_.violation();
  result.hash = network_.trace_hash() ^ ledger_.hash();
  result.virtual_time = network_.now() - start_;
  result.calls = ledger_.counts();
  result.faults = network_.counts();
  result.blows = chaos_.counts();
  result.connections = connections_;
  result.failed_allocations = allocations_.count();
  return result;
}

}  // namespace

RunResult run_seed(uint64_t seed, const std::function<void(const std::string&)>& trace) {
  const Plan plan = make_plan(seed);
  if (trace) trace(describe(plan));
  World world(plan, trace);
  world.run();
  return world.result();
}

}  // namespace saker::simulation

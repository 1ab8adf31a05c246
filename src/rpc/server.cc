#include "saker/rpc/server.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

#include "saker/base/quantity.h"

namespace saker::rpc {
namespace {

constexpr Duration kDrainCheckInterval = std::chrono::milliseconds(5);
constexpr uint64_t kLimitStep = 1 << 20;  // the least limit is a whole number of these

// CPUs of the cgroup v2 quota ("max 100000" or "150000 100000"); 0: no quota.
size_t cgroup_cpus() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return static_cast<size_t>(std::ceil(std::strtod(quota.c_str(), nullptr) / period));
}

}  // namespace

size_t available_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  size_t cpus = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cpus = static_cast<size_t>(CPU_COUNT(&set));
  const size_t quota = cgroup_cpus();
  if (quota != 0) cpus = std::min(cpus, quota);
  return std::max<size_t>(cpus, 1);
}

// Has a loop make room, again and again, once at a time: while it is posted, it is not asked for more.
struct Server::RoomTask final : net::PostedTask {
  explicit RoomTask(ServerLoop& owner) : loop(owner) {}
  // Any one thread.
  void ask(uint64_t bytes_to_free) {
    if (posted.load(std::memory_order_acquire)) return;
    posted.store(true, std::memory_order_relaxed);
    bytes = bytes_to_free;
    loop.loop().post(*this);
  }
  void run() override {
    loop.make_room(bytes);
    posted.store(false, std::memory_order_release);
  }
  ServerLoop& loop;
  uint64_t bytes = 0;  // the poster's until it is posted, then the loop's
  std::atomic<bool> posted{false};
};

// A loop, its thread, and what is posted to it.
struct Server::LoopThread {
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<ServerLoop> server;
  std::unique_ptr<DrainTask> drain;
  std::unique_ptr<RoomTask> room;
  std::thread thread;
};

// Carries an accepted connection to its loop.
struct Server::AdoptTask final : net::PostedTask {
  AdoptTask(ServerLoop& owner, net::Accepted connection, bool without_tls)
      : loop(owner), accepted(std::move(connection)), plaintext(without_tls) {}
  void run() override {
    loop.adopt(std::move(accepted), plaintext);
    delete this;
  }
  ServerLoop& loop;
  net::Accepted accepted;
  bool plaintext;
};

// Carries another certificate to a loop.
struct Server::TlsTask final : net::PostedTask {
  TlsTask(ServerLoop& owner, const tls::ServerContext& replacement)
      : loop(owner), context(replacement) {}
  void run() override {
    loop.set_tls(std::move(context));
    delete this;
  }
  ServerLoop& loop;
  tls::ServerContext context;
};

// A listener, and what holds for the connections that come through it. On loop 0's thread.
class Server::Gate final : private net::ListenerEvents {
 public:
  Gate(Server& server, ListenerSecurity security) : server_(server), security_(security) {}

  Result<net::Address> open(net::Loop& loop, const net::Address& address) {
    auto listener = loop.listen(address, server_.options_.listen, *this);
    if (!listener) return std::unexpected(listener.error());
    listener_ = *std::move(listener);
    return listener_->address();
  }

 private:
  void on_accept(net::Accepted accepted) override {
    server_.accept(std::move(accepted), security_);
  }

  Server& server_;
  const ListenerSecurity security_;
  std::unique_ptr<net::Listener> listener_;
};

// Each loop frees its share. One that holds less leaves a rest, which is asked for with the next look.
class Server::MemoryEvents final : public MemoryWatchEvents {
 public:
  explicit MemoryEvents(Server& server) : server_(server) {}
  void make_room(uint64_t bytes) override {
    const uint64_t loops = server_.loops_.size();
    for (auto& entry : server_.loops_) entry->room->ask((bytes + loops - 1) / loops);
  }
  void on_memory_state(const std::string& what) override {
    if (server_.options_.report_memory) server_.options_.report_memory(what);
  }

 private:
  Server& server_;
};

// Starts the drain on a loop's own thread and stops the loop when nothing is left, or when time is up.
// Loop 0 is first: it accepts. The others learn of it behind the last connection that it gave them.
struct Server::DrainTask final : net::PostedTask, net::Timer {
  DrainTask(Server& owner, size_t loop_index) : server(owner), index(loop_index) {}
  void run() override {
    if (index == 0) server.drain_others();
    ServerLoop& loop = server.loop(index);
    give_up_at = time_after(loop.loop().now(), server.options_.drain_timeout);
    loop.drain();
    on_timer(loop.loop().now());
  }
  void on_timer(Time now) override {
    ServerLoop& loop = server.loop(index);
    if (loop.counters().connections_open == 0 && loop.connection_count() == 0) {
      return loop.loop().stop();
    }
    if (now >= give_up_at) {
      if (aborted) return loop.loop().stop();
      aborted = true;
      loop.abort_all();
    }
    loop.loop().arm(*this, now + kDrainCheckInterval);
  }
  Server& server;
  size_t index;
  Time give_up_at{};
  bool aborted = false;
};

ServerLoop& Server::loop(size_t index) {
  return *loops_[index]->server;
}

Server::Server(const ServerOptions& options) : options_(options) {}

Server::~Server() {
  for (auto& loop : loops_) loop->loop->stop();
  wait();
  gates_.clear();
}

Result<void> Server::prepare() {
  const size_t count = options_.threads != 0 ? options_.threads : available_cpus();
  dispatcher_.prepare(count);
  if (auto prepared = prepare_memory(); !prepared) return prepared;
  const MemoryGuard& memory = memory_ != nullptr ? *memory_ : MemoryGuard::none();
  for (size_t index = 0; index < count; ++index) {
    auto loop = net::make_epoll_loop(options_.loop);
    if (!loop) return std::unexpected(loop.error());
    auto entry = std::make_unique<LoopThread>();
    entry->loop = *std::move(loop);
    entry->server =
        std::make_unique<ServerLoop>(index, *entry->loop, dispatcher_, options_, memory);
    entry->room = std::make_unique<RoomTask>(*entry->server);
    entry->drain = std::make_unique<DrainTask>(*this, index);
    loops_.push_back(std::move(entry));
  }
  return {};
}

// What is resident now stays so, keys and code: a quarter of the maximum at least is for connections.
Result<void> Server::prepare_memory() {
  const uint64_t most = options_.max_memory_bytes;
  if (most == 0) return {};
  ProcessMemory* memory = options_.process_memory;
  if (memory == nullptr) memory = (process_memory_ = own_process_memory()).get();
  const uint64_t resident = memory->resident_bytes();
  const uint64_t least = (resident / 3 * 4 + kLimitStep - 1) / kLimitStep * kLimitStep;
  if (most < least) {
    return fail("a memory limit of " + format_size(most) + " is too low: " + format_size(resident) +
                " are in use before the first connection; the least is " + format_size(least));
  }
  memory_ = std::make_unique<MemoryGuard>(most);
  memory_events_ = std::make_unique<MemoryEvents>(*this);
  memory_watch_ = std::make_unique<MemoryWatch>(*memory_, *memory, *memory_events_);
  return {};
}

Result<net::Address> Server::listen(const net::Address& address, ListenerSecurity security) {
  if (loops_.empty()) return fail("the server was not prepared: call prepare() before listen()");
  auto gate = std::make_unique<Gate>(*this, security);
  auto bound = gate->open(*loops_[0]->loop, address);
  if (bound) gates_.push_back(std::move(gate));
  return bound;
}

void Server::start() {
  for (auto& entry : loops_) {
    entry->thread = std::thread([loop = entry->loop.get()] { loop->run(); });
  }
  if (memory_watch_ != nullptr) memory_watch_->start();
}

void Server::replace_tls(const tls::ServerContext& context) {
  if (shutting_down_) return;
  for (auto& entry : loops_) entry->loop->post(*new TlsTask(*entry->server, context));
}

void Server::shut_down() {
  if (shutting_down_.exchange(true) || loops_.empty()) return;
  loops_[0]->loop->post(*loops_[0]->drain);
}

// On loop 0's thread.
void Server::drain_others() {
  gates_.clear();
  for (size_t at = 1; at < loops_.size(); ++at) loops_[at]->loop->post(*loops_[at]->drain);
}

void Server::wait() {
  for (auto& entry : loops_) {
    if (entry->thread.joinable()) entry->thread.join();
  }
  if (memory_watch_ != nullptr) memory_watch_->stop();
}

uint64_t Server::calls(grpc::StatusCode code) const {
  uint64_t total = 0;
  for (const auto& entry : loops_) {
    for (const CallCounters& calls : entry->server->counters().all_calls()) {
      total += calls.by_code[static_cast<size_t>(code)];
    }
  }
  return total;
}

void Server::accept(net::Accepted accepted, ListenerSecurity security) {
  if (const auto refusal = refusal_of(accepted.peer)) {
    LoopCounters& counters = loops_[0]->server->counters();
    counters.connections_refused[static_cast<size_t>(*refusal)] += 1;
    loops_[0]->loop->discard(std::move(accepted));
    return;
  }
  ServerLoop& target = emptiest_loop();
  target.expect_connection();
  const bool plaintext = security == ListenerSecurity::kPlaintext;
  if (target.index() == 0) return target.adopt(std::move(accepted), plaintext);
  target.loop().post(*new AdoptTask(target, std::move(accepted), plaintext));
}

std::optional<ConnectionRefusal> Server::refusal_of(const net::Peer& peer) const {
  if (!allows(peer)) return ConnectionRefusal::kPeer;
  if (connection_count() >= options_.max_connections) return ConnectionRefusal::kFull;
  if (memory_ != nullptr && memory_->refuses_connections()) return ConnectionRefusal::kMemory;
  return std::nullopt;
}

bool Server::allows(const net::Peer& peer) const {
  if (peer.transport != net::Transport::kVsock || options_.allowed_vsock_cids.empty()) return true;
  return std::ranges::find(options_.allowed_vsock_cids, peer.cid) !=
         options_.allowed_vsock_cids.end();
}

size_t Server::connection_count() const {
  size_t count = 0;
  for (const auto& entry : loops_) count += entry->server->connection_count();
  return count;
}

ServerLoop& Server::emptiest_loop() {
  ServerLoop* best = loops_[0]->server.get();
  for (auto& entry : loops_) {
    if (entry->server->connection_count() < best->connection_count()) best = entry->server.get();
  }
  return *best;
}

}  // namespace saker::rpc

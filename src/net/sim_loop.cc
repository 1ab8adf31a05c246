#include "saker/net/sim_loop.h"

#include <algorithm>
#include <cerrno>

#include "saker/net/sim_connect.h"
#include "saker/net/sim_listener.h"
#include "saker/net/sim_stream.h"

namespace saker::net {
namespace {

// Answers in the loop's next turn.
class SimResolve final : public ResolveAttempt, private SimReady {
 public:
  SimResolve(SimLoop& loop, Result<std::vector<Address>> answer, ResolveEvents& events)
      : answer_(std::move(answer)), events_(events) {
    loop.mark_ready(*this);
  }

 private:
  void run_ready() override { events_.on_resolved(std::move(answer_)); }

  Result<std::vector<Address>> answer_;
  ResolveEvents& events_;
};

constexpr int64_t kWallOffsetNs = 1'700'000'000'000'000'000;  // some day in 2023

}  // namespace

SimLoop::SimLoop(SimNetwork& network)
    : network_(network), random_(network.random_.next()), wheel_(network.now()) {
  now_ = network.now();
  network.loops_.push_back(this);
}

SimLoop::~SimLoop() {
  std::erase(network_.loops_, this);
}

int64_t SimLoop::wall_ns(Time time) {
  return kWallOffsetNs + (time.time_since_epoch() - network_.wall_clock_back_).count();
}

bool SimLoop::is_runnable() const {
  return !ready_.empty() || has_turn_tasks() || !posts_.empty() ||
         wheel_.next_deadline() <= network_.now();
}

void SimLoop::turn() {
  ++turn_number_;
  now_ = network_.now();
  IntrusiveList<SimReady, SimReadyTag> ready;
  ready.splice_back(ready_);
  while (SimReady* next = ready.try_pop_front()) next->run_ready();
  posts_.run_all();
  wheel_.advance(now_);
  run_turn_end();
}

void SimLoop::run_once(Time until) {
  const uint64_t before = turn_number_;
  const Time limit = std::max(until, network_.now());
  while (turn_number_ == before && network_.step(limit)) {
  }
  now_ = network_.now();
}

void SimLoop::run() {
  while (!stop_requested_.load() && network_.step()) {
  }
  stop_requested_.store(false);
}

Result<std::unique_ptr<Listener>> SimLoop::listen(const Address& address,
                                                  const ListenOptions& options,
                                                  ListenerEvents& events) {
  return SimListener::make(*this, address, options, events);
}

std::unique_ptr<ConnectAttempt> SimLoop::connect(const Address& address,
                                                 const ConnectOptions& options,
                                                 ConnectEvents& events) {
  return std::make_unique<SimConnect>(*this, address, options, events);
}

std::unique_ptr<ResolveAttempt> SimLoop::resolve(const Address& name, Duration,
                                                 ResolveEvents& events) {
  ++lookups_;
  const auto found = names_.find(name.host);
  Result<std::vector<Address>> answer =
      fail("looking up \"" + name.host + "\": no such name", ENOENT);
  const bool is_lost = network_.strikes(network_.faults_.fail_resolve, SimFault::kFailedResolve);
  if (found != names_.end() && !is_lost) answer = found->second;
  return std::make_unique<SimResolve>(*this, std::move(answer), events);
}

// A connection belongs to its listener's loop until it is adopted.
Result<std::unique_ptr<Stream>> SimLoop::adopt(Accepted accepted) {
  const auto id = accepted.connection;
  auto* connection = network_.find(id);
  if (connection == nullptr) return fail("adopt: no such connection", EBADF);
  if (network_.strikes(network_.faults_.fail_adopt, SimFault::kFailedAdopt)) {
    network_.close_end(id, 1);
    return fail("adopt: too many open files", EMFILE);
  }
  return std::make_unique<SimStream>(*this, id, 1, std::move(accepted.peer));
}

void SimLoop::discard(Accepted accepted) {
  network_.close_end(accepted.connection, 1);
}

}  // namespace saker::net

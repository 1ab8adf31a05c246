#include "chaos.h"

#include <algorithm>
#include <span>

namespace saker::simulation {
namespace {

// Rolling worlds know the first three, a restart, servers that lack memory, and clocks that are set a
// little.
constexpr Blow kRolling[] = {Blow::kDrain,    Blow::kDrain,     Blow::kRoll,     Blow::kRoll,
                             Blow::kShutDown, Blow::kRestart,   Blow::kRestart,  Blow::kShortage,
                             Blow::kSqueeze,  Blow::kClockJump, Blow::kWallClock};
constexpr Blow kRough[] = {
    Blow::kDrain,         Blow::kRoll,      Blow::kShutDown,    Blow::kCrash,
    Blow::kPowerLoss,     Blow::kRestart,   Blow::kRestart,     Blow::kRestart,
    Blow::kShortage,      Blow::kSqueeze,   Blow::kClientClose, Blow::kClientCrash,
    Blow::kClientSqueeze, Blow::kClockJump, Blow::kWallClock,   Blow::kStorm};
constexpr Duration kLongestShortage = 200ms;

bool takes_memory(Blow blow) {
  return blow == Blow::kShortage || blow == Blow::kSqueeze || blow == Blow::kClientSqueeze;
}

}  // namespace

Chaos::Chaos(const Plan& plan, net::SimNetwork& network, Ledger& ledger, Backends& backends,
             Clients& clients)
    : plan_(plan),
      network_(network),
      ledger_(ledger),
      backends_(backends),
      clients_(clients),
      random_(plan.seed ^ 0x6368616f73) {
  if (plan.chaos != Duration{}) next_at_ = network.now() + draw_time(2 * plan.chaos);
}

Duration Chaos::draw_time(Duration most) {
  return Duration(static_cast<int64_t>(random_.below(static_cast<uint64_t>(most.count()) + 1)));
}

Blow Chaos::draw() {
  const bool is_rolling = plan_.mood == Mood::kRolling;
  const auto blows = is_rolling ? std::span<const Blow>(kRolling) : std::span<const Blow>(kRough);
  for (;;) {
    const Blow blow = blows[random_.below(blows.size())];
    if (plan_.runs_short || !takes_memory(blow)) return blow;
  }
}

void Chaos::strike() {
  next_at_ = network_.now() + draw_time(2 * plan_.chaos);
  if (storm_ends_ <= network_.now()) {
    storm_ends_ = kNever;
    network_.set_faults(plan_.faults);
  }
  const Blow blow = draw();
  if (blow >= Blow::kClientClose) return hit_world(blow);
  hit_backend(blow, *backends_[random_.below(backends_.size())]);
}

// Small ones as likely as large ones; messages that come whole need none.
size_t Chaos::draw_budget() {
  return random_.below(size_t{1} << (1 + random_.below(16)));
}

// Its process is: it refuses newcomers, calls too, or gets rid of those that hold most.
void Chaos::run_short(Backend& backend) {
  const bool may_shed = plan_.mood == Mood::kRough;
  const auto state = static_cast<rpc::MemoryState>(1 + random_.below(may_shed ? 3 : 2));
  if (state >= rpc::MemoryState::kNoCalls) ledger_.note_shortage();
  ledger_.note_restart();
  if (state == rpc::MemoryState::kShedding) {
    ledger_.note_loss();
    ledger_.note_shedding();
  }
  backend.run_short(state, network_.now() + draw_time(kLongestShortage));
}

void Chaos::restart(Backend& backend) {
  if (backend.is_up()) return;
  ++counts_[static_cast<size_t>(Blow::kRestart)];
  backend.start();
}

void Chaos::hit_backend(Blow blow, Backend& backend) {
  if (blow == Blow::kRestart) return restart(backend);
  if (!backend.is_up()) return;
  ++counts_[static_cast<size_t>(blow)];
  switch (blow) {
    case Blow::kDrain:
      return backend.drain();
    case Blow::kRoll:
      return backend.roll();
    case Blow::kShortage:
      return run_short(backend);
    case Blow::kSqueeze:
      ledger_.note_squeeze();
      return backend.squeeze(draw_budget(), network_.now() + draw_time(kLongestShortage));
    case Blow::kShutDown: {
      ledger_.note_restart();
      const bool waits = plan_.mood == Mood::kRolling;
      return backend.shut_down(waits ? kNever : network_.now() + draw_time(2s));
    }
    default:
      ledger_.note_loss();
      return backend.crash(blow == Blow::kCrash ? net::SimKill::kProcess : net::SimKill::kMachine);
  }
}

void Chaos::hit_world(Blow blow) {
  ++counts_[static_cast<size_t>(blow)];
  Client& client = *clients_[random_.below(clients_.size())];
  switch (blow) {
    case Blow::kClientClose:
      ledger_.note_loss();
      client.close();
      return client.start();
    case Blow::kClientCrash:
      ledger_.note_loss();
      return client.crash();
    case Blow::kClientSqueeze:
      ledger_.note_loss();
      ledger_.note_squeeze();
      client.close();
      return client.start(draw_budget());
    case Blow::kClockJump: {
      // Short of the preface's time-out where nothing may be lost.
      const bool is_short = plan_.mood == Mood::kRolling || random_.chance(0.5);
      const Duration by = draw_time(is_short ? 500ms : 60s);
      network_.jump(by);
      return ledger_.note_jump(by);
    }
    case Blow::kWallClock:
      return network_.set_wall_clock_back(draw_time(10s));
    default: {
      net::SimFaults storm = plan_.faults;
      storm.reset = storm.half_close = storm.black_hole = 0.05;
      storm.refuse_connect = storm.lose_connect = 0.5;
      storm.fail_adopt = storm.fail_resolve = 0.5;
      network_.set_faults(storm);
      storm_ends_ = network_.now() + draw_time(200ms);
    }
  }
}

void Chaos::end() {
  next_at_ = kNever;
  network_.set_faults({});
  for (const auto& backend : backends_) {
    backend->relax();
    restart(*backend);
  }
}

}  // namespace saker::simulation

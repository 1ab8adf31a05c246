// Chaos: what happens to the processes of a world, from one moment to the next: drains, crashes,
// restarts, clocks that jump, storms of failures. Counts each kind.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "backend.h"
#include "client.h"

namespace saker::simulation {

enum class Blow : uint8_t {
  kDrain,
  kRoll,
  kShutDown,
  kCrash,
  kPowerLoss,
  kRestart,
  kShortage,
  kSqueeze,
  kClientClose,
  kClientCrash,
  kClientSqueeze,
  kClockJump,
  kWallClock,
  kStorm,
};
inline constexpr std::array<std::string_view, 14> kBlowNames = {
    "drain under load",       "server replaced",      "server shut down",
    "server process killed",  "server machine lost",  "server restarted",
    "server short of memory", "server's budgets cut", "channel closed",
    "client process killed",  "client's budgets cut", "clock set forward",
    "wall clock set back",    "storm of failures"};
using BlowCounts = std::array<uint64_t, kBlowNames.size()>;

class Chaos {
 public:
  using Backends = std::vector<std::unique_ptr<Backend>>;
  using Clients = std::vector<std::unique_ptr<Client>>;
  Chaos(const Plan& plan, net::SimNetwork& network, Ledger& ledger, Backends& backends,
        Clients& clients);

  Time next_at() const { return next_at_; }
  // Does the next thing. Outside of turns.
  void strike();
  // All is well from now on: servers are up, the network is ideal.
  void end();
  const BlowCounts& counts() const { return counts_; }

 private:
  Blow draw();
  void hit_backend(Blow blow, Backend& backend);
  void hit_world(Blow blow);
  void restart(Backend& backend);
  void run_short(Backend& backend);
  Duration draw_time(Duration most);
  size_t draw_budget();

  const Plan& plan_;
  net::SimNetwork& network_;
  Ledger& ledger_;
  Backends& backends_;
  Clients& clients_;
  net::Random random_;
  Time next_at_ = kNever;
  Time storm_ends_ = kNever;
  BlowCounts counts_{};
};

}  // namespace saker::simulation

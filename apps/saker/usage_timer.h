// UsageTimer: time by the clock and CPU time since its last reset: of this process, and of the whole
// machine, as gRPC's performance tests report them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "saker/base/time.h"

namespace saker::app {

// proc(5), /proc/stat: user, nice, system and idle of all CPUs; ticks since the machine started.
struct MachineTicks {
  uint64_t total = 0;
  uint64_t idle = 0;
};
// From the text's first line. Nothing: it is not such a text.
std::optional<MachineTicks> parse_machine_ticks(std::string_view stat);

struct Usage {
  double elapsed_seconds = 0;
  double user_seconds = 0;
  double system_seconds = 0;
  MachineTicks machine;  // 0 where /proc cannot be read
};

class UsageTimer {
 public:
  UsageTimer() : start_(read()) {}
  // Since the last reset; `reset`: what comes counts from now on.
  Usage look(bool reset);

 private:
  static Usage read();
  Usage start_;
};

}  // namespace saker::app

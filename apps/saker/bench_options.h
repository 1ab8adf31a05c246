// What a run of `saker bench` is asked to do; filled from the command line,
// read by the threads of the run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "saker/base/time.h"
#include "saker/bench/assertion.h"
#include "saker/bench/schedule.h"
#include "target_options.h"

namespace saker::app {

struct BenchOptions {
  TargetOptions target;
  uint64_t connections = 10;  // of all threads together
  uint64_t streams = 100;     // calls in flight per connection
  uint64_t threads = 1;
  uint64_t count = 0;  // measured calls; 0: by duration
  Duration duration = std::chrono::seconds(10);
  Duration warmup{0};
  double rate = 0;  // calls a second of all threads; 0: closed loop
  bench::Arrivals arrivals = bench::Arrivals::kConstant;
  uint64_t payload_bytes = 16;
  Duration deadline{0};                                 // of each call; 0: none
  Duration connect_timeout = std::chrono::seconds(10);  // also how long a lost server may be away
  Duration busy_poll{0};
  uint64_t seed = 1;

  // The result.
  std::vector<bench::Assertion> assertions;
  bool json = false;
  bool quiet = false;  // no live line
};

}  // namespace saker::app

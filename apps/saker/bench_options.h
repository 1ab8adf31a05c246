// What a run of `saker bench` is asked to do; filled from the command line, read by the threads of the run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "saker/base/time.h"
#include "saker/bench/assertion.h"
#include "saker/bench/schedule.h"
#include "saker/net/address.h"

namespace saker::app {

struct BenchOptions {
  net::Address target;
  uint32_t connections = 10;
  uint32_t streams = 100;           // per connection
  uint32_t threads = 1;
  uint64_t count = 0;               // calls; 0: by duration
  Duration duration = std::chrono::seconds(10);
  Duration warmup{0};
  double rate = 0;                  // calls a second of all threads; 0: closed loop
  bench::Arrivals arrivals = bench::Arrivals::kConstant;
  size_t payload_bytes = 16;
  Duration deadline = Duration::max();  // of each call
  Duration busy_poll{0};
  uint64_t seed = 1;
};

}  // namespace saker::app

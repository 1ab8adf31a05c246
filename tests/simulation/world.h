// World: one seed from its beginning to its end: a network, server and client processes, the calls
// that its plan asks for, everything that happens to them, and what must be true when all has come
// to rest. One thread, virtual time, nothing left behind.
#pragma once

#include <functional>
#include <string>

#include "chaos.h"

namespace saker::simulation {

struct RunResult {
  std::string violation;  // empty: everything held
  uint64_t hash = 0;      // of all that happened: equal for equal seeds
  Duration virtual_time{};
  CallCounts calls;
  net::SimFaultCounts faults;
  BlowCounts blows{};
  ConnectionCounts connections;
  uint64_t failed_allocations = 0;
};

// `trace`: told of all that happens; empty: nobody is.
RunResult run_seed(uint64_t seed, const std::function<void(const std::string&)>& trace = {});

}  // namespace saker::simulation

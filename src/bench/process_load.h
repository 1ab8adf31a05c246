// ProcessLoad: what a run cost the process at one of its ends: CPU time, context switches, memory. Where
// it was looked up is not known here.
// Thread rule: none of its own, as for Report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "saker/base/time.h"

namespace saker::bench {

struct ContextSwitches {
  uint64_t voluntary = 0;    // it waited
  uint64_t involuntary = 0;  // others got the CPU

  bool operator==(const ContextSwitches&) const = default;
};

struct ProcessLoad {
  Duration cpu{};
  ContextSwitches switches;          // both 0: not known
  uint64_t peak_resident_bytes = 0;  // of its whole life; 0: not known

  // That of a later run of the same process.
  void merge(const ProcessLoad& later);
};

// Calls for each second of CPU time; 0 when that is 0.
double calls_per_core_second(uint64_t calls, Duration cpu);

// A line of append_costs().
struct CostRow {
  std::string name;
  uint64_t calls = 0;
  ProcessLoad load;
};
// "client" and, where it is known, "server".
std::vector<CostRow> both_ends(const std::string& prefix, uint64_t calls, const ProcessLoad& client,
                               const std::optional<ProcessLoad>& server);
// A table for people, behind an empty line; nothing without rows.
void append_costs(std::string& out, const std::vector<CostRow>& rows);

}  // namespace saker::bench

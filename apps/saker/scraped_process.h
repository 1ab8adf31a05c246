// What a scrape in Prometheus' text format tells of the process that it is of, under the names that all
// client libraries share, and of its context switches where it is a Saker. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "saker/base/result.h"
#include "saker/base/time.h"
#include "saker/bench/process_load.h"

namespace saker::app {

struct ScrapedProcess {
  Duration cpu{};                   // process_cpu_seconds_total
  uint64_t resident_bytes = 0;      // process_resident_memory_bytes; 0: not told
  bench::ContextSwitches switches;  // process_context_switches_total{kind=…}; both 0: not told
  double start_seconds = 0;         // process_start_time_seconds; 0: not told
};

// Series of one name are added up. Lines that are none are passed over; an error where all are, or where
// there is no CPU time among them.
Result<ScrapedProcess> parse_scraped_process(std::string_view text);

}  // namespace saker::app

// MixReport: what one of several algorithms in a mixed load came to, in a report.
// Thread rule: none of its own, as for Report.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "saker/base/time.h"
#include "saker/bench/histogram.h"

namespace saker::bench {

struct MixReport {
  std::string algorithm;
  std::string key;
  uint64_t weight = 0;
  uint64_t calls = 0;  // that ended, well or not
  uint64_t errors = 0;
  Histogram corrected;
};

// Calls that ended for each second of a run that took `duration`.
double calls_per_second(const MixReport& row, Duration duration);

// A table for people, behind an empty line; nothing without rows.
void append_mix(std::string& out, const std::vector<MixReport>& rows, Duration duration);

// "ALGORITHM@KEY=WEIGHT, …", as it is asked for.
std::string mix_text(const std::vector<MixReport>& rows);

}  // namespace saker::bench

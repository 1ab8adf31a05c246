// PhaseReport: what one phase of a schedule came to, in a report.
// Thread rule: none of its own, as for Report.
#pragma once

#include <string>
#include <vector>

#include "saker/bench/phase_tally.h"

namespace saker::bench {

struct PhaseReport {
  Phase phase;
  Duration duration{};  // its length, or less of the last one in a run that ended early
  PhaseFigures figures;
};

// Calls that were due in it, and calls that ended in it, for each second of it.
double offered_rate(const PhaseReport& row);
double achieved_rate(const PhaseReport& row);

// A table for people, behind an empty line; nothing without rows.
void append_phases(std::string& out, const std::vector<PhaseReport>& rows);

}  // namespace saker::bench

// From what the threads of a run found to its report, and from that to what is printed and
// returned. The same for every workload.
#pragma once

#include <string>
#include <vector>

#include "bench_runner.h"
#include "saker/bench/report.h"
#include "server_watch.h"

namespace saker::app {

// Versions, machine, command line and flags of a run.
bench::Facts facts_of(const BenchOptions& options);

bench::Report build_report(const BenchOptions& options, const std::string& method,
                           const std::vector<const BenchResult*>& results,
                           const ServerWatch& server);

// The rows of the plan's phases; of a run that ended early, as far as it came.
void add_phases(const BenchOptions& options, std::vector<bench::PhaseFigures> figures,
                bool ended_early, bench::Report& report);

// What of a report says what ran, with its warnings.
bench::Report settings_of(const bench::Report& report);

// Errors make it kExitFailed, unless an assertion says how many there may be; a broken assertion
// and an interruption come first.
int exit_code_of(const BenchOptions& options, const bench::Report& report, bool interrupted);

}  // namespace saker::app

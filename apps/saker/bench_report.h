// From what the threads of a run found to its report, and from that to what is printed and
// returned. The same for every workload.
#pragma once

#include <string>
#include <vector>

#include "bench_runner.h"
#include "saker/bench/report.h"

namespace saker::app {

bench::Report build_report(const BenchOptions& options, const std::string& method,
                           const std::vector<const BenchResult*>& results);

// Errors make it kExitFailed, unless an assertion says how many there may be; a broken assertion
// and an interruption come first.
int exit_code_of(const BenchOptions& options, const bench::Report& report, bool interrupted);

// The live line, on a terminal: calls, rate since the last one, errors, what is left.
class LiveLine {
 public:
  explicit LiveLine(const BenchOptions& options);
  // Zero: nobody is looking.
  Duration period() const { return period_; }
  void show(const BenchProgress& progress);
  void clear();

 private:
  const BenchOptions& options_;
  Duration period_{0};
  BenchProgress last_;
  bool shown_ = false;
};

}  // namespace saker::app

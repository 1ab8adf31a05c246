// run_bench(): a whole `saker bench X`, for any workload, and the options that all of them have.
#pragma once

#include <CLI/CLI.hpp>
#include <iostream>

#include "bench_report.h"
#include "bench_runner.h"
#include "command_line.h"
#include "interrupt.h"
#include "process.h"

namespace saker::app {

// TARGET and everything but --size, which each workload has its own default for.
void add_bench_options(CLI::App& command, BenchOptions& options, KeyFlag key = KeyFlag::kTls);
// What only the options together can get wrong.
Result<void> check_bench_options(const BenchOptions& options);

template <typename Workload>
int run_bench(const BenchOptions& options, const Workload& workload) {
  if (auto checked = check_bench_options(options); !checked) {
    return fail_usage(checked.error().message);
  }
  raise_descriptor_limit();
  BenchRunner<Workload> runner(options, workload);
  LiveLine live(options);
  {
    const Interrupt interrupt([&](int count) {
      if (count > 1) _exit(kExitInterrupted);
      runner.interrupt();
    });
    auto connected = runner.connect();
    if (runner.interrupted()) return kExitInterrupted;
    if (!connected) return fail_usage(connected.error().message);
    runner.run(live.period(), [&](const BenchProgress& progress) { live.show(progress); });
  }
  live.clear();
  const bench::Report report = build_report(options, workload.method().path(), runner.results());
  std::cout << (options.json ? format_json(report) : format_text(report)) << std::flush;
  return exit_code_of(options, report, runner.interrupted());
}

}  // namespace saker::app

// run_bench(): a whole `saker bench X`, for any workload, and the options that all of them have.
#pragma once

#include <CLI/CLI.hpp>

#include "bench_compare_targets.h"
#include "bench_find_max.h"
#include "bench_live.h"
#include "bench_measure.h"
#include "bench_report.h"
#include "bench_runner.h"
#include "command_line.h"
#include "interrupt.h"
#include "process.h"
#include "server_watch.h"

namespace saker::app {

// TARGET and everything but --size, which each workload has its own default for.
void add_bench_options(CLI::App& command, BenchOptions& options, KeyFlag key = KeyFlag::kTls);
// --messages, of streaming methods; what the command has to say of it.
void add_messages(CLI::App& command, BenchOptions& options, const std::string& help);
// Of streams that end when we say so: how long they are unless told otherwise.
void set_usual_messages(BenchOptions& options);
// What only the options together can get wrong.
Result<void> check_bench_options(const BenchOptions& options);

template <typename Workload>
int run_bench(const BenchOptions& options, const Workload& workload) {
  if (auto checked = check_bench_options(options); !checked) {
    return fail_usage(checked.error().message);
  }
  ServerWatch server(options.server_pid);
  if (auto checked = server.check(); !checked) return fail_usage(checked.error().message);
  auto output = ReportOutput::open(options.report);
  if (!output) return fail_usage(output.error().message);
  raise_descriptor_limit();
  if (options.find_max) return run_find_max(options, workload, *output);
  if (!options.compare.empty()) return run_compare_targets(options, workload, *output);
  BenchRunner<Workload> runner(options, workload);
  LiveDisplay live(options);
  {
    const Interrupt interrupt([&](int count) {
      if (count > 1) _exit(kExitInterrupted);
      runner.interrupt();
    });
    auto connected = runner.connect();
    if (runner.interrupted()) return kExitInterrupted;
    if (!connected) return fail_usage(connected.error().message);
    measure(runner, options, server, live);
  }
  live.clear();
  bench::Report report = build_report(options, workload.method().path(), runner.results(), server);
  add_phases(options, runner.phases(), runner.ended_early(), report);
  if constexpr (requires { workload.add_to(report, runner.checkers()); }) {
    workload.add_to(report, runner.checkers());
  }
  const auto written = output->write(
      [&report](bench::ReportFormat format) { return bench::format_report(report, format); });
  if (!written) return report_written(written);
  return exit_code_of(options, report, runner.interrupted());
}

}  // namespace saker::app

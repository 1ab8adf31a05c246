// run_find_max(): `saker bench X --find-max`: rounds of an open loop over the same connections, at the
// rates that KneeSearch asks for, until the highest one is known at which the assertions hold.
#pragma once

#include "bench_measure.h"
#include "bench_report.h"
#include "bench_runner.h"
#include "command_line.h"
#include "interrupt.h"
#include "process.h"
#include "saker/bench/knee_report.h"
#include "saker/bench/knee_search.h"
#include "spin_check.h"

namespace saker::app {

// The options of the first round.
BenchOptions find_max_options(const BenchOptions& options);
// What a round found out, to the search and to the report of it.
void add_round(const BenchOptions& options, const bench::Report& result, bench::KneeSearch& search,
               bench::KneeReport& report);
// Prints the report of a search that has ended, for that reason if it is not empty; returns the exit
// code of one that was not interrupted.
int conclude_find_max(const BenchOptions& options, const bench::KneeSearch& search,
                      const std::string& why_ended, ReportOutput& output,
                      bench::KneeReport& report);

// A round in which the machine's speed changes does not count, but for the third in a row: some
// machines never rest.
class Disturbances {
 public:
  // Whether to throw away a round that has just ended.
  bool take(bool is_disturbed) {
    in_a_row_ = is_disturbed ? in_a_row_ + 1 : 0;
    if (in_a_row_ == 0 || in_a_row_ > kMostInARow) return in_a_row_ = 0, false;
    ++thrown_away_;
    return true;
  }
  unsigned thrown_away() const { return thrown_away_; }

 private:
  static constexpr unsigned kMostInARow = 2;
  unsigned in_a_row_ = 0;
  unsigned thrown_away_ = 0;
};

template <typename Workload>
int run_find_max(const BenchOptions& given, const Workload& workload, ReportOutput& output) {
  BenchOptions options = find_max_options(given);
  bench::KneeSearch search({.start_rate = options.rate, .resolution = options.resolution});
  bench::KneeReport report;
  std::string why_ended;
  Disturbances disturbances;
  BenchRunner<Workload> runner(options, workload);
  LiveDisplay live(options);
  {
    const Interrupt interrupt([&](int count) {
      if (count > 1) _exit(kExitInterrupted);
      runner.interrupt();
    });
    while (!search.done() && why_ended.empty()) {
      const auto connected = runner.connect();
      if (runner.interrupted()) break;
      if (!connected && report.rows.empty()) return fail_usage(connected.error().message);
      if (!connected) {
        why_ended = connected.error().message;
        break;
      }
      options.rate = search.rate();
      live.set_note("at " + bench::format_rate(options.rate) + "/s");
      ServerWatch server(options.server_pid);
      const SpinCheck machine;
      measure(runner, options, server, live);
      if (runner.interrupted()) break;
      if (!runner.ended_early() && disturbances.take(machine.is_disturbed())) continue;
      add_round(options, build_report(options, workload.method().path(), runner.results(), server),
                search, report);
      if (runner.ended_early()) why_ended = "the server was lost";
    }
  }
  live.clear();
  report.thrown_away = disturbances.thrown_away();
  if (runner.interrupted() && report.rows.empty()) return kExitInterrupted;
  if (runner.interrupted()) why_ended = "interrupted";
  const int code = conclude_find_max(options, search, why_ended, output, report);
  return runner.interrupted() ? kExitInterrupted : code;
}

}  // namespace saker::app

// run_compare_targets(): `saker bench X --compare`: the same load to several targets in rounds that take
// turns, each target over connections of its own, which stay open meanwhile.
#pragma once

#include <memory>
#include <vector>

#include "bench_measure.h"
#include "bench_report.h"
#include "bench_runner.h"
#include "command_line.h"
#include "interrupt.h"
#include "process.h"
#include "saker/bench/targets_report.h"

namespace saker::app {

// The options of the rounds at one of the targets.
BenchOptions options_at(const BenchOptions& options, const net::Target& target);
// A row for each target, before any round.
bench::TargetsReport empty_report(const BenchOptions& options);
// What a round at a target found out.
void add_round(size_t target, const bench::Report& result, bench::TargetsReport& report);
// Prints the report, ended before its time for that reason if it is not empty; returns the exit code
// of one that was not interrupted.
int conclude_targets(const BenchOptions& options, const std::string& why_ended,
                     ReportOutput& output, bench::TargetsReport& report);

template <typename Workload>
class TargetsRun {
 public:
  TargetsRun(const BenchOptions& options, const Workload& workload)
      : workload_(workload), rounds_(options.of_round().rounds), report_(empty_report(options)) {
    for (const net::Target& target : options.compare) {
      places_.push_back(std::make_unique<Place>(options_at(options, target), workload));
    }
  }

  bench::TargetsReport& report() { return report_; }
  const std::string& why_ended() const { return why_ended_; }
  bool interrupted() const { return places_.front()->runner.interrupted(); }
  void interrupt() {
    for (const auto& place : places_) place->runner.interrupt();
  }

  // Connections to all targets, or why there are none to one of them.
  Result<void> connect() {
    for (const auto& place : places_) {
      if (auto connected = place->runner.connect(); !connected) return connected;
    }
    return {};
  }

  // Each round begins with another target, so that none is always behind the same one.
  void run() {
    for (uint64_t round = 0; round < rounds_; ++round) {
      for (size_t turn = 0; turn < places_.size(); ++turn) {
        if (!run_round(round, (round + turn) % places_.size())) return;
      }
    }
  }

 private:
  struct Place {
    Place(BenchOptions given, const Workload& workload)
        : options(std::move(given)), runner(options, workload), live(options) {}
    const BenchOptions options;
    BenchRunner<Workload> runner;
    LiveDisplay live;
  };

  // False: there will be no more.
  bool run_round(uint64_t round, size_t target) {
    Place& place = *places_[target];
    place.live.set_note("round " + std::to_string(round + 1) + " of " + std::to_string(rounds_) +
                        ", " + report_.targets[target].target);
    const auto connected = place.runner.connect();  // those that were lost
    if (interrupted()) return false;
    if (!connected) {
      why_ended_ = connected.error().message;
      return false;
    }
    ServerWatch server(place.options.server_pid);
    measure(place.runner, place.options, server, place.live);
    place.live.clear();
    if (interrupted()) return false;
    const bench::Report result =
        build_report(place.options, workload_.method().path(), place.runner.results(), server);
    add_round(target, result, report_);
    if (place.runner.ended_early()) why_ended_ = result.target + " was lost";
    return why_ended_.empty();
  }

  const Workload& workload_;
  const uint64_t rounds_;
  std::vector<std::unique_ptr<Place>> places_;
  bench::TargetsReport report_;
  std::string why_ended_;
};

template <typename Workload>
int run_compare_targets(const BenchOptions& options, const Workload& workload,
                        ReportOutput& output) {
  TargetsRun<Workload> run(options, workload);
  {
    const Interrupt interrupt([&](int count) {
      if (count > 1) _exit(kExitInterrupted);
      run.interrupt();
    });
    const auto connected = run.connect();
    if (run.interrupted()) return kExitInterrupted;
    if (!connected) return fail_usage(connected.error().message);
    run.run();
  }
  const bool none = run.report().targets.back().rounds.empty();
  if (run.interrupted() && none) return kExitInterrupted;
  const std::string why_ended = run.interrupted() ? "interrupted" : run.why_ended();
  const int code = conclude_targets(options, why_ended, output, run.report());
  return run.interrupted() ? kExitInterrupted : code;
}

}  // namespace saker::app

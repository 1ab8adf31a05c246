#include "bench_compare_targets.h"

#include <algorithm>

#include "saker/bench/assertion.h"
#include "saker/bench/document.h"

namespace saker::app {

BenchOptions options_at(const BenchOptions& options, const net::Target& target) {
  BenchOptions round = options.of_round();
  round.target.servers = target;
  round.assertions.clear();  // judged by all rounds together
  return round;
}

bench::TargetsReport empty_report(const BenchOptions& options) {
  bench::TargetsReport report;
  report.round = options.of_round().round;
  for (const net::Target& target : options.compare) {
    report.targets.emplace_back().target = net::to_string(target);
  }
  return report;
}

void add_round(size_t target, const bench::Report& result, bench::TargetsReport& report) {
  if (report.run.method.empty()) {
    report.run = settings_of(result);
    report.run.warnings.clear();
  }
  report.targets[target].transport = result.transport;
  report.add_round(target, result);
}

int conclude_targets(const BenchOptions& options, const std::string& why_ended,
                     ReportOutput& output, bench::TargetsReport& report) {
  for (bench::TargetRow& row : report.targets) {
    row.broken_assertions = bench::broken_assertions(options.assertions, totals(row));
  }
  report.run.environment = facts_of(options.of_round());  // with the assertions
  if (!why_ended.empty()) {
    report.run.warnings.push_back("the rounds ended before their time: " + why_ended);
  }
  const auto written = output.write(
      [&report](bench::ReportFormat format) { return bench::format_document(report, format); });
  if (!written) return report_written(written);
  const auto is_broken = [](const bench::TargetRow& row) { return !row.broken_assertions.empty(); };
  if (std::ranges::any_of(report.targets, is_broken)) return kExitAssertion;
  const auto failed = [&](const bench::TargetRow& row) {
    return row.unfinished > 0 || row.calls == 0 || (row.errors > 0 && !options.judges_errors());
  };
  const bool any = std::ranges::any_of(report.targets, failed);
  return any || !why_ended.empty() ? kExitFailed : kExitOk;
}

}  // namespace saker::app

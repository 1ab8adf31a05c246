#include "bench_find_max.h"

#include "saker/bench/document.h"

namespace saker::app {
namespace {

constexpr double kStartRate = 1000;

}  // namespace

BenchOptions find_max_options(const BenchOptions& options) {
  BenchOptions round = options.of_round();
  if (round.rate == 0) round.rate = kStartRate;
  round.start_rate = round.rate;
  return round;
}

void add_round(const BenchOptions& options, const bench::Report& result, bench::KneeSearch& search,
               bench::KneeReport& report) {
  report.round = options.round;
  std::string why = bench::why_round_broke(result, options.round, options.judges_errors());
  search.record(why.empty());
  report.add_round(options.rate, result, std::move(why));
  // Settings and environment are those of any round; its first error is worth more than none.
  if (report.run.target.empty() || !result.warnings.empty()) report.run = settings_of(result);
}

int conclude_find_max(const BenchOptions& options, const bench::KneeSearch& search,
                      const std::string& why_ended, ReportOutput& output,
                      bench::KneeReport& report) {
  report.resolution = options.resolution;
  report.knee = search.knee();
  report.first_broken = search.first_broken();
  for (const bench::Assertion& assertion : options.assertions) {
    report.assertions.push_back(assertion.text);
  }
  if (!why_ended.empty()) {
    report.run.warnings.push_back("the search ended before its time: " + why_ended);
  }
  const auto written = output.write(
      [&report](bench::ReportFormat format) { return bench::format_document(report, format); });
  if (!written) return report_written(written);
  if (!why_ended.empty()) return kExitFailed;
  return report.knee > 0 ? kExitOk : kExitAssertion;
}

}  // namespace saker::app

#include "saker/bench/report_phases.h"

#include <cmath>

#include "saker/base/quantity.h"
#include "saker/bench/text_table.h"

namespace saker::bench {
namespace {

std::string whole(double value) {
  return format_count(static_cast<uint64_t>(std::llround(value)));
}

double per_second(uint64_t count, Duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

}  // namespace

double offered_rate(const PhaseReport& row) {
  return per_second(row.figures.due(), row.duration);
}

double achieved_rate(const PhaseReport& row) {
  return per_second(row.figures.ended, row.duration);
}

void append_phases(std::string& out, const std::vector<PhaseReport>& rows) {
  if (rows.empty()) return;
  TextTable table(
      {"phase", "length", "offered/s", "achieved/s", "p50", "p99", "p99.9", "max", "errors"});
  for (const PhaseReport& row : rows) {
    const Histogram& latencies = row.figures.corrected;
    table.add({phase_name(row.phase), format_duration(row.duration), whole(offered_rate(row)),
               whole(achieved_rate(row)), format_duration(latencies.percentile(50)),
               format_duration(latencies.percentile(99)),
               format_duration(latencies.percentile(99.9)), format_duration(latencies.max()),
               format_count(row.figures.errors)});
  }
  out.append("\n");
  table.append_to(out);
}

}  // namespace saker::bench

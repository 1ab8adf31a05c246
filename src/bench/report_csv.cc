// The timeline for spreadsheets: a line of names, then a line for each row. Durations are in
// nanoseconds, but the columns that say seconds.
#include "saker/bench/csv_line.h"
#include "saker/bench/report_format.h"

namespace saker::bench {
namespace {

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

std::string format_csv(const Report& report) {
  std::string out =
      "start_s,length_s,calls,errors,calls_per_second,p50_ns,p99_ns,max_ns,client_cpu_ns,"
      "server_cpu_ns\n";
  const size_t rows = report.timeline.size();
  for (size_t i = 0; i < rows; ++i) {
    const TimelineRow& row = report.timeline[i];
    const double length = seconds(row_length(i, rows, report.duration, report.interval));
    const double rate = length > 0 ? static_cast<double>(row.calls) / length : 0;
    const std::string server_cpu = report.server ? std::to_string(row.server_cpu.count()) : "";
    append_csv_line(out, seconds(report.interval * static_cast<int64_t>(i)), length, row.calls,
                    row.errors, rate, row.p50.count(), row.p99.count(), row.max.count(),
                    row.cpu.count(), server_cpu);
  }
  return out;
}

}  // namespace saker::bench

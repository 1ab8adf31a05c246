#include "saker/bench/report_mix.h"

#include <cmath>

#include "saker/base/quantity.h"
#include "saker/bench/text_table.h"

namespace saker::bench {

double calls_per_second(const MixReport& row, Duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  return seconds > 0 ? static_cast<double>(row.calls) / seconds : 0;
}

void append_mix(std::string& out, const std::vector<MixReport>& rows, Duration duration) {
  if (rows.empty()) return;
  TextTable table({"algorithm", "key", "calls", "calls/s", "p50", "p99", "p99.9", "max", "errors"},
                  2);
  for (const MixReport& row : rows) {
    const auto rate = static_cast<uint64_t>(std::llround(calls_per_second(row, duration)));
    table.add({row.algorithm, row.key, format_count(row.calls), format_count(rate),
               format_duration(row.corrected.percentile(50)),
               format_duration(row.corrected.percentile(99)),
               format_duration(row.corrected.percentile(99.9)),
               format_duration(row.corrected.max()), format_count(row.errors)});
  }
  out.append("\n");
  table.append_to(out);
}

std::string mix_text(const std::vector<MixReport>& rows) {
  std::string text;
  for (const MixReport& row : rows) {
    if (!text.empty()) text += ", ";
    text += row.algorithm + "@" + row.key + "=" + std::to_string(row.weight);
  }
  return text;
}

}  // namespace saker::bench

#include "saker/bench/process_load.h"

#include <algorithm>

#include "saker/bench/report_words.h"
#include "saker/bench/text_table.h"

namespace saker::bench {

void ProcessLoad::merge(const ProcessLoad& later) {
  cpu += later.cpu;
  switches.voluntary += later.switches.voluntary;
  switches.involuntary += later.switches.involuntary;
  peak_resident_bytes = std::max(peak_resident_bytes, later.peak_resident_bytes);
}

double calls_per_core_second(uint64_t calls, Duration cpu) {
  const double seconds = std::chrono::duration<double>(cpu).count();
  return seconds > 0 ? static_cast<double>(calls) / seconds : 0;
}

std::vector<CostRow> both_ends(const std::string& prefix, uint64_t calls, const ProcessLoad& client,
                               const std::optional<ProcessLoad>& server) {
  std::vector<CostRow> rows = {{prefix + "client", calls, client}};
  if (server) rows.push_back({prefix + "server", calls, *server});
  return rows;
}

void append_costs(std::string& out, const std::vector<CostRow>& rows) {
  if (rows.empty()) return;
  TextTable table({"", "CPU", "calls/core-s", "memory", "waited", "preempted"});
  for (const CostRow& row : rows) {
    const ProcessLoad& load = row.load;
    const bool switches = load.switches != ContextSwitches();
    table.add({row.name, format_duration(load.cpu),
               whole(calls_per_core_second(row.calls, load.cpu)),
               load.peak_resident_bytes > 0 ? format_size(load.peak_resident_bytes) : "",
               switches ? format_count(load.switches.voluntary) : "",
               switches ? format_count(load.switches.involuntary) : ""});
  }
  out.append("\n");
  table.append_to(out);
}

}  // namespace saker::bench

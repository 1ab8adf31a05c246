// KneeReport: what a search for the highest rate found: the knee, and the curve that leads to it, a
// row for each rate that was tried. For people as a table, for programs as JSON (schema
// "saker.bench.find-max/1": keys are only ever added), which has all that the other forms need.
// Thread rule: none of its own; filled by one thread, a round at a time.
#pragma once

#include <string>
#include <vector>

#include "saker/bench/histogram.h"
#include "saker/bench/report.h"

namespace saker::bench {

struct KneeLatency {
  Duration p50{};
  Duration p90{};
  Duration p99{};
  Duration p99_9{};
  Duration max{};
  uint64_t count = 0;
};

struct KneeRow {
  double rate = 0;
  unsigned rounds = 0;
  unsigned held = 0;
  // Over all rounds:
  double achieved = 0;  // calls a second, on average
  uint64_t calls = 0;
  uint64_t errors = 0;
  ProcessLoad client;
  std::optional<ProcessLoad> server;  // where known
  Histogram corrected;                // while the search lasts
  KneeLatency latency;                // of it
  bool generator_limited = false;     // in most rounds the generator fell behind by itself
  unsigned limited = 0;               // such rounds, while the search lasts
  double busiest = 0;                 // the most that a thread of it used, 0 to 1
  std::string why_broken;             // of the last round that did not hold

  bool holds() const { return 2 * held > rounds; }
};

struct KneeReport {
  Report run;  // the settings, the environment and the warnings of it count
  std::vector<std::string> assertions;
  Duration round{};
  double resolution = 0;
  std::vector<KneeRow> rows;  // by rate
  double knee = 0;            // 0: none
  double first_broken = 0;    // 0: none
  unsigned thrown_away = 0;   // rounds in which the machine's own speed changed

  // Adds a round at `rate`; `why_broken` is empty when it held.
  void add_round(double rate, const Report& result, std::string why_broken);
};

// Why a round that was to last so long does not hold: an assertion, calls that failed where no
// assertion judges that, or a server that fell behind; empty when it holds.
std::string why_round_broke(const Report& result, Duration round, bool errors_are_judged);
// run.warnings, and that the generator may be what was found the limit of.
std::vector<std::string> all_warnings(const KneeReport& report);

std::string format_text(const KneeReport& report);
std::string format_json(const KneeReport& report);
// The curve, a line for each rate.
std::string format_csv(const KneeReport& report);
std::string format_html(const KneeReport& report);

}  // namespace saker::bench

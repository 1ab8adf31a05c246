#include "saker/bench/knee_report.h"

#include <algorithm>
#include <cmath>

#include "saker/bench/report_words.h"

namespace saker::bench {
namespace {

// Of a round, which may end with its last call, a little before its time.
double achieved_rate(const Report& result, Duration round) {
  const Duration took = std::max({result.duration, round, Duration(1)});
  return static_cast<double>(result.calls) / std::chrono::duration<double>(took).count();
}

KneeLatency latency_of(const Histogram& histogram) {
  return {histogram.percentile(50),   histogram.percentile(90), histogram.percentile(99),
          histogram.percentile(99.9), histogram.max(),          histogram.count()};
}

}  // namespace

void KneeReport::add_round(double rate, const Report& result, std::string why_broken) {
  auto row = std::ranges::lower_bound(rows, rate, {}, &KneeRow::rate);
  if (row == rows.end() || row->rate != rate) {
    row = rows.insert(row, KneeRow());
    row->rate = rate;
  }
  ++row->rounds;
  if (why_broken.empty()) {
    ++row->held;
  } else {
    row->why_broken = std::move(why_broken);
  }
  row->achieved += (achieved_rate(result, round) - row->achieved) / row->rounds;
  row->calls += result.calls;
  row->errors += result.errors;
  row->client.merge(client_load(result));
  if (result.server && !row->server) row->server.emplace();
  if (result.server) row->server->merge(*result.server);
  row->corrected.merge(result.corrected);
  row->latency = latency_of(row->corrected);
  row->busiest = std::max(row->busiest, busiest_thread(result));
  if (is_generator_limited(result)) ++row->limited;
  row->generator_limited = 2 * row->limited > row->rounds;
}

// A server that is slower than the rate ends its last call late, by the backlog that has gathered;
// half of that is in the median, too, as is all of the time that each call takes anyway. So what
// exceeds the median is half the backlog, and is allowed to be a fiftieth of the round.
std::string why_round_broke(const Report& result, Duration round, bool errors_are_judged) {
  if (!result.broken_assertions.empty()) return result.broken_assertions.front();
  if (result.errors > 0 && !errors_are_judged) return plural(result.errors, "call") + " failed";
  if (result.calls == 0) return "no call ended";
  if (result.unfinished > 0) return plural(result.unfinished, "call") + " never ended";
  const Duration late = result.duration - round;
  if (late <= round / 50 + result.corrected.percentile(50)) return {};
  return "fell behind, " + whole(achieved_rate(result, round)) + " calls/s only";
}

std::vector<std::string> all_warnings(const KneeReport& report) {
  std::vector<std::string> all = report.run.warnings;
  if (report.run.warnings_are_all) return all;
  const auto broken = std::ranges::find(report.rows, report.first_broken, &KneeRow::rate);
  if (broken != report.rows.end() && broken->generator_limited) {
    all.push_back("the generator was the limit, not the server: at " + whole(broken->rate) +
                  " calls/s it fell behind its own schedule, its busiest thread at " +
                  whole(std::round(broken->busiest * 100)) +
                  "% of a CPU (more threads, or a machine of its own)");
  }
  return all;
}

}  // namespace saker::bench

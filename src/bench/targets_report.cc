#include "saker/bench/targets_report.h"

#include <algorithm>

#include "saker/base/check.h"

namespace saker::bench {
namespace {

double per_call(Duration cpu, uint64_t calls) {
  return calls > 0 ? static_cast<double>(cpu.count()) / static_cast<double>(calls) : 0;
}

struct Figure {
  const char* name;
  double (*value)(const TargetRound& round);
};

constexpr Figure kFigures[] = {
    {"rate", [](const TargetRound& round) { return round.rate; }},
    {"p50", [](const TargetRound& round) { return static_cast<double>(round.p50.count()); }},
    {"p99", [](const TargetRound& round) { return static_cast<double>(round.p99.count()); }},
    {"p99.9", [](const TargetRound& round) { return static_cast<double>(round.p99_9.count()); }},
    {"client CPU", [](const TargetRound& round) { return round.client_cpu_ns; }},
    {"server CPU", [](const TargetRound& round) { return round.server_cpu_ns; }},
};

}  // namespace

void TargetsReport::add_round(size_t target, const Report& result) {
  SAKER_DCHECK(target < targets.size());
  TargetRow& row = targets[target];
  row.calls += result.calls;
  row.errors += result.errors;
  row.unfinished += result.unfinished;
  row.duration += result.duration;
  row.corrected.merge(result.corrected);
  row.client.merge(client_load(result));
  if (result.server && !row.server) row.server.emplace();
  if (result.server) row.server->merge(*result.server);
  TargetRound& found = row.rounds.emplace_back();
  found.calls = result.calls;
  found.errors = result.errors;
  found.rate = calls_per_second(result);
  found.p50 = result.corrected.percentile(50);
  found.p99 = result.corrected.percentile(99);
  found.p99_9 = result.corrected.percentile(99.9);
  found.client_cpu_ns = per_call(client_cpu(result), result.calls);
  if (result.server) found.server_cpu_ns = per_call(result.server->cpu, result.calls);
  for (const std::string& warning : all_warnings(result)) {
    const std::string text = row.target + ": " + warning;
    const auto known = std::ranges::find(run.warnings, text);
    if (known == run.warnings.end()) run.warnings.push_back(text);
  }
}

std::vector<TargetRatio> ratios(const TargetsReport& report, size_t target) {
  SAKER_DCHECK(target < report.targets.size());
  const std::vector<TargetRound>& first = report.targets.front().rounds;
  const std::vector<TargetRound>& other = report.targets[target].rounds;
  std::vector<TargetRatio> all;
  for (const Figure& figure : kFigures) {
    std::vector<double> a;
    std::vector<double> b;
    for (size_t i = 0; i < std::min(first.size(), other.size()); ++i) {
      a.push_back(figure.value(first[i]));
      b.push_back(figure.value(other[i]));
    }
    const PairedRatio value = paired_ratio(a, b);
    if (value.ratio > 0) all.push_back({figure.name, value});
  }
  return all;
}

Report totals(const TargetRow& row) {
  Report total;
  total.target = row.target;
  total.transport = row.transport;
  total.calls = row.calls;
  total.errors = row.errors;
  total.unfinished = row.unfinished;
  total.duration = row.duration;
  total.corrected.merge(row.corrected);
  return total;
}

}  // namespace saker::bench

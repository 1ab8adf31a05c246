// TargetsReport: what the same load found at several targets (transports of one server, say), in
// rounds that took turns: a row for each target over all of its rounds, and how each differs from the
// first one, as ratios with intervals of 95 % confidence. The JSON document (schema
// "saker.bench.targets/1": keys are only ever added) has all that the other forms need.
// Thread rule: none of its own; filled by one thread, a round at a time.
#pragma once

#include <string>
#include <vector>

#include "saker/bench/paired_ratio.h"
#include "saker/bench/report.h"

namespace saker::bench {

struct TargetRound {
  uint64_t calls = 0;
  uint64_t errors = 0;
  double rate = 0;  // calls a second
  Duration p50{};   // corrected latencies
  Duration p99{};
  Duration p99_9{};
  double client_cpu_ns = 0;  // a call
  double server_cpu_ns = 0;  // a call; 0: not known
};

struct TargetRow {
  std::string target;
  std::string transport;
  // Over all rounds:
  uint64_t calls = 0;
  uint64_t errors = 0;
  uint64_t unfinished = 0;
  Duration duration{};
  Histogram corrected;
  ProcessLoad client;
  std::optional<ProcessLoad> server;  // where known
  std::vector<std::string> broken_assertions;
  std::vector<TargetRound> rounds;
};

struct TargetRatio {
  std::string figure;  // "rate", "p50", "p99", "p99.9", "client CPU", "server CPU"
  PairedRatio value;   // the target beside the first one
};

struct TargetsReport {
  Report run;  // the settings, the environment and the warnings of it count
  Duration round{};
  std::vector<TargetRow> targets;  // as asked for

  void add_round(size_t target, const Report& result);
};

// Of a target but the first one, over the rounds that both have.
std::vector<TargetRatio> ratios(const TargetsReport& report, size_t target);
// What assertions are judged by: a target's figures over all of its rounds.
Report totals(const TargetRow& row);

std::string format_text(const TargetsReport& report);
std::string format_json(const TargetsReport& report);
// A line for each round of each target.
std::string format_csv(const TargetsReport& report);
std::string format_html(const TargetsReport& report);

}  // namespace saker::bench

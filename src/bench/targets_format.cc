// The report of several targets for people, for programs and for spreadsheets, and read back.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "saker/bench/csv_line.h"
#include "saker/bench/html_page.h"
#include "saker/bench/json_text.h"
#include "saker/bench/report_document.h"
#include "saker/bench/report_page.h"
#include "saker/bench/report_words.h"
#include "saker/bench/targets_report.h"
#include "saker/bench/text_table.h"

namespace saker::bench {
namespace {

using Json = nlohmann::ordered_json;

size_t round_count(const TargetsReport& report) {
  size_t most = 0;
  for (const TargetRow& row : report.targets) most = std::max(most, row.rounds.size());
  return most;
}

void append_head(std::string& out, const TargetsReport& report) {
  const Report& run = report.run;
  out.append(run.method).append(", ").append(plural(report.targets.size(), "target"));
  out.append(" in turns\n  ").append(plural(run.connections, "connection")).append(" x ");
  out.append(plural(run.streams_per_connection, "stream")).append(", ");
  out.append(plural(run.threads, "thread")).append(", ");
  if (run.open_loop()) {
    out.append("open loop at ").append(whole(run.intended_rate)).append(" calls/s (");
    out.append(run.arrivals == Arrivals::kPoisson ? "poisson" : "constant").append("), ");
  } else {
    out.append("closed loop, ");
  }
  out.append(format_size(run.payload_bytes)).append(" payload\n  ");
  out.append(plural(round_count(report), "round")).append(" of ");
  out.append(format_duration(report.round)).append(" each, after ");
  out.append(format_duration(run.warmup)).append(" of warm-up\n\n");
}

void append_rows(std::string& out, const TargetsReport& report) {
  TextTable table({"target", "calls/s", "p50", "p99", "p99.9", "CPU a call", "errors"});
  for (const TargetRow& row : report.targets) {
    double cpu = 0;
    for (const TargetRound& round : row.rounds) {
      cpu += round.client_cpu_ns / static_cast<double>(row.rounds.size());
    }
    table.add({row.target, whole(calls_per_second(totals(row))),
               format_duration(row.corrected.percentile(50)),
               format_duration(row.corrected.percentile(99)),
               format_duration(row.corrected.percentile(99.9)),
               format_duration(Duration(std::llround(cpu))), format_count(row.errors)});
  }
  table.append_to(out);
}

void append_costs_of_rows(std::string& out, const TargetsReport& report) {
  std::vector<CostRow> rows;
  for (const TargetRow& row : report.targets) {
    const auto ends = both_ends(row.target + " ", row.calls, row.client, row.server);
    rows.insert(rows.end(), ends.begin(), ends.end());
  }
  append_costs(out, rows);
}

std::string ratio_text(const PairedRatio& value) {
  char text[96];
  (void)std::snprintf(text, sizeof text, "%.3f", value.ratio);
  return text;
}

std::string interval_text(const PairedRatio& value) {
  if (!value.interval) return "";
  char text[96];
  (void)std::snprintf(text, sizeof text, "%.3f .. %.3f", value.interval->low, value.interval->high);
  return text;
}

void append_ratios(std::string& out, const TargetsReport& report) {
  for (size_t i = 1; i < report.targets.size(); ++i) {
    out.append("\n  ").append(report.targets[i].target).append(" beside ");
    out.append(report.targets[0].target).append("\n");
    TextTable table({"", "ratio", "95% interval"});
    for (const TargetRatio& ratio : ratios(report, i)) {
      table.add({ratio.figure, ratio_text(ratio.value), interval_text(ratio.value)});
    }
    table.append_to(out);
  }
}

void append_notes(std::string& out, const TargetsReport& report) {
  std::string lines;
  for (const std::string& warning : report.run.warnings) {
    lines.append("  warning: ").append(warning).append("\n");
  }
  for (const TargetRow& row : report.targets) {
    for (const std::string& broken : row.broken_assertions) {
      lines.append("  failed: ").append(row.target).append(": ").append(broken).append("\n");
    }
  }
  if (!lines.empty()) out.append("\n").append(lines);
}

Json columns(const TargetRow& row) {
  Json json = {{"calls", Json::array()},
               {"errors", Json::array()},
               {"calls_per_second", Json::array()},
               {"p50_ns", Json::array()},
               {"p99_ns", Json::array()},
               {"p99_9_ns", Json::array()},
               {"client_cpu_ns", Json::array()},
               {"server_cpu_ns", Json::array()}};
  for (const TargetRound& round : row.rounds) {
    json["calls"].push_back(round.calls);
    json["errors"].push_back(round.errors);
    json["calls_per_second"].push_back(round.rate);
    json["p50_ns"].push_back(round.p50.count());
    json["p99_ns"].push_back(round.p99.count());
    json["p99_9_ns"].push_back(round.p99_9.count());
    json["client_cpu_ns"].push_back(round.client_cpu_ns);
    json["server_cpu_ns"].push_back(round.server_cpu_ns);
  }
  return json;
}

Json ratios_json(const TargetsReport& report, size_t target) {
  Json json = Json::array();
  for (const TargetRatio& ratio : ratios(report, target)) {
    Json entry = {{"figure", ratio.figure}, {"ratio", ratio.value.ratio}};
    if (const auto& interval = ratio.value.interval) {
      entry["interval_95"] = {interval->low, interval->high};
    }
    json.push_back(std::move(entry));
  }
  return json;
}

Json targets_json(const TargetsReport& report) {
  Json json = Json::array();
  for (size_t i = 0; i < report.targets.size(); ++i) {
    const TargetRow& row = report.targets[i];
    Json entry = {{"target", row.target},
                  {"transport", row.transport},
                  {"calls", row.calls},
                  {"errors", row.errors},
                  {"unfinished", row.unfinished},
                  {"duration_ns", row.duration.count()},
                  {"calls_per_second", calls_per_second(totals(row))},
                  {"corrected_latency_ns", histogram_json(row.corrected)},
                  {"client", load_json(row.calls, row.client)},
                  {"rounds", columns(row)},
                  {"broken_assertions", row.broken_assertions}};
    if (row.server) entry["server"] = load_json(row.calls, *row.server);
    if (i > 0) entry["beside_first"] = ratios_json(report, i);
    json.push_back(std::move(entry));
  }
  return json;
}

void read_rounds(const JsonReader& reader, std::vector<TargetRound>& out) {
  out.resize(reader.counts("calls", kMostCalls).size());
  const auto column = [&](const char* key, auto assign) {
    const auto values = reader.numbers(key);
    if (values.size() != out.size()) return reader.complain(key, "has another length than calls");
    for (size_t i = 0; i < out.size(); ++i) assign(out[i], values[i]);
  };
  const auto ns = [](double value) { return Duration(std::llround(value)); };
  column("calls", [](auto& round, double value) { round.calls = static_cast<uint64_t>(value); });
  column("errors", [](auto& round, double value) { round.errors = static_cast<uint64_t>(value); });
  column("calls_per_second", [](auto& round, double value) { round.rate = value; });
  column("p50_ns", [&](auto& round, double value) { round.p50 = ns(value); });
  column("p99_ns", [&](auto& round, double value) { round.p99 = ns(value); });
  column("p99_9_ns", [&](auto& round, double value) { round.p99_9 = ns(value); });
  column("client_cpu_ns", [](auto& round, double value) { round.client_cpu_ns = value; });
  column("server_cpu_ns", [](auto& round, double value) { round.server_cpu_ns = value; });
}

void read_row(const JsonReader& reader, TargetRow& out) {
  reader.read("target", out.target);
  reader.read("transport", out.transport);
  reader.read_count("calls", out.calls);
  reader.read_count("errors", out.errors);
  reader.read_count("unfinished", out.unfinished);
  reader.read("duration_ns", out.duration);
  read_histogram(reader.inner("corrected_latency_ns"), out.corrected);
  read_ends(reader, out.client, out.server);
  read_rounds(reader.inner("rounds"), out.rounds);
  reader.strings("broken_assertions", out.broken_assertions);
}

}  // namespace

std::string format_text(const TargetsReport& report) {
  std::string out;
  append_head(out, report);
  append_rows(out, report);
  append_ratios(out, report);
  append_costs_of_rows(out, report);
  append_facts(out, report.run.environment);
  append_notes(out, report);
  return out;
}

std::string format_json(const TargetsReport& report) {
  Json json;
  json["schema"] = kTargetsSchema;
  json["method"] = report.run.method;
  json["settings"] = settings_json(report.run);
  json["settings"]["round_ns"] = report.round.count();
  json["targets"] = targets_json(report);
  json["environment"] = environment_json(report.run);
  json["warnings"] = report.run.warnings;
  return json_text(json);
}

std::string format_csv(const TargetsReport& report) {
  std::string out =
      "target,transport,round,calls,errors,calls_per_second,p50_ns,p99_ns,p99_9_ns,"
      "client_cpu_a_call_ns,server_cpu_a_call_ns\n";
  for (const TargetRow& row : report.targets) {
    const std::string target = csv_text(row.target);
    const std::string transport = csv_text(row.transport);  // a document may have anything there
    for (size_t i = 0; i < row.rounds.size(); ++i) {
      const TargetRound& round = row.rounds[i];
      append_csv_line(out, target, transport, i + 1, round.calls, round.errors, round.rate,
                      round.p50.count(), round.p99.count(), round.p99_9.count(),
                      round.client_cpu_ns, round.server_cpu_ns);
    }
  }
  return out;
}

std::string format_html(const TargetsReport& report) {
  return html_page(kTargetsHtml, kTargetsJs, format_json(report));
}

void read_targets(const JsonReader& reader, TargetsReport& out) {
  for (const char* key : {"method", "settings", "targets"}) reader.demand(key);
  reader.read("method", out.run.method);
  const JsonReader settings = reader.inner("settings");
  read_settings(settings, out.run);
  settings.read("round_ns", out.round);
  reader.each("targets",
              [&](const JsonReader& item) { read_row(item, out.targets.emplace_back()); });
  if (out.targets.empty()) reader.complain("targets", "is empty");
  read_environment(reader, out.run);
  reader.strings("warnings", out.run.warnings);
  out.run.warnings_are_all = true;
}

}  // namespace saker::bench

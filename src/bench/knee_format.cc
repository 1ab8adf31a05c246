// The report of a search for people, for programs and for spreadsheets, and read back.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "saker/bench/csv_line.h"
#include "saker/bench/html_page.h"
#include "saker/bench/json_text.h"
#include "saker/bench/knee_report.h"
#include "saker/bench/report_document.h"
#include "saker/bench/report_page.h"
#include "saker/bench/report_words.h"
#include "saker/bench/text_table.h"

namespace saker::bench {
namespace {

using Json = nlohmann::ordered_json;

std::string percent(double share) {
  return format_rate(share * 100) + "%";
}

std::string verdict(const KneeRow& row) {
  const std::string limited = row.generator_limited ? " (generator behind)" : "";
  if (!row.holds()) return row.why_broken + limited;
  return "holds" + (row.held == row.rounds ? std::string() : ", 2 of 3") + limited;
}

void append_head(std::string& out, const KneeReport& report) {
  const Report& run = report.run;
  out.append(run.method).append(" at ").append(run.target).append(" (").append(run.transport);
  out.append(")\n  ").append(plural(run.connections, "connection")).append(" x ");
  out.append(plural(run.streams_per_connection, "stream")).append(", ");
  out.append(plural(run.threads, "thread")).append(", search for the highest rate, ");
  out.append(format_size(run.payload_bytes)).append(" payload\n  with ");
  for (size_t i = 0; i < report.assertions.size(); ++i) {
    out.append(i == 0 ? "" : ", ").append(report.assertions[i]);
  }
  out.append("\n  rounds of ").append(format_duration(report.round)).append(" after ");
  out.append(format_duration(run.warmup)).append(" of warm-up, to ");
  out.append(percent(report.resolution)).append("\n\n");
}

void append_curve(std::string& out, const KneeReport& report) {
  TextTable table({"rate", "achieved/s", "p50", "p99", "p99.9", "verdict"}, 0, true);
  for (const KneeRow& row : report.rows) {
    table.add({whole(row.rate), whole(row.achieved), format_duration(row.latency.p50),
               format_duration(row.latency.p99), format_duration(row.latency.p99_9), verdict(row)});
  }
  table.append_to(out);
}

void append_knee(std::string& out, const KneeReport& report) {
  if (report.knee > 0) {
    out.append("\n  highest rate  ").append(whole(report.knee)).append(" calls/s");
    if (report.first_broken > 0) {
      out.append("; ").append(whole(report.first_broken)).append(" does not hold");
    }
  } else {
    out.append("\n  no rate held, the lowest that was tried is ")
        .append(whole(report.first_broken));
    out.append(" calls/s");
  }
  out.append("\n");
  if (report.thrown_away > 0) {
    out.append("  ").append(plural(report.thrown_away, "round"));
    out.append(" thrown away: the machine's own speed changed by over 3% meanwhile\n");
  }
}

// Of the rounds at the highest rate that held.
void append_costs_of_knee(std::string& out, const KneeReport& report) {
  const auto knee = std::ranges::find(report.rows, report.knee, &KneeRow::rate);
  if (knee == report.rows.end()) return;
  append_costs(out, both_ends("", knee->calls, knee->client, knee->server));
}

void append_warnings(std::string& out, const KneeReport& report) {
  const std::vector<std::string> warnings = all_warnings(report);
  if (!warnings.empty()) out.append("\n");
  for (const std::string& warning : warnings) {
    out.append("  warning: ").append(warning).append("\n");
  }
}

Json curve(const KneeReport& report) {
  Json json = Json::array();
  for (const KneeRow& row : report.rows) {
    Json point = {{"rate", row.rate},
                  {"achieved_rate", row.achieved},
                  {"holds", row.holds()},
                  {"rounds", row.rounds},
                  {"rounds_held", row.held},
                  {"errors", row.errors},
                  {"corrected_latency_ns",
                   {{"p50", row.latency.p50.count()},
                    {"p90", row.latency.p90.count()},
                    {"p99", row.latency.p99.count()},
                    {"p99_9", row.latency.p99_9.count()},
                    {"max", row.latency.max.count()},
                    {"count", row.latency.count}}},
                  {"busiest_thread", row.busiest},
                  {"generator_limited", row.generator_limited},
                  {"why_broken", row.why_broken},
                  {"calls", row.calls},
                  {"client", load_json(row.calls, row.client)}};
    if (row.server) point["server"] = load_json(row.calls, *row.server);
    json.push_back(std::move(point));
  }
  return json;
}

Json settings(const KneeReport& report) {
  Json json = {{"connections", report.run.connections},
               {"streams_per_connection", report.run.streams_per_connection},
               {"threads", report.run.threads},
               {"arrivals", report.run.arrivals == Arrivals::kPoisson ? "poisson" : "constant"},
               {"payload_bytes", report.run.payload_bytes},
               {"warmup_ns", report.run.warmup.count()},
               {"round_ns", report.round.count()},
               {"resolution", report.resolution}};
  add_stream(report.run, json);
  return json;
}

void read_row(const JsonReader& reader, KneeRow& out) {
  reader.read("rate", out.rate);
  reader.read("achieved_rate", out.achieved);
  reader.read_count("rounds", out.rounds, UINT32_MAX);
  reader.read_count("rounds_held", out.held, UINT32_MAX);
  reader.read_count("errors", out.errors);
  const JsonReader latency = reader.inner("corrected_latency_ns");
  latency.read("p50", out.latency.p50);
  latency.read("p90", out.latency.p90);
  latency.read("p99", out.latency.p99);
  latency.read("p99_9", out.latency.p99_9);
  latency.read("max", out.latency.max);
  latency.read_count("count", out.latency.count);
  reader.read("busiest_thread", out.busiest);
  reader.read("generator_limited", out.generator_limited);
  reader.read("why_broken", out.why_broken);
  reader.read_count("calls", out.calls);
  read_ends(reader, out.client, out.server);
}

}  // namespace

std::string format_text(const KneeReport& report) {
  std::string out;
  append_head(out, report);
  append_curve(out, report);
  append_knee(out, report);
  append_costs_of_knee(out, report);
  append_facts(out, report.run.environment);
  append_warnings(out, report);
  return out;
}

std::string format_json(const KneeReport& report) {
  Json json;
  json["schema"] = kKneeSchema;
  json["target"] = report.run.target;
  json["transport"] = report.run.transport;
  json["method"] = report.run.method;
  json["settings"] = settings(report);
  json["assertions"] = report.assertions;
  json["knee_rate"] = report.knee > 0 ? Json(report.knee) : Json();
  json["first_broken_rate"] = report.first_broken > 0 ? Json(report.first_broken) : Json();
  json["rounds_thrown_away"] = report.thrown_away;
  json["curve"] = curve(report);
  json["environment"] = environment_json(report.run);
  json["warnings"] = all_warnings(report);
  return json_text(json);
}

std::string format_csv(const KneeReport& report) {
  std::string out =
      "rate,achieved_rate,holds,rounds,rounds_held,errors,p50_ns,p90_ns,p99_ns,p99_9_ns,max_ns,"
      "busiest_thread,generator_limited\n";
  for (const KneeRow& row : report.rows) {
    append_csv_line(out, row.rate, row.achieved, row.holds(), row.rounds, row.held, row.errors,
                    row.latency.p50.count(), row.latency.p90.count(), row.latency.p99.count(),
                    row.latency.p99_9.count(), row.latency.max.count(), row.busiest,
                    row.generator_limited);
  }
  return out;
}

std::string format_html(const KneeReport& report) {
  return html_page(kFindMaxHtml, kFindMaxJs, format_json(report));
}

void read_knee(const JsonReader& reader, KneeReport& out) {
  for (const char* key : {"method", "target", "settings", "curve"}) reader.demand(key);
  reader.read("target", out.run.target);
  reader.read("transport", out.run.transport);
  reader.read("method", out.run.method);
  const JsonReader settings = reader.inner("settings");
  read_settings(settings, out.run);
  settings.read("round_ns", out.round);
  settings.read("resolution", out.resolution);
  reader.strings("assertions", out.assertions);
  reader.read_or_null("knee_rate", out.knee);
  reader.read_or_null("first_broken_rate", out.first_broken);
  reader.read_count("rounds_thrown_away", out.thrown_away, UINT32_MAX);
  reader.each("curve", [&](const JsonReader& item) { read_row(item, out.rows.emplace_back()); });
  read_environment(reader, out.run);
  reader.strings("warnings", out.run.warnings);
  out.run.warnings_are_all = true;
}

}  // namespace saker::bench

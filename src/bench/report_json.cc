// The report for programs, schema "saker.bench/1". Durations are whole nanoseconds and say so in
// their names, rates are numbers a second. Keys stand in the order in which they are written here.
// Strings that are no UTF-8 are written with replacement characters rather than refused. What is
// long stands in columns: histograms as the buckets that are not empty, the timeline as one array
// for each quantity.
#include <nlohmann/json.hpp>

#include "saker/bench/json_text.h"
#include "saker/bench/report.h"
#include "saker/bench/report_document.h"

namespace saker::bench {
namespace {

using Json = nlohmann::ordered_json;

Json statuses(const Report& report) {
  Json json = Json::array();
  for (const StatusCount& status : report.by_status) {
    json.push_back({{"name", status.name}, {"code", status.code}, {"calls", status.calls}});
  }
  return json;
}

Json backends(const Report& report) {
  Json json = Json::array();
  for (const BackendCount& backend : report.backends) {
    json.push_back({{"backend", backend.name}, {"calls", backend.calls}});
  }
  return json;
}

Json phases(const Report& report) {
  Json json = Json::array();
  for (const PhaseReport& row : report.phases) {
    json.push_back({{"phase", phase_name(row.phase)},
                    {"from_rate", row.phase.from},
                    {"to_rate", row.phase.to},
                    {"begin_ns", row.phase.begin.count()},
                    {"duration_ns", row.duration.count()},
                    {"offered_rate", offered_rate(row)},
                    {"achieved_rate", achieved_rate(row)},
                    {"calls", row.figures.calls},
                    {"errors", row.figures.errors},
                    {"unfinished", row.figures.unfinished},
                    {"ended", row.figures.ended},
                    {"corrected_latency_ns", histogram_json(row.figures.corrected)}});
  }
  return json;
}

Json mix(const Report& report) {
  Json json = Json::array();
  for (const MixReport& row : report.mix) {
    json.push_back({{"algorithm", row.algorithm},
                    {"key", row.key},
                    {"weight", row.weight},
                    {"calls", row.calls},
                    {"calls_per_second", calls_per_second(row, report.duration)},
                    {"errors", row.errors},
                    {"corrected_latency_ns", histogram_json(row.corrected)}});
  }
  return json;
}

template <typename Value>
Json column(const Report& report, Value value) {
  Json json = Json::array();
  for (const TimelineRow& row : report.timeline) json.push_back(value(row));
  return json;
}

Json timeline(const Report& report) {
  using Row = TimelineRow;
  Json json = {
      {"interval_ns", report.interval.count()},
      {"calls", column(report, [](const Row& row) { return row.calls; })},
      {"errors", column(report, [](const Row& row) { return row.errors; })},
      {"p50_ns", column(report, [](const Row& row) { return row.p50.count(); })},
      {"p99_ns", column(report, [](const Row& row) { return row.p99.count(); })},
      {"max_ns", column(report, [](const Row& row) { return row.max.count(); })},
      {"client_cpu_ns", column(report, [](const Row& row) { return row.cpu.count(); })},
  };
  if (report.server) {
    json["server_cpu_ns"] = column(report, [](const Row& row) { return row.server_cpu.count(); });
  }
  return json;
}

Json connects(const Report& report) {
  const double seconds = std::chrono::duration<double>(report.duration).count();
  const auto count = static_cast<double>(report.connects.count());
  return {
      {"count", report.connects.count()},
      {"per_second", seconds > 0 ? count / seconds : 0},
      {"latency_ns", histogram_json(report.connects)},
  };
}

Json switches(const ContextSwitches& counts) {
  return {{"voluntary", counts.voluntary}, {"involuntary", counts.involuntary}};
}

Json server(const Report& report, const ServerLoad& load) {
  Json json = {
      {"cpu_ns", load.cpu.count()},
      {"calls_per_core_second", calls_per_core_second(report, load.cpu)},
  };
  if (load.switches) json["context_switches"] = switches(*load.switches);
  if (load.peak_resident_bytes > 0) json["peak_resident_bytes"] = load.peak_resident_bytes;
  return json;
}

Json client(const Report& report) {
  Json cpu_ns = Json::array();
  for (const Duration cpu : report.thread_cpu) cpu_ns.push_back(cpu.count());
  return {
      {"thread_cpu_ns", cpu_ns},
      {"busiest_thread", busiest_thread(report)},
      {"max_schedule_lag_ns", report.max_schedule_lag.count()},
      {"late_calls", report.late_calls},
      {"cpu_ns", client_cpu(report).count()},
      {"calls_per_core_second", calls_per_core_second(report, client_cpu(report))},
      {"context_switches", switches(report.switches)},
  };
}

}  // namespace

std::string format_json(const Report& report) {
  Json json;
  json["schema"] = kReportSchema;
  json["target"] = report.target;
  json["transport"] = report.transport;
  json["method"] = report.method;
  json["settings"] = settings_json(report);
  if (report.started_at_unix_ms != 0) json["started_at_unix_ms"] = report.started_at_unix_ms;
  json["duration_ns"] = report.duration.count();
  json["calls_per_second"] = calls_per_second(report);
  json["calls"] = report.calls;
  json["errors"] = report.errors;
  json["wrong_replies"] = report.wrong_replies;
  json["unfinished"] = report.unfinished;
  if (!report.stream.empty()) {
    json["messages"] = report.messages;
    json["messages_per_second"] = messages_per_second(report);
  }
  json["statuses"] = statuses(report);
  json["backends"] = backends(report);
  json["bytes_sent"] = report.bytes_sent;
  json["bytes_received"] = report.bytes_received;
  json["latency_ns"] = {
      {"corrected", histogram_json(report.corrected)},
      {"uncorrected", histogram_json(report.uncorrected)},
  };
  if (!report.message_gaps.empty())
    json["latency_ns"]["message"] = histogram_json(report.message_gaps);
  if (!report.phases.empty()) json["phases"] = phases(report);
  if (!report.mix.empty()) json["mix"] = mix(report);
  if (report.churns) json["connects"] = connects(report);
  json["timeline"] = timeline(report);
  json["client"] = client(report);
  if (report.server) json["server"] = server(report, *report.server);
  json["environment"] = environment_json(report);
  json["warnings"] = all_warnings(report);
  json["broken_assertions"] = report.broken_assertions;
  return json_text(json);
}

}  // namespace saker::bench

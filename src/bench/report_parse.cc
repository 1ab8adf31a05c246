// Reads a report back: counts must agree with each other, and what has been in a report from the
// beginning must be there.
#include <nlohmann/json.hpp>

#include "saker/bench/json_text.h"
#include "saker/bench/report.h"
#include "saker/bench/report_document.h"

namespace saker::bench {
namespace {

PhaseKind kind_of(std::string_view phase) {
  if (phase.starts_with("ramp")) return PhaseKind::kRamp;
  return phase.starts_with("step") ? PhaseKind::kStep : PhaseKind::kHold;
}

void read_phase(const JsonReader& reader, PhaseReport& out) {
  std::string name;
  reader.read("phase", name);
  out.phase.kind = kind_of(name);
  reader.read("from_rate", out.phase.from);
  reader.read("to_rate", out.phase.to);
  reader.read("begin_ns", out.phase.begin);
  reader.read("duration_ns", out.duration);
  out.phase.length = out.duration;
  reader.read_count("calls", out.figures.calls);
  reader.read_count("errors", out.figures.errors);
  reader.read_count("unfinished", out.figures.unfinished);
  reader.read_count("ended", out.figures.ended);
  read_histogram(reader.inner("corrected_latency_ns"), out.figures.corrected);
}

void read_mix_row(const JsonReader& reader, MixReport& out) {
  reader.read("algorithm", out.algorithm);
  reader.read("key", out.key);
  reader.read_count("weight", out.weight);
  reader.read_count("calls", out.calls);
  reader.read_count("errors", out.errors);
  read_histogram(reader.inner("corrected_latency_ns"), out.corrected);
}

void read_timeline(const JsonReader& reader, Report& report) {
  reader.read("interval_ns", report.interval);
  const auto calls = reader.counts("calls", kMostCalls);
  const auto column = [&](const char* key, auto assign) {
    if (reader.find(key) == nullptr) return;
    const auto values = reader.counts(key, kLongestNs);
    if (values.size() != calls.size()) return reader.complain(key, "has another length than calls");
    for (size_t i = 0; i < values.size(); ++i) assign(report.timeline[i], values[i]);
  };
  const auto duration = [](uint64_t ns) { return Duration(static_cast<int64_t>(ns)); };
  report.timeline.resize(calls.size());
  column("calls", [](TimelineRow& row, uint64_t value) { row.calls = value; });
  column("errors", [](TimelineRow& row, uint64_t value) { row.errors = value; });
  column("p50_ns", [&](TimelineRow& row, uint64_t value) { row.p50 = duration(value); });
  column("p99_ns", [&](TimelineRow& row, uint64_t value) { row.p99 = duration(value); });
  column("max_ns", [&](TimelineRow& row, uint64_t value) { row.max = duration(value); });
  column("client_cpu_ns", [&](TimelineRow& row, uint64_t value) { row.cpu = duration(value); });
  column("server_cpu_ns",
         [&](TimelineRow& row, uint64_t value) { row.server_cpu = duration(value); });
  if (!calls.empty() && calls.size() != timeline_rows(report.duration, report.interval)) {
    reader.complain("calls", "does not go with duration_ns and interval_ns");
  }
}

void read_switches(const JsonReader& reader, ContextSwitches& out) {
  reader.read_count("voluntary", out.voluntary);
  reader.read_count("involuntary", out.involuntary);
}

void read_ends(const JsonReader& reader, Report& report) {
  const JsonReader client = reader.inner("client");
  for (const uint64_t ns : client.counts("thread_cpu_ns", kLongestNs)) {
    report.thread_cpu.emplace_back(static_cast<int64_t>(ns));
  }
  client.read("max_schedule_lag_ns", report.max_schedule_lag);
  client.read_count("late_calls", report.late_calls);
  read_switches(client.inner("context_switches"), report.switches);
  if (reader.find("server") == nullptr) return;
  const JsonReader server = reader.inner("server");
  report.server.emplace();
  server.read("cpu_ns", report.server->cpu);
  server.read_count("peak_resident_bytes", report.server->peak_resident_bytes);
  if (server.find("context_switches") == nullptr) return;
  read_switches(server.inner("context_switches"), report.server->switches.emplace());
}

void read_counts(const JsonReader& reader, Report& report) {
  reader.read_count("calls", report.calls);
  reader.read_count("errors", report.errors);
  reader.read_count("wrong_replies", report.wrong_replies);
  reader.read_count("unfinished", report.unfinished);
  reader.read_count("messages", report.messages);
  reader.read_count("bytes_sent", report.bytes_sent, UINT64_MAX);
  reader.read_count("bytes_received", report.bytes_received, UINT64_MAX);
  reader.each("statuses", [&](const JsonReader& item) {
    StatusCount& status = report.by_status.emplace_back();
    item.read("name", status.name);
    item.read_count("code", status.code, INT32_MAX);
    item.read_count("calls", status.calls);
  });
  reader.each("backends", [&](const JsonReader& item) {
    BackendCount& backend = report.backends.emplace_back();
    item.read("backend", backend.name);
    item.read_count("calls", backend.calls);
  });
}

}  // namespace

void read_report(const JsonReader& reader, Report& report) {
  for (const char* key : {"method", "target", "settings", "duration_ns", "calls", "latency_ns"}) {
    reader.demand(key);
  }
  reader.read("target", report.target);
  reader.read("transport", report.transport);
  reader.read("method", report.method);
  reader.read_count("started_at_unix_ms", report.started_at_unix_ms);
  reader.read("duration_ns", report.duration);
  read_settings(reader.inner("settings"), report);
  read_counts(reader, report);
  const JsonReader latency = reader.inner("latency_ns");
  read_histogram(latency.inner("corrected"), report.corrected);
  read_histogram(latency.inner("uncorrected"), report.uncorrected);
  if (latency.find("message") != nullptr) {
    read_histogram(latency.inner("message"), report.message_gaps);
  }
  reader.each("phases",
              [&](const JsonReader& item) { read_phase(item, report.phases.emplace_back()); });
  reader.each("mix",
              [&](const JsonReader& item) { read_mix_row(item, report.mix.emplace_back()); });
  report.churns = reader.find("connects") != nullptr;
  if (report.churns) read_histogram(reader.inner("connects").inner("latency_ns"), report.connects);
  read_timeline(reader.inner("timeline"), report);
  read_ends(reader, report);
  read_environment(reader, report);
  reader.strings("warnings", report.warnings);
  reader.strings("broken_assertions", report.broken_assertions);
  report.warnings_are_all = true;
}

Result<Report> parse_report(std::string_view text) {
  const auto document = open_document(text);
  if (!document) return std::unexpected(document.error());
  if (document->schema != kReportSchema) {
    return fail("a report of schema " + document->schema + ", not " + std::string(kReportSchema));
  }
  return read_whole<Report>(document->json, read_report);
}

std::string reformat_json(std::string_view text) {
  return json_text(nlohmann::ordered_json::parse(text, nullptr, false));
}

}  // namespace saker::bench

// The report for programs, schema "saker.bench/1". Durations are whole nanoseconds and say so in
// their names, rates are numbers a second. Keys stand in the order in which they are written here.
// Strings that are no UTF-8 are written with replacement characters rather than refused.
#include <nlohmann/json.hpp>

#include "saker/bench/report.h"

namespace saker::bench {
namespace {

using Json = nlohmann::ordered_json;

Json latencies(const Histogram& histogram) {
  return {
      {"p50", histogram.percentile(50).count()},
      {"p75", histogram.percentile(75).count()},
      {"p90", histogram.percentile(90).count()},
      {"p95", histogram.percentile(95).count()},
      {"p99", histogram.percentile(99).count()},
      {"p99_9", histogram.percentile(99.9).count()},
      {"p99_99", histogram.percentile(99.99).count()},
      {"min", histogram.min().count()},
      {"max", histogram.max().count()},
      {"mean", histogram.mean().count()},
      {"stddev", histogram.stddev().count()},
      {"count", histogram.count()},
  };
}

Json settings(const Report& report) {
  Json json = {
      {"connections", report.connections},
      {"streams_per_connection", report.streams_per_connection},
      {"threads", report.threads},
      {"loop", report.open_loop() ? "open" : "closed"},
      {"payload_bytes", report.payload_bytes},
      {"warmup_ns", report.warmup.count()},
  };
  if (report.open_loop()) {
    json["intended_rate"] = report.intended_rate;
    json["arrivals"] = report.arrivals == Arrivals::kPoisson ? "poisson" : "constant";
  }
  return json;
}

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

Json client(const Report& report) {
  Json cpu_ns = Json::array();
  for (const Duration cpu : report.thread_cpu) cpu_ns.push_back(cpu.count());
  return {
      {"thread_cpu_ns", cpu_ns},
      {"busiest_thread", busiest_thread(report)},
      {"max_schedule_lag_ns", report.max_schedule_lag.count()},
  };
}

Json environment(const Report& report) {
  Json json = Json::object();
  for (const auto& [name, value] : report.environment) json[name] = value;
  return json;
}

}  // namespace

std::string format_json(const Report& report) {
  Json json;
  json["schema"] = "saker.bench/1";
  json["target"] = report.target;
  json["transport"] = report.transport;
  json["method"] = report.method;
  json["settings"] = settings(report);
  json["duration_ns"] = report.duration.count();
  json["calls_per_second"] = calls_per_second(report);
  json["calls"] = report.calls;
  json["errors"] = report.errors;
  json["wrong_replies"] = report.wrong_replies;
  json["unfinished"] = report.unfinished;
  json["statuses"] = statuses(report);
  json["backends"] = backends(report);
  json["bytes_sent"] = report.bytes_sent;
  json["bytes_received"] = report.bytes_received;
  json["latency_ns"] = {
      {"corrected", latencies(report.corrected)},
      {"uncorrected", latencies(report.uncorrected)},
  };
  json["client"] = client(report);
  json["environment"] = environment(report);
  json["warnings"] = all_warnings(report);
  json["broken_assertions"] = report.broken_assertions;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace saker::bench

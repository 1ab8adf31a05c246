#include "saker/bench/report_document.h"

namespace saker::bench {
namespace {

using Json = nlohmann::ordered_json;

// A bucket is known by its lowest value; Histogram::bucket_of() has the rest.
Json buckets(const Histogram& histogram) {
  Json lowest_ns = Json::array();
  Json counts = Json::array();
  histogram.each_bucket([&](uint64_t lowest, uint64_t, uint64_t count) {
    lowest_ns.push_back(lowest);
    counts.push_back(count);
  });
  return {{"lowest_ns", std::move(lowest_ns)}, {"counts", std::move(counts)}};
}

}  // namespace

Result<OpenedDocument> open_document(std::string_view text) {
  OpenedDocument document{Json::parse(text, nullptr, false), {}};
  if (document.json.is_discarded()) return fail("not JSON");
  std::string wrong;
  JsonReader(&document.json, "", wrong).read("schema", document.schema);
  if (document.schema.empty()) return fail("not a report of saker bench");
  return document;
}

Json histogram_json(const Histogram& histogram) {
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
      {"sum", histogram.sum_ns()},
      {"buckets", buckets(histogram)},
  };
}

Json settings_json(const Report& report) {
  Json json = {
      {"connections", report.connections},
      {"streams_per_connection", report.streams_per_connection},
      {"threads", report.threads},
      {"loop", report.open_loop() ? "open" : "closed"},
      {"payload_bytes", report.payload_bytes},
      {"warmup_ns", report.warmup.count()},
  };
  add_stream(report, json);
  if (report.open_loop()) {
    json["intended_rate"] = report.intended_rate;
    if (!report.schedule.empty()) json["schedule"] = report.schedule;
    json["arrivals"] = report.arrivals == Arrivals::kPoisson ? "poisson" : "constant";
  }
  return json;
}

void add_stream(const Report& report, Json& settings) {
  if (report.stream.empty()) return;
  settings["stream"] = report.stream;
  settings["messages_per_stream"] = report.messages_per_stream;
}

Json environment_json(const Report& report) {
  Json json = Json::object();
  for (const auto& [name, value] : report.environment) json[name] = value;
  return json;
}

Json load_json(uint64_t calls, const ProcessLoad& load) {
  Json json = {
      {"cpu_ns", load.cpu.count()},
      {"calls_per_core_second", calls_per_core_second(calls, load.cpu)},
  };
  if (load.switches != ContextSwitches()) {
    json["context_switches"] = {{"voluntary", load.switches.voluntary},
                                {"involuntary", load.switches.involuntary}};
  }
  if (load.peak_resident_bytes > 0) json["peak_resident_bytes"] = load.peak_resident_bytes;
  return json;
}

void read_settings(const JsonReader& reader, Report& report) {
  reader.read_count("connections", report.connections, UINT32_MAX);
  reader.read_count("streams_per_connection", report.streams_per_connection, UINT32_MAX);
  reader.read_count("threads", report.threads, UINT32_MAX);
  reader.read_count("payload_bytes", report.payload_bytes);
  reader.read("warmup_ns", report.warmup);
  reader.read("intended_rate", report.intended_rate);
  std::string arrivals;
  reader.read("arrivals", arrivals);
  report.arrivals = arrivals == "poisson" ? Arrivals::kPoisson : Arrivals::kConstant;
  reader.read("schedule", report.schedule);
  reader.read("stream", report.stream);
  reader.read_count("messages_per_stream", report.messages_per_stream);
}

void read_histogram(const JsonReader& reader, Histogram& out) {
  uint64_t count = 0;
  uint64_t min_ns = 0;
  uint64_t max_ns = 0;
  uint64_t sum_ns = 0;
  reader.read_count("count", count);
  reader.read_count("min", min_ns, kLongestNs);
  reader.read_count("max", max_ns, kLongestNs);
  reader.read_count("sum", sum_ns, UINT64_MAX);
  reader.demand("buckets");
  const JsonReader buckets = reader.inner("buckets");
  const auto lowest_ns = buckets.counts("lowest_ns", Histogram::kHighestNs);
  const auto counts = buckets.counts("counts", kMostCalls);
  if (lowest_ns.size() != counts.size() || counts.size() > Histogram::kBuckets) {
    return buckets.complain("counts", "has another length than lowest_ns");
  }
  for (size_t i = 0; i < counts.size(); ++i) out.add_to_bucket(lowest_ns[i], counts[i]);
  if (out.count() != count) return buckets.complain("counts", "does not add up to the count");
  out.set_exact(min_ns, max_ns, sum_ns);
}

void read_environment(const JsonReader& reader, Report& report) {
  const Json* facts = reader.find("environment");
  if (facts == nullptr || !facts->is_object()) return;
  for (const auto& [name, value] : facts->items()) {
    if (value.is_string()) report.environment.emplace_back(name, value.get<std::string>());
  }
}

void read_load(const JsonReader& reader, ProcessLoad& out) {
  reader.read("cpu_ns", out.cpu);
  const JsonReader switches = reader.inner("context_switches");
  switches.read_count("voluntary", out.switches.voluntary);
  switches.read_count("involuntary", out.switches.involuntary);
  reader.read_count("peak_resident_bytes", out.peak_resident_bytes);
}

void read_ends(const JsonReader& reader, ProcessLoad& client, std::optional<ProcessLoad>& server) {
  read_load(reader.inner("client"), client);
  if (reader.find("server") != nullptr) read_load(reader.inner("server"), server.emplace());
}

}  // namespace saker::bench

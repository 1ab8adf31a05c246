#include "server_metrics.h"

#include <array>
#include <numeric>
#include <vector>

#include "method_labels.h"
#include "saker/rpc/counters.h"

namespace saker::app {
namespace {

constexpr MetricName kCalls = {"saker_calls_total",
                               "Calls ended, by method, transport and status."};
constexpr MetricName kCallDuration = {"saker_call_duration_seconds",
                                      "From receipt of a call's head to its status, ended calls."};
constexpr MetricName kCallsOpen = {"saker_calls_open",
                                   "Calls whose handler or stream has not ended."};
constexpr MetricName kConnectionsOpen = {"saker_connections_open", "Connections open."};
constexpr MetricName kTlsFailures = {"saker_tls_failures_total",
                                     "Connections that TLS ended, before they were open mostly."};
constexpr MetricName kConnectionsOpened = {"saker_connections_opened_total",
                                           "Connections accepted."};
constexpr MetricName kConnectionsRefused = {
    "saker_connections_refused_total",
    "Connections closed as soon as they were accepted, by reason."};
constexpr MetricName kConnectionsShed = {
    "saker_connections_shed_total",
    "Connections closed because memory was short and they held most."};
constexpr MetricName kCallsRefused = {"saker_calls_refused_total",
                                      "Calls refused before they reached a method, by reason."};
constexpr MetricName kMemoryLimit = {"saker_memory_limit_bytes",
                                     "What the process may have (--max-memory)."};
constexpr MetricName kMemoryUsed = {"saker_memory_used_bytes",
                                    "What counts against the limit, as last looked at."};
constexpr MetricName kMemoryState = {
    "saker_memory_state", "0 well, 1 refuses connections, 2 calls too, 3 closes connections."};
constexpr MetricName kInvariantsBroken = {
    "saker_invariants_broken_total",
    "Connections' states that cannot be: bugs of this program, please report them."};
constexpr MetricName kBytesReceived = {
    "saker_bytes_received_total", "Bytes received on all connections, HTTP/2 framing included."};
constexpr MetricName kBytesSent = {"saker_bytes_sent_total",
                                   "Bytes sent on all connections, HTTP/2 framing included."};
constexpr MetricName kRecords = {"saker_log_records_total",
                                 "Call records handed to the log thread."};
constexpr MetricName kRecordsDropped = {"saker_log_records_dropped_total",
                                        "Call records dropped because the log thread was behind."};
constexpr MetricName kLinesWritten = {"saker_log_lines_written_total",
                                      "Lines of the log written, call records and messages."};
constexpr MetricName kLinesLost = {"saker_log_lines_lost_total",
                                   "Lines of the log that could not be written."};

using Buckets = rpc::CallCounters;

// The counters of one method and transport, summed over all loops.
struct CallTotals {
  std::array<uint64_t, grpc::kStatusCodeCount> by_code{};
  std::array<uint64_t, Buckets::kLatencyBuckets> latency{};
  uint64_t latency_sum_ns = 0;

  void add(const rpc::CallCounters& counters) {
    for (size_t code = 0; code < by_code.size(); ++code) by_code[code] += counters.by_code[code];
    for (size_t k = 0; k < latency.size(); ++k) latency[k] += counters.latency[k];
    latency_sum_ns += counters.latency_sum_ns;
  }
  bool empty() const { return std::accumulate(latency.begin(), latency.end(), uint64_t{0}) == 0; }
};

// A call of exactly a bound's duration is counted in the bucket above it: one nanosecond's
// difference to what "le" promises.
std::array<double, Buckets::kLatencyBuckets - 1> latency_bounds() {
  std::array<double, Buckets::kLatencyBuckets - 1> bounds;
  for (size_t k = 0; k < bounds.size(); ++k) {
    bounds[k] = static_cast<double>(Buckets::latency_bound_ns(k)) / 1e9;
  }
  return bounds;
}

std::vector<CallTotals> sum_calls(rpc::Server& server) {
  std::vector<CallTotals> totals(server.loop(0).counters().all_calls().size());
  for (size_t loop = 0; loop < server.loop_count(); ++loop) {
    const auto& calls = server.loop(loop).counters().all_calls();
    for (size_t index = 0; index < totals.size(); ++index) totals[index].add(calls[index]);
  }
  return totals;
}

void collect_calls(rpc::Server& server, MetricFamilies& out) {
  const auto bounds = latency_bounds();
  const MethodLabels methods(server.dispatcher());
  const std::vector<CallTotals> totals = sum_calls(server);
  for (size_t index = 0; index < totals.size(); ++index) {
    const CallTotals& calls = totals[index];
    if (calls.empty()) continue;
    const auto method = methods[index / rpc::kCountedTransports.size()];
    const auto transport =
        net::transport_name(rpc::kCountedTransports[index % rpc::kCountedTransports.size()]);
    for (size_t code = 0; code < calls.by_code.size(); ++code) {
      if (calls.by_code[code] == 0) continue;
      out.add_counter(kCalls, static_cast<double>(calls.by_code[code]),
                      {{"method", method},
                       {"transport", transport},
                       {"code", grpc::status_code_name(static_cast<grpc::StatusCode>(code))}});
    }
    out.add_histogram(kCallDuration, calls.latency, bounds,
                      static_cast<double>(calls.latency_sum_ns) / 1e9,
                      {{"method", method}, {"transport", transport}});
  }
}

double sum(rpc::Server& server, rpc::Counter rpc::LoopCounters::* counter) {
  uint64_t total = 0;
  for (size_t loop = 0; loop < server.loop_count(); ++loop) {
    total += server.loop(loop).counters().*counter;
  }
  return static_cast<double>(total);
}

// In the order of rpc::ConnectionRefusal.
constexpr std::array<const char*, rpc::kConnectionRefusals> kRefusals = {"full", "memory", "peer"};

// Only the loop that accepts refuses.
void collect_refusals(rpc::Server& server, MetricFamilies& out) {
  const auto& refused = server.loop(0).counters().connections_refused;
  for (size_t at = 0; at < kRefusals.size(); ++at) {
    out.add_counter(kConnectionsRefused, static_cast<double>(refused[at]),
                    {{"reason", kRefusals[at]}});
  }
  out.add_counter(kCallsRefused, sum(server, &rpc::LoopCounters::calls_refused),
                  {{"reason", "memory"}});
  out.add_counter(kConnectionsShed, sum(server, &rpc::LoopCounters::connections_shed));
}

void collect_memory_guard(const rpc::MemoryGuard& memory, MetricFamilies& out) {
  out.add_gauge(kMemoryLimit, static_cast<double>(memory.max_bytes()));
  out.add_gauge(kMemoryUsed, static_cast<double>(memory.used_bytes()));
  out.add_gauge(kMemoryState, static_cast<double>(memory.state()));
}

}  // namespace

void collect_server_metrics(rpc::Server& server, MetricFamilies& out) {
  using Counters = rpc::LoopCounters;
  collect_calls(server, out);
  out.add_gauge(kCallsOpen, sum(server, &Counters::calls_open));
  out.add_gauge(kConnectionsOpen, sum(server, &Counters::connections_open));
  out.add_counter(kTlsFailures, sum(server, &Counters::tls_failures));
  out.add_counter(kConnectionsOpened, sum(server, &Counters::connections_opened));
  collect_refusals(server, out);
  if (server.memory() != nullptr) collect_memory_guard(*server.memory(), out);
  out.add_counter(kInvariantsBroken, sum(server, &Counters::invariants_broken));
  out.add_counter(kBytesReceived, sum(server, &Counters::bytes_received));
  out.add_counter(kBytesSent, sum(server, &Counters::bytes_sent));
  out.add_counter(kRecords, sum(server, &Counters::records_logged));
  out.add_counter(kRecordsDropped, sum(server, &Counters::records_dropped));
}

void collect_log_metrics(const LogSink& sink, MetricFamilies& out) {
  out.add_counter(kLinesWritten, static_cast<double>(sink.lines_written()));
  out.add_counter(kLinesLost, static_cast<double>(sink.lines_lost()));
}

}  // namespace saker::app

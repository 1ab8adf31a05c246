// Metrics of a server's loops (calls, latencies, connections, bytes, call records) and of its log.
// They are sums over relaxed snapshots of counters that loops write: each number is right, two of
// them may be a moment apart. Calls that differ in nothing but the loop are one series; a method,
// transport and status that never met has none.
#pragma once

#include "log_sink.h"
#include "metric_families.h"
#include "saker/rpc/server.h"

namespace saker::app {

// The server is prepared. Any thread.
void collect_server_metrics(rpc::Server& server, MetricFamilies& out);
void collect_log_metrics(const LogSink& sink, MetricFamilies& out);

}  // namespace saker::app

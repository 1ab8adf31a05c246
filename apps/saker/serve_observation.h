// ServeObservation: what watches a `saker serve` from outside its loops: the metrics endpoint and
// the writer of call records, each where the options ask for it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "metrics.h"
#include "saker/base/result.h"
#include "saker/rpc/server.h"
#include "serve_options.h"
#include "server_log.h"

namespace saker::app {

class CallLogWriter;

class ServeObservation {
 public:
  // The server is prepared, and outlives this, as does `log`. `service_metrics`: of whatever else
  // is served. An endpoint that cannot be had is an error.
  static Result<std::unique_ptr<ServeObservation>> start(
      const ServeOptions& options, rpc::Server& server, ServerLog& log,
      std::vector<CollectMetrics> service_metrics);
  ~ServeObservation();

  // Writes the call records that still wait; the loops have ended.
  void finish();

  // Where metrics are served, if they are.
  std::optional<net::Address> metrics_address() const;

 private:
  ServeObservation();

  std::unique_ptr<CallLogWriter> call_log_;
  std::unique_ptr<MetricsEndpoint> metrics_;
};

}  // namespace saker::app

#include "serve_observation.h"

#include <utility>

#include "call_log_writer.h"
#include "log_sink.h"
#include "process_metrics.h"
#include "server_metrics.h"

namespace saker::app {

Result<std::unique_ptr<ServeObservation>> ServeObservation::start(
    const ServeOptions& options, rpc::Server& server, ServerLog& log,
    std::vector<CollectMetrics> service_metrics) {
  std::unique_ptr<ServeObservation> out(new ServeObservation);
  if (options.metrics) {
    std::vector<CollectMetrics> collectors = std::move(service_metrics);
    collectors.emplace_back(
        [&server](MetricFamilies& all) { collect_server_metrics(server, all); });
    collectors.emplace_back(
        [sink = log.sink()](MetricFamilies& all) { collect_log_metrics(*sink, all); });
    collectors.emplace_back(collect_process_metrics);
    auto endpoint = MetricsEndpoint::start(*options.metrics, std::move(collectors));
    if (!endpoint) return std::unexpected(endpoint.error());
    out->metrics_ = *std::move(endpoint);
  }
  if (options.server.call_log.sample != 0) {
    out->call_log_ =
        std::make_unique<CallLogWriter>(call_log_source(server), log.sink(), options.log.format);
    out->call_log_->start();
  }
  return out;
}

ServeObservation::ServeObservation() = default;
ServeObservation::~ServeObservation() = default;

void ServeObservation::finish() {
  if (call_log_ != nullptr) call_log_->stop();
}

std::optional<net::Address> ServeObservation::metrics_address() const {
  if (metrics_ == nullptr) return std::nullopt;
  return metrics_->address();
}

}  // namespace saker::app

// MetricsEndpoint: metrics in Prometheus' text format over HTTP, at /metrics. Everything is read
// when somebody scrapes, on the endpoint's own threads: between scrapes metrics cost nothing but
// the counting. Knows no metric.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "saker/base/result.h"
#include "saker/net/address.h"

namespace prometheus {
class Exposer;
}

namespace saker::app {

class MetricFamilies;

// Adds metrics of its own; called on a thread of the endpoint, never by two at once.
using CollectMetrics = std::function<void(MetricFamilies&)>;

class MetricsEndpoint {
 public:
  // TCP addresses only. What the collectors use must outlive the endpoint.
  static Result<std::unique_ptr<MetricsEndpoint>> start(const net::Address& address,
                                                        std::vector<CollectMetrics> collectors);
  ~MetricsEndpoint();
  MetricsEndpoint(const MetricsEndpoint&) = delete;
  MetricsEndpoint& operator=(const MetricsEndpoint&) = delete;

  // With the real port.
  const net::Address& address() const { return address_; }

 private:
  class Collection;
  MetricsEndpoint();

  net::Address address_;
  std::shared_ptr<Collection> collection_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace saker::app

// MetricFamilies: what a scrape collects, by name, in the order in which it was first named. Names
// and units follow the Prometheus conventions: base units (seconds, bytes), "_total" for what only
// grows. docs/metrics.md has a row for each name. Thread rule: one thread's, for one scrape.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace saker::app {

struct MetricName {
  const char* name;
  const char* help;
};

// The name of a label and its value.
using MetricLabels = std::initializer_list<std::pair<const char*, std::string_view>>;

class MetricFamilies {
 public:
  void add_counter(const MetricName& name, double value, MetricLabels labels = {});
  void add_gauge(const MetricName& name, double value, MetricLabels labels = {});
  // `counts`: by bucket, not accumulated; `bounds`: the upper bounds of all buckets
  // but the last, which has none.
  void add_histogram(const MetricName& name, std::span<const uint64_t> counts,
                     std::span<const double> bounds, double sum, MetricLabels labels);

  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  prometheus::ClientMetric& add(const MetricName& name, prometheus::MetricType type,
                                MetricLabels labels);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace saker::app

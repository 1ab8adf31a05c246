#include "metric_families.h"

#include <algorithm>
#include <limits>

namespace saker::app {

void MetricFamilies::add_counter(const MetricName& name, double value, MetricLabels labels) {
  add(name, prometheus::MetricType::Counter, labels).counter.value = value;
}

void MetricFamilies::add_gauge(const MetricName& name, double value, MetricLabels labels) {
  add(name, prometheus::MetricType::Gauge, labels).gauge.value = value;
}

void MetricFamilies::add_histogram(const MetricName& name, std::span<const uint64_t> counts,
                                   std::span<const double> bounds, double sum,
                                   MetricLabels labels) {
  auto& histogram = add(name, prometheus::MetricType::Histogram, labels).histogram;
  for (size_t index = 0; index < counts.size(); ++index) {
    histogram.sample_count += counts[index];
    const bool bounded = index < bounds.size();
    histogram.bucket.push_back(
        {.cumulative_count = histogram.sample_count,
         .upper_bound = bounded ? bounds[index] : std::numeric_limits<double>::infinity()});
  }
  histogram.sample_sum = sum;
}

prometheus::ClientMetric& MetricFamilies::add(const MetricName& name, prometheus::MetricType type,
                                              MetricLabels labels) {
  auto family = std::ranges::find(families_, name.name, &prometheus::MetricFamily::name);
  if (family == families_.end()) {
    families_.push_back({.name = name.name, .help = name.help, .type = type, .metric = {}});
    family = families_.end() - 1;
  }
  auto& metric = family->metric.emplace_back();
  for (const auto& [label, value] : labels) metric.label.push_back({label, std::string(value)});
  return metric;
}

}  // namespace saker::app

// Metrics of this process, under the names that all Prometheus clients share, and of what it was
// built from. What /proc does not tell is left out. Any thread.
#pragma once

#include "metric_families.h"

namespace saker::app {

void collect_process_metrics(MetricFamilies& out);

}  // namespace saker::app

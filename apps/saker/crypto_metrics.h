// Metrics of the Crypto service: its workers' lanes,
// and signatures and refusals by algorithm. Any thread.
#pragma once

#include "metric_families.h"
#include "saker/services/crypto/crypto_service.h"

namespace saker::app {

void collect_crypto_metrics(const crypto::CryptoService& service, MetricFamilies& out);

}  // namespace saker::app

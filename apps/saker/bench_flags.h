// shown_flags(): what the flags of a run of `saker bench` came to, with their defaults, for its report:
// all that shapes the load or judges it, without the values of secret metadata (redaction.h). Where the
// report goes is none of it.
#pragma once

#include <string>

#include "bench_options.h"

namespace saker::app {

std::string shown_flags(const BenchOptions& options);

}  // namespace saker::app

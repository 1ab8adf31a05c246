// How much load, in which shape, and for how long: the flags of every `saker bench X` that runs one.
#pragma once

#include <CLI/CLI.hpp>

#include "bench_options.h"

namespace saker::app {

// After TARGET, which --compare adds to.
void add_load_options(CLI::App& command, BenchOptions& options);

}  // namespace saker::app

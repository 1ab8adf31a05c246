// Subcommands of `saker bench` that measure nothing, but read the reports of those that do.
#pragma once

#include <CLI/CLI.hpp>

namespace saker::app {

void add_bench_report_command(CLI::App& bench, int& exit_code);
void add_bench_compare_command(CLI::App& bench, int& exit_code);

}  // namespace saker::app

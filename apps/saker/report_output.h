// ReportOutput: where and in which form a report goes: --json, --format and -o, of a run and of
// `bench report`. Opened before the run, so that what can't be written is not measured.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "output_file.h"
#include "saker/bench/report_format.h"

namespace saker::app {

struct ReportOptions {
  bool json = false;
  std::optional<bench::ReportFormat> format;
  std::string file;  // empty: standard output
};

// `format_names`: "--format", or another name where that is taken.
void add_report_options(CLI::App& command, ReportOptions& options, const std::string& format_names);

// Of -o: --format, or by the file's name; `otherwise` when neither says.
bench::ReportFormat file_format(const ReportOptions& options, bench::ReportFormat otherwise);

class ReportOutput {
 public:
  static Result<ReportOutput> open(const ReportOptions& options);
  // With -o the file gets its format and standard output the text (or JSON, if asked for); without
  // it, standard output gets the format. `make` gives the report in a form.
  Result<void> write(const std::function<std::string(bench::ReportFormat)>& make);

 private:
  explicit ReportOutput(const ReportOptions& options) : options_(options) {}

  ReportOptions options_;
  std::unique_ptr<OutputFile> file_;
};

}  // namespace saker::app

#include "report_output.h"

#include <iostream>

#include "command_line.h"

namespace saker::app {

void add_report_options(CLI::App& command, ReportOptions& options,
                        const std::string& format_names) {
  const auto assign = [&options](const std::string& name) {
    if (const auto format = bench::parse_report_format(name)) options.format = *format;
  };
  const auto check = [](const std::string& name) {
    const auto format = bench::parse_report_format(name);
    return format ? std::string() : format.error().message;
  };
  command
      .add_option_function<std::string>(
          format_names, assign,
          "form of the report: " + std::string(bench::kReportFormatNames) +
              "; without it, as the name of -o's FILE ends, or text")
      ->check(check)
      ->type_name("FORM");
  command
      .add_option("-o,--output", options.file,
                  "write the report to FILE, in that form; - is standard output")
      ->type_name("FILE");
}

bench::ReportFormat file_format(const ReportOptions& options, bench::ReportFormat otherwise) {
  if (options.format) return *options.format;
  return bench::report_format_of_file(options.file).value_or(otherwise);
}

Result<ReportOutput> ReportOutput::open(const ReportOptions& options) {
  ReportOutput output(options);
  if (!options.file.empty()) {
    auto file = OutputFile::open(options.file);
    if (!file) return std::unexpected(file.error());
    output.file_ = *std::move(file);
  }
  return output;
}

Result<void> ReportOutput::write(const std::function<std::string(bench::ReportFormat)>& make) {
  using bench::ReportFormat;
  if (file_ == nullptr) {
    const auto format =
        options_.json ? ReportFormat::kJson : options_.format.value_or(ReportFormat::kText);
    std::cout << make(format) << std::flush;
    return {};
  }
  if (options_.file != "-") {
    std::cout << make(options_.json ? ReportFormat::kJson : ReportFormat::kText) << std::flush;
  }
  return file_->write(make(file_format(options_, ReportFormat::kJson)));
}

}  // namespace saker::app

// saker bench report: a report that a run has left, in another form.
#include <iostream>
#include <memory>

#include "command_line.h"
#include "read_report.h"
#include "report_commands.h"
#include "report_output.h"

namespace saker::app {
namespace {

struct BenchReportOptions {
  std::string input;
  ReportOptions output;
};

int run_bench_report(const BenchReportOptions& options) {
  const auto input = read_document(options.input);
  if (!input) return fail_usage(input.error().message);
  const auto format = file_format(options.output, bench::ReportFormat::kText);
  const std::string text = format == bench::ReportFormat::kJson
                               ? bench::reformat_json(input->json)
                               : format_document(input->document, format);
  if (text.empty()) {
    return fail_usage(name_of_input(options.input) + " is no report of one run: it has the forms " +
                      std::string(bench::kRoundsFormatNames) + " only");
  }
  if (options.output.file.empty()) {
    std::cout << text << std::flush;
    return kExitOk;
  }
  auto file = OutputFile::open(options.output.file);
  if (!file) return fail_usage(file.error().message);
  return report_written((*file)->write(text));
}

}  // namespace

void add_bench_report_command(CLI::App& bench, int& exit_code) {
  const auto options = std::make_shared<BenchReportOptions>();
  CLI::App& command = *bench.add_subcommand("report", "a report of --json or -o, in another form");
  command.add_option("REPORT", options->input, "a JSON report; - is standard input")
      ->required()
      ->type_name("");
  add_report_options(command, options->output, "--format");
  command.footer(
      "Examples:\n"
      "  saker bench echo -z 10s -o run.json\n"
      "  saker bench report run.json -o run.html\n"
      "  saker bench report run.json --format hgrm | less");
  command.callback([options, &exit_code] { exit_code = run_bench_report(*options); });
}

}  // namespace saker::app

// saker bench compare: two reports, and whether the second is slower than the first.
#include <charconv>
#include <iostream>
#include <memory>

#include "command_line.h"
#include "read_report.h"
#include "report_commands.h"
#include "saker/bench/compare.h"

namespace saker::app {
namespace {

constexpr double kMaxTolerance = 10;  // 1000 %

struct BenchCompareOptions {
  std::string a;
  std::string b;
  double tolerance = 0.05;
  bool force = false;
  bool json = false;
};

Result<double> parse_tolerance(std::string_view text) {
  double percent = 0;
  const bool has_sign = text.ends_with("%");
  const char* const last = text.data() + text.size() - (has_sign ? 1 : 0);
  const auto [end, error] = std::from_chars(text.data(), last, percent);
  const bool whole = error == std::errc() && end == last && has_sign;
  if (whole && percent >= 0 && percent <= kMaxTolerance * 100) return percent / 100;
  return fail("'" + std::string(text) + "' is not a share: like 5%, up to 1000%");
}

int refuse(const BenchCompareOptions& options, const std::vector<std::string>& why) {
  std::string text;
  for (const std::string& reason : why) text += (text.empty() ? "" : "; ") + reason;
  return fail_usage(options.a + " (A) and " + options.b + " (B) are not comparable: " + text +
                    "; --force compares them all the same");
}

int run_bench_compare(const BenchCompareOptions& options) {
  if (options.a == "-" && options.b == "-") return fail_usage("only one of A and B can be -");
  const auto a = read_report(options.a);
  if (!a) return fail_usage(a.error().message);
  const auto b = read_report(options.b);
  if (!b) return fail_usage(b.error().message);
  const std::vector<std::string> why = why_not_comparable(*a, *b);
  if (!why.empty() && !options.force) return refuse(options, why);
  bench::ReportComparison comparison = compare_reports(*a, *b, options.tolerance);
  for (const std::string& reason : why) comparison.notes.push_back("not comparable: " + reason);
  if (options.json) {
    std::cout << format_json(comparison, options.tolerance) << std::flush;
  } else {
    std::cout << a->method << "\n  A: " << options.a << "\n  B: " << options.b << "\n\n"
              << format_text(comparison, options.tolerance) << std::flush;
  }
  return comparison.regressed() ? kExitAssertion : kExitOk;
}

}  // namespace

void add_bench_compare_command(CLI::App& bench, int& exit_code) {
  const auto options = std::make_shared<BenchCompareOptions>();
  CLI::App& command =
      *bench.add_subcommand("compare", "is a run slower than another? exit code 99 if it is");
  command.add_option("A", options->a, "the JSON report that is the measure; - is standard input")
      ->required()
      ->type_name("");
  command.add_option("B", options->b, "the JSON report that is judged")->required()->type_name("");
  add_parsed(command, "--tolerance", options->tolerance, parse_tolerance,
             "how much worse B may be; a figure counts as regressed when its whole interval is "
             "beyond that")
      ->type_name("SHARE")
      ->default_str("5%");
  command.add_flag("--force", options->force, "compare what was not measured alike");
  command.add_flag("--json", options->json, "print one JSON document");
  command.footer(
      "Compares rate, p50, p99, p99.9 and CPU per call as ratios with intervals of 95% "
      "confidence.\n\n"
      "Examples:\n"
      "  saker bench echo -z 30s -o before.json\n"
      "  saker bench echo -z 30s -o after.json\n"
      "  saker bench compare before.json after.json --tolerance 3%");
  command.callback([options, &exit_code] { exit_code = run_bench_compare(*options); });
}

}  // namespace saker::app

#include "saker/bench/report_format.h"

namespace saker::bench {
namespace {

struct Form {
  std::string_view name;
  std::string_view ending;
  ReportFormat format;
  std::string (*make)(const Report& report);
};

constexpr Form kForms[] = {
    {"text", ".txt", ReportFormat::kText, format_text},
    {"json", ".json", ReportFormat::kJson, format_json},
    {"csv", ".csv", ReportFormat::kCsv, format_csv},
    {"hgrm", ".hgrm", ReportFormat::kHgrm, format_hgrm},
    {"hdr-log", ".hlog", ReportFormat::kHdrLog, format_hdr_log},
    {"ghz", ".ghz", ReportFormat::kGhz, format_ghz},
    {"html", ".html", ReportFormat::kHtml, format_html},
};

}  // namespace

Result<ReportFormat> parse_report_format(std::string_view name) {
  for (const Form& form : kForms) {
    if (form.name == name) return form.format;
  }
  return fail("'" + std::string(name) + "' is none of " + std::string(kReportFormatNames));
}

std::optional<ReportFormat> report_format_of_file(std::string_view path) {
  for (const Form& form : kForms) {
    if (path.ends_with(form.ending)) return form.format;
  }
  return std::nullopt;
}

std::string format_report(const Report& report, ReportFormat format) {
  for (const Form& form : kForms) {
    if (form.format == format) return form.make(report);
  }
  return "";
}

}  // namespace saker::bench

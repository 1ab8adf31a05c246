#include "saker/bench/document.h"

#include "saker/bench/report_document.h"

namespace saker::bench {
namespace {

template <typename RoundsReport>
std::string format_rounds(const RoundsReport& report, ReportFormat format) {
  switch (format) {
    case ReportFormat::kText:
      return format_text(report);
    case ReportFormat::kJson:
      return format_json(report);
    case ReportFormat::kCsv:
      return format_csv(report);
    case ReportFormat::kHtml:
      return format_html(report);
    case ReportFormat::kHgrm:
    case ReportFormat::kHdrLog:
    case ReportFormat::kGhz:
      break;
  }
  return {};
}

}  // namespace

Result<Document> parse_document(std::string_view json) {
  const auto document = open_document(json);
  if (!document) return std::unexpected(document.error());
  if (document->schema == kReportSchema) return read_whole<Report>(document->json, read_report);
  if (document->schema == kKneeSchema) return read_whole<KneeReport>(document->json, read_knee);
  if (document->schema == kTargetsSchema) {
    return read_whole<TargetsReport>(document->json, read_targets);
  }
  return fail("a report of schema " + document->schema + ", not " + std::string(kReportSchema) +
              ", " + std::string(kKneeSchema) + " or " + std::string(kTargetsSchema));
}

bool is_format_of_rounds(ReportFormat format) {
  return format == ReportFormat::kText || format == ReportFormat::kJson ||
         format == ReportFormat::kCsv || format == ReportFormat::kHtml;
}

std::string format_document(const KneeReport& report, ReportFormat format) {
  return format_rounds(report, format);
}

std::string format_document(const TargetsReport& report, ReportFormat format) {
  return format_rounds(report, format);
}

std::string format_document(const Document& document, ReportFormat format) {
  if (const auto* report = std::get_if<Report>(&document)) return format_report(*report, format);
  if (const auto* knee = std::get_if<KneeReport>(&document)) return format_document(*knee, format);
  const auto* targets = std::get_if<TargetsReport>(&document);
  return targets != nullptr ? format_document(*targets, format) : std::string();
}

}  // namespace saker::bench

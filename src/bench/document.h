// Document: whatever a run of the load generator has left, by its schema: one run, a search for the
// highest rate, or several targets in turns. Read back, and made into another form.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "saker/base/result.h"
#include "saker/bench/knee_report.h"
#include "saker/bench/report.h"
#include "saker/bench/report_format.h"
#include "saker/bench/targets_report.h"

namespace saker::bench {

using Document = std::variant<Report, KneeReport, TargetsReport>;

// The error says what is wrong with it.
Result<Document> parse_document(std::string_view json);

// Searches and several targets have these forms only; one run has all.
inline constexpr std::string_view kRoundsFormatNames = "text, json, csv or html";
bool is_format_of_rounds(ReportFormat format);

// Empty: it has no such form.
std::string format_document(const KneeReport& report, ReportFormat format);
std::string format_document(const TargetsReport& report, ReportFormat format);
std::string format_document(const Document& document, ReportFormat format);

}  // namespace saker::bench

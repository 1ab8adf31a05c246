// The forms in which a report is shown or handed on, by the names that `--format` takes. Text and
// JSON are report.h's own; the others are made from a whole report, whether it has just been measured
// or was read back. Pure: bytes come out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "saker/base/result.h"
#include "saker/bench/report.h"

namespace saker::bench {

enum class ReportFormat : uint8_t {
  kText,
  kJson,
  kCsv,     // the timeline, one line a row
  kHgrm,    // HdrHistogram's percentile distribution
  kHdrLog,  // HdrHistogram's log, V2 compressed
  kGhz,     // as ghz sums up
  kHtml,    // one page with plots, of itself
};
inline constexpr std::string_view kReportFormatNames = "text|json|csv|hgrm|hdr-log|ghz|html";

Result<ReportFormat> parse_report_format(std::string_view name);
// By how a file's name ends: .txt .json .csv .hgrm .hlog .ghz .html.
std::optional<ReportFormat> report_format_of_file(std::string_view path);

// Ends with a newline.
std::string format_report(const Report& report, ReportFormat format);

std::string format_csv(const Report& report);
// Corrected latencies in milliseconds, five steps for each half of the distance to 100 %.
std::string format_hgrm(const Report& report);
// Two lines, tagged `corrected` and `uncorrected`; values in nanoseconds, the column of maxima in
// milliseconds.
std::string format_hdr_log(const Report& report);
std::string format_ghz(const Report& report);
std::string format_html(const Report& report);

// A histogram as HdrHistogram's V2 encoding, compressed, in base64: "HISTFAAA…".
std::string encode_hdr(const Histogram& histogram);

}  // namespace saker::bench

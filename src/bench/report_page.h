// The parts of the HTML pages: files of src/bench/page and third_party/uplot, which CMake makes
// constants of.
#pragma once

#include <string_view>

namespace saker::bench {

extern const std::string_view kPageHtml;
extern const std::string_view kPageCss;
extern const std::string_view kCommonJs;
extern const std::string_view kReportHtml;
extern const std::string_view kReportJs;
extern const std::string_view kFindMaxHtml;
extern const std::string_view kFindMaxJs;
extern const std::string_view kTargetsHtml;
extern const std::string_view kTargetsJs;
extern const std::string_view kUplotCss;
extern const std::string_view kUplotJs;

}  // namespace saker::bench

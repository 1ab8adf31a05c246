// Style, plots (uPlot) and the JSON document are in the page, embedded into the program when it was
// built. What is shown is the business of page/*.js; here the parts are put together, and the document
// is kept from ending its <script> element: in JSON, every `<` is inside a string, where an escape
// means the same.
#include "saker/bench/html_page.h"

#include "saker/bench/report_format.h"
#include "saker/bench/report_page.h"

namespace saker::bench {
namespace {

std::string for_script(std::string_view json) {
  std::string out;
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string html_page(std::string_view body, std::string_view script, std::string_view json) {
  const std::string document = for_script(json);
  struct Part {
    std::string_view name;
    std::string_view text;
  };
  const Part parts[] = {{"{{uplot.css}}", kUplotCss}, {"{{page.css}}", kPageCss},
                        {"{{body.html}}", body},      {"{{document.json}}", document},
                        {"{{uplot.js}}", kUplotJs},   {"{{common.js}}", kCommonJs},
                        {"{{script.js}}", script}};
  std::string out;
  std::string_view rest = kPageHtml;
  for (const Part& part : parts) {  // in the order in which the page has them
    const size_t at = rest.find(part.name);
    if (at == std::string_view::npos) continue;
    out.append(rest.substr(0, at)).append(part.text);
    rest.remove_prefix(at + part.name.size());
  }
  return out.append(rest);
}

std::string format_html(const Report& report) {
  return html_page(kReportHtml, kReportJs, format_json(report));
}

}  // namespace saker::bench

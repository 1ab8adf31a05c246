// html_page(): a document of the load generator as one HTML page that needs nothing else. Not for
// other layers.
#pragma once

#include <string>
#include <string_view>

namespace saker::bench {

// `body` and `script` are a page's own parts (report_page.h).
std::string html_page(std::string_view body, std::string_view script, std::string_view json);

}  // namespace saker::bench

// append_csv_line(): a line for spreadsheets (RFC 4180), numbers with a point whatever the locale is.
#pragma once

#include <charconv>
#include <string>
#include <string_view>
#include <type_traits>

namespace saker::bench {

// A text of any content, in quotes where it needs them. What append_csv_line() takes needs none.
inline std::string csv_text(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

template <typename Value>
void append_csv_value(std::string& out, const Value& value) {
  if constexpr (std::is_same_v<Value, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::is_arithmetic_v<Value>) {
    char text[64];
    out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
  } else {
    out += std::string_view(value);
  }
}

template <typename... Values>
void append_csv_line(std::string& out, const Values&... values) {
  ((append_csv_value(out, values), out += ','), ...);
  out.back() = '\n';
}

}  // namespace saker::bench

#include "json_syntax.h"

#include <nlohmann/json.hpp>

namespace saker::app {
namespace {

// Takes everything and keeps nothing but the error.
class ErrorFinder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::optional<JsonError> error;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  // `position`: how many bytes were read. The text begins with the library's own "[name] parse
  // error at line …: ".
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception& exception) override {
    std::string what = exception.what();
    if (what.starts_with('[')) what.erase(0, what.find("] ") + 2);
    if (what.starts_with("parse error at")) what.erase(0, what.find(": ") + 2);
    error = JsonError{position == 0 ? 0 : position - 1, std::move(what)};
    return false;
  }
};

}  // namespace

std::optional<JsonError> find_json_error(std::string_view text) {
  ErrorFinder finder;
  (void)nlohmann::json::sax_parse(text.begin(), text.end(), &finder);
  return finder.error;
}

}  // namespace saker::app

// find_json_error(): where a text stops being JSON, for messages that say line and column. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace saker::app {

struct JsonError {
  size_t offset = 0;  // of the byte that is wrong; the text's size where it ends too early
  std::string what;
};

// Nothing: `text` is one JSON document (RFC 8259) and no more.
std::optional<JsonError> find_json_error(std::string_view text);

}  // namespace saker::app

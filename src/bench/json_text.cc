#include "saker/bench/json_text.h"

#include <algorithm>
#include <string_view>

namespace saker::bench {
namespace {

using Json = nlohmann::ordered_json;

std::string on_one_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_flat(const Json& value) {
  return !value.is_structured() || value.empty() ||
         (value.is_array() && std::ranges::none_of(value, &Json::is_structured));
}

void append(std::string& out, const Json& value, size_t indent) {
  if (is_flat(value)) {
    out += on_one_line(value);
    return;
  }
  std::string_view separator = value.is_object() ? "{" : "[";
  for (auto item = value.begin(); item != value.end(); ++item) {
    out.append(separator).append("\n").append(indent + 2, ' ');
    if (value.is_object()) out.append(on_one_line(Json(item.key()))).append(": ");
    append(out, *item, indent + 2);
    separator = ",";
  }
  out.append("\n").append(indent, ' ').append(value.is_object() ? "}" : "]");
}

}  // namespace

std::string json_text(const Json& document) {
  std::string out;
  append(out, document, 0);
  out += "\n";
  return out;
}

}  // namespace saker::bench

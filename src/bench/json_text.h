// json_text(): a JSON document as people and version control like it: indented, but an array of
// plain values on one line. Not for other layers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace saker::bench {

// The last line ended. What is no UTF-8 becomes replacement characters.
std::string json_text(const nlohmann::ordered_json& document);

}  // namespace saker::bench

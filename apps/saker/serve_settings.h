// Setting: one thing that `saker serve` may be told, in the same words by a flag (--max-streams 10)
// and by a key of the configuration file (max_streams = 10). One table makes both, their help, and
// what --check-config prints, so that they cannot drift apart. Knows neither CLI11 nor TOML.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saker/base/result.h"
#include "serve_options.h"

namespace saker::app {

enum class SettingKind : uint8_t {
  kNumber,  // TOML: an integer
  kText,    // TOML: a string; sizes may be integers
  kSwitch,  // "on" or "off"; TOML: a boolean
  kFlag,    // takes no value; TOML: a boolean
  kList,    // repeatable; TOML: an array of strings or integers
};

struct Setting {
  std::string_view name;        // of the flag, without "--"
  std::string_view value_name;  // for the help: "N", "SIZE"
  SettingKind kind;
  std::string_view help;
  // Replaces what the options say by `values` (one, unless it is a list). Errors name the value.
  Result<void> (*set)(ServeOptions& options, std::span<const std::string> values);
  // Exactly what `set` would take.
  std::vector<std::string> (*show)(const ServeOptions& options);
};

std::span<const Setting> serve_settings();
const Setting* find_setting(std::string_view name);
// The key of the configuration file: "-" becomes "_".
std::string key_of(const Setting& setting);

// "42,43", "local": VSOCK peers, in any number of lists.
Result<std::vector<uint32_t>> parse_cids(std::span<const std::string> lists);

}  // namespace saker::app

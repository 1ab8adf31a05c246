// The configuration file of `saker serve` (TOML), both ways. It has one table, whose keys are the
// settings of serve_settings.h. What is wrong is told by file, line and key.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "saker/base/result.h"
#include "serve_options.h"

namespace saker::app {

// Settings in `given`, by the name of their flag, are checked like the others and then left alone:
// the command line beats the file.
Result<void> load_config(const std::string& path, const std::set<std::string_view>& given,
                         ServeOptions& options);
// The same for text; `name` stands for the file in messages.
Result<void> parse_config(std::string_view text, const std::string& name,
                          const std::set<std::string_view>& given, ServeOptions& options);

// All settings as load_config() takes them.
std::string format_config(const ServeOptions& options);

}  // namespace saker::app

// HelpFormatter: CLI11's help, with the default of an option behind its description instead of in
// its name, and without what the description says anyway.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace saker::app {

class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(kColumns); }

  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_size() != 0 ? option->get_type_name() : "";
    return (type.empty() ? "" : " " + type) + (option->get_required() ? " (required)" : "");
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string value = option->get_default_str();
    return option->get_description() + (value.empty() ? "" : " (default: " + value + ")");
  }

 private:
  static constexpr size_t kColumns = 36;
};

}  // namespace saker::app

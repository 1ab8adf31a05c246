// saker version: what this build was made of.
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "command_line.h"
#include "commands.h"
#include "version.h"

namespace saker::app {
namespace {

int print_version(bool json) {
  const Facts facts = build_facts();
  if (json) {
    nlohmann::ordered_json document;
    for (const auto& [name, value] : facts) document[name] = value;
    std::cout << document.dump(2) << '\n';
    return kExitOk;
  }
  for (const auto& [name, value] : facts) {
    std::cout << name << std::string(10 - name.size(), ' ') << value << '\n';
  }
  return kExitOk;
}

}  // namespace

void add_version_command(CLI::App& app, int& exit_code) {
  const auto json = std::make_shared<bool>(false);
  CLI::App& command = *app.add_subcommand("version", "what this build was made of");
  command.add_flag("--json", *json, "print one JSON document");
  command.footer("Example:\n  saker version --json");
  command.callback([json, &exit_code] { exit_code = print_version(*json); });
}

}  // namespace saker::app

#include "empty_values.h"

#include <algorithm>
#include <string_view>

namespace saker::app {
namespace {

// Flags that send what they are given: nothing is something to send, too.
constexpr std::string_view kTextFlags[] = {"payload", "data"};

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() != 0;
}

bool may_be_empty(const CLI::Option& option) {
  if (!option.nonpositional() || !takes_value(option)) return true;
  return std::ranges::any_of(
      kTextFlags, [&](std::string_view name) { return option.check_lname(std::string(name)); });
}

// That the arguments are for: commands stand in front of all else.
const CLI::App& command_of(const CLI::App& app, const std::vector<std::string>& arguments) {
  const CLI::App* at = &app;
  for (const std::string& argument : arguments) {
    const auto found = at->get_subcommands([&](const CLI::App* command) {
      return !command->get_name().empty() && command->check_name(argument);
    });
    if (found.empty()) break;
    at = found.front();
  }
  return *at;
}

}  // namespace

std::vector<std::string> separate_empty_values(const CLI::App& app,
                                               const std::vector<std::string>& arguments) {
  const CLI::App& command = command_of(app, arguments);
  std::vector<std::string> separate;
  for (auto at = arguments.begin(); at != arguments.end(); ++at) {
    if (*at == "--") {
      separate.insert(separate.end(), at, arguments.end());
      break;
    }
    const bool is_empty = at->starts_with("--") && at->find('=') == at->size() - 1;
    const std::string flag = is_empty ? at->substr(0, at->size() - 1) : *at;
    const CLI::Option* option = is_empty ? command.get_option_no_throw(flag) : nullptr;
    const bool is_value = option != nullptr && takes_value(*option);
    separate.push_back(is_value ? flag : *at);
    if (is_value) separate.emplace_back();
  }
  return separate;
}

// Groups of flags are nameless commands, and found as such.
void refuse_empty_values(CLI::App& app) {
  const auto check = [](const std::string& text) {
    return text.empty() ? std::string("the value is empty") : std::string();
  };
  for (CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    if (!may_be_empty(*option)) option->check(check);
  }
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    refuse_empty_values(*command);
  }
}

}  // namespace saker::app

#include "command_line.h"

#include <algorithm>

#include <charconv>
#include <cstdio>
#include <iostream>
#include <vector>

#include "nearest_word.h"
#include "printable.h"
#include "redaction.h"
#include "saker/base/quantity.h"
#include "saker/grpc/base64.h"

namespace saker::app {

const char* const kExitCodesHelp =
    "Exit codes:\n"
    "  0        done; also a server that was told to end and drained\n"
    "  1        some calls failed, a signature did not verify, or what came could not be written\n"
    "  2        nothing was sent: usage, configuration, set-up\n"
    "  64 + N   the single call failed with gRPC code N (78: UNAVAILABLE)\n"
    "  99       an assertion was broken\n"
    "  130      interrupted";

int exit_code_of(const grpc::Status& status) {
  return status.ok() ? kExitOk : kExitStatusBase + static_cast<int>(status.code);
}

int fail_usage(std::string_view message) {
  std::cerr << "saker: " << printable(message) << '\n';  // a server's words may be in it
  return kExitUsage;
}

// ---- options

CLI::Option* add_duration(CLI::App& command, const std::string& names, Duration& out,
                          const std::string& help) {
  return add_parsed(command, names, out, parse_duration, help)->type_name("DURATION");
}

CLI::Option* add_positive_duration(CLI::App& command, const std::string& names, Duration& out,
                                   const std::string& help) {
  const auto parse = [](std::string_view text) -> Result<Duration> {
    auto value = parse_duration(text);
    if (value && *value == Duration::zero()) return fail("must be more than 0");
    return value;
  };
  return add_parsed<Duration>(command, names, out, parse, help)->type_name("DURATION");
}

CLI::Option* add_size(CLI::App& command, const std::string& names, uint64_t& out,
                      const std::string& help) {
  return add_parsed(command, names, out, parse_size, help)->type_name("SIZE");
}

Result<uint64_t> parse_count(std::string_view text, uint64_t lowest, uint64_t highest) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && value >= lowest && value <= highest) return value;
  std::string message = "'";
  message.append(text).append("' is not a whole number ");
  message += highest == UINT64_MAX
                 ? "of at least " + std::to_string(lowest)
                 : "from " + std::to_string(lowest) + " to " + std::to_string(highest);
  return fail_in_one_line(std::move(message));
}

CLI::Option* add_count(CLI::App& command, const std::string& names, uint64_t& out, uint64_t lowest,
                       uint64_t highest, const std::string& help) {
  const auto assign = [&out, lowest, highest](const std::string& text) {
    if (const auto value = parse_count(text, lowest, highest)) out = *value;
  };
  const auto check = [lowest, highest](const std::string& text) {
    const auto value = parse_count(text, lowest, highest);
    return value ? std::string() : value.error().message;
  };
  return command.add_option_function<std::string>(names, assign, help)
      ->check(check)
      ->type_name("N");
}

namespace {

// Only for the command that runs: CLI11 would read, and refuse, the variable for all others too.
void read_target_variable(CLI::App& command, CLI::Option* target) {
  command.preparse_callback([target](size_t) { target->envname(kTargetVariable); });
}

}  // namespace

CLI::Option* add_target(CLI::App& command, net::Address& out) {
  const std::string help = std::string("the address to connect to; default: $") + kTargetVariable;
  CLI::Option* target =
      add_parsed(command, "TARGET", out, net::parse_address, help)->type_name("")->required();
  read_target_variable(command, target);
  return target;
}

CLI::Option* add_target(CLI::App& command, net::Target& out) {
  out = *net::parse_target(kDefaultTarget);
  const auto assign = [&out](const std::vector<std::string>& texts) {
    out = {};
    for (const std::string& text : texts) {
      const auto target = net::parse_target(text);
      if (!target) continue;
      for (const net::Address& address : target->addresses) {
        const auto known = std::ranges::find(out.addresses, address);
        if (known == out.addresses.end()) out.addresses.push_back(address);
      }
    }
  };
  const auto check = [](const std::string& text) {
    const auto target = net::parse_target(text);
    return target ? std::string() : target.error().message;
  };
  const std::string help = std::string("the server's address, or several; default: $") +
                           kTargetVariable + ", then " + std::string(kDefaultTarget);
  CLI::Option* target =
      command.add_option_function<std::vector<std::string>>("TARGET", assign, help)
          ->check(check)
          ->type_name("")
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  read_target_variable(command, target);
  return target;
}

Result<void> parse_header(std::string_view text, grpc::Metadata& out) {
  const size_t colon = text.find(':');
  const auto refuse = [&](const char* why) {
    std::string message = "metadata '";
    return fail(message.append(shown_header(text)).append("': ").append(why));
  };
  if (colon == std::string_view::npos) return refuse("write 'name: value'");
  const std::string_view name = text.substr(0, colon);
  std::string_view value = text.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  std::string binary;
  if (grpc::is_binary_name(name)) {
    binary.resize(grpc::base64_max_decoded_size(value.size()));
    const auto size = grpc::base64_decode(value, reinterpret_cast<uint8_t*>(binary.data()));
    if (!size) return refuse("the value of a name ending in -bin must be base64");
    binary.resize(*size);
    value = binary;
  }
  switch (out.add(name, value)) {
    case grpc::AddResult::kOk:
      return {};
    case grpc::AddResult::kReservedName:
      return refuse("the name belongs to HTTP/2 or gRPC");
    case grpc::AddResult::kIllegalName:
      return refuse("a name has only a-z 0-9 _ - .");
    case grpc::AddResult::kIllegalValue:
      return refuse("a value is printable ASCII");
  }
  return {};
}

CLI::Option* add_metadata(CLI::App& command, grpc::Metadata& out) {
  const auto assign = [&out](const std::vector<std::string>& headers) {
    for (const std::string& header : headers) (void)parse_header(header, out);
  };
  const auto check = [](const std::string& text) {
    grpc::Metadata unused;
    const auto parsed = parse_header(text, unused);
    return parsed ? std::string() : parsed.error().message;
  };
  return command
      .add_option_function<std::vector<std::string>>(
          "-H,--header", assign,
          "metadata to send, 'name: value'; the value of a name ending in -bin is base64; "
          "repeatable")
      ->check(check)
      ->type_name("TEXT")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

// ---- wrong command lines

namespace {

const CLI::App& deepest_command(const CLI::App& app) {
  const CLI::App* at = &app;
  for (auto parsed = at->get_subcommands(); !parsed.empty(); parsed = at->get_subcommands()) {
    at = parsed.back();
  }
  return *at;
}

std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name() : full_name(*parent) + " " + command.get_name();
}

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

std::vector<std::string> commands_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  return names;
}

std::string unexpected_argument(const CLI::App& command, const std::string& argument) {
  const bool is_flag = argument.size() > 1 && argument.starts_with('-');
  const std::vector<std::string> commands = commands_of(command);
  std::string message = is_flag ? "unknown flag " : "unexpected argument ";
  if (!is_flag && !commands.empty()) message = "unknown command ";
  message += argument;
  const std::string name = argument.substr(0, argument.find('='));
  const auto near = nearest_word(name, is_flag ? flags_of(command) : commands);
  if (near) message += "; did you mean " + *near + "?";
  // Where TARGET is taken for one only if it is an address: why it is none.
  if (!is_flag && command.get_validate_positionals()) {
    const auto target = net::parse_address(argument);
    if (!target) message += "; as TARGET: " + target.error().message;
  }
  return message;
}

// An unknown flag comes before whatever else is wrong:
// its value may have been taken for an argument.
std::string message_of(const CLI::App& command, const CLI::ParseError& error) {
  const std::vector<std::string> rest = command.remaining();
  for (const std::string& argument : rest) {
    if (argument.size() > 1 && argument.starts_with('-')) {
      return unexpected_argument(command, argument);
    }
  }
  const bool is_count = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError) ||
                        error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  if (is_count && !rest.empty()) return unexpected_argument(command, rest.front());
  return error.what();
}

}  // namespace

int report_parse_error(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    app.exit(error);
    return kExitOk;
  }
  const CLI::App& command = deepest_command(app);
  std::cerr << full_name(command) << ": " << message_of(command, error) << "\nSee "
            << full_name(command) << " --help\n";
  return kExitUsage;
}

}  // namespace saker::app

// saker interop-client: gRPC's official interoperability cases against any server of
// grpc.testing.TestService, one line each.
#include <iostream>
#include <memory>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "interop_cases.h"
#include "interrupt.h"
#include "printable.h"
#include "process.h"
#include "saker/base/quantity.h"
#include "target_options.h"

namespace saker::app {
namespace {

struct InteropArguments {
  TargetOptions target;
  InteropOptions options;
  std::vector<std::string> cases;
  bool list = false;
};

std::vector<const InteropCase*> chosen_cases(const std::vector<std::string>& names) {
  std::vector<const InteropCase*> chosen;
  for (const std::string& name : names) {
    if (name != "all") {
      chosen.push_back(find_interop_case(name));
      continue;
    }
    for (const InteropCase& each : interop_cases()) chosen.push_back(&each);
  }
  return chosen;
}

// A case starts with connections of its own: what it does to them is nothing to the next.
bool run_case(InteropSession& session, const InteropCase& chosen) {
  session.replace_channel();
  const Time start = session.loop().read_clock();
  const Result<void> result = chosen.run(session);
  const std::string took = format_duration(session.loop().read_clock() - start);
  if (result) {
    std::cout << "ok    " << chosen.name << "  " << took << std::endl;
  } else {
    std::cout << "FAIL  " << chosen.name << "  " << took << "  "
              << printable(result.error().message) << std::endl;
  }
  return result.has_value();
}

int run_client(InteropArguments& arguments) {
  if (arguments.list) {
    for (const InteropCase& each : interop_cases()) std::cout << each.name << '\n';
    return kExitOk;
  }
  ignore_broken_pipes();
  const Interrupt interrupt(exit_interrupted);
  arguments.options.target = arguments.target.servers;
  if (auto tls = use_target_tls(arguments.target, arguments.options.channel); !tls) {
    return fail_usage(tls.error().message);
  }
  auto session = InteropSession::make(arguments.options);
  if (!session) return fail_usage(session.error().message);
  size_t failed = 0;
  const auto chosen = chosen_cases(arguments.cases);
  for (const InteropCase* each : chosen) {
    if (!run_case(**session, *each)) ++failed;
  }
  std::cout << chosen.size() << (chosen.size() == 1 ? " case, " : " cases, ") << failed
            << " failed\n";
  return failed == 0 ? kExitOk : kExitFailed;
}

void add_cases(CLI::App& command, std::vector<std::string>& out) {
  out = {"all"};
  const auto assign = [&out](const std::vector<std::string>& names) { out = names; };
  const auto check = [](const std::string& name) {
    if (name == "all" || find_interop_case(name) != nullptr) return std::string();
    return "no case '" + name + "'; --list prints all";
  };
  command
      .add_option_function<std::vector<std::string>>(
          "--test-case", assign, "the official name of a case, or all; repeatable")
      ->check(check)
      ->type_name("NAME")
      ->default_str("all")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_soak(CLI::App& command, SoakOptions& options) {
  add_count(command, "--soak-iterations", options.iterations, 1, 1'000'000'000,
            "calls of rpc_soak, channels of channel_soak")
      ->default_str("10");
  add_count(command, "--soak-max-failures", options.max_failures, 0, 1'000'000'000,
            "iterations that may fail")
      ->default_str("0");
  add_positive_duration(command, "--soak-max-latency", options.max_latency,
                        "an iteration that takes longer has failed")
      ->default_str("1s");
  add_duration(command, "--soak-timeout", options.timeout,
               "of all iterations; 0: --soak-max-latency for each")
      ->default_str("0");
}

}  // namespace

void add_interop_client_command(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<InteropArguments>();
  InteropOptions& options = arguments->options;
  CLI::App& command =
      *app.add_subcommand("interop-client", "gRPC's interoperability cases against a server");
  add_target_options(command, arguments->target);
  add_cases(command, arguments->cases);
  command.add_flag("--list", arguments->list, "print the names of all cases, and end");
  add_positive_duration(command, "--deadline", options.deadline,
                        "of each call that has none by its case")
      ->default_str("30s");
  add_soak(command, options.soak);
  command.footer(
      "The cases are those of grpc/doc/interop-test-descriptions.md; the server is saker\n"
      "interop-server or the interoperability server of any other gRPC.\n\n"
      "Examples:\n"
      "  saker interop-client\n"
      "  saker interop-client unix:/run/interop.sock --test-case ping_pong\n"
      "  saker interop-client --test-case rpc_soak --soak-iterations 10000");
  command.callback([arguments, &exit_code] { exit_code = run_client(*arguments); });
}

}  // namespace saker::app

// saker: one program, a subcommand for each thing it does. Here is only the list of them.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "empty_values.h"
#include "help_formatter.h"

int main(int argc, char** argv) {
  using namespace saker::app;
  CLI::App app(
      "The fastest gRPC in C++: server, client and load generator over TCP, Unix and VSOCK.",
      "saker");
  int exit_code = kExitOk;
  app.set_version_flag("--version", "saker " SAKER_VERSION);
  app.option_defaults()->take_last();
  app.require_subcommand(1);
  app.formatter(std::make_shared<HelpFormatter>());
  add_serve_command(app, exit_code);
  add_echo_command(app, exit_code);
  add_call_command(app, exit_code);
  add_list_command(app, exit_code);
  add_describe_command(app, exit_code);
  add_sign_command(app, exit_code);
  add_verify_command(app, exit_code);
  add_keys_command(app, exit_code);
  add_keystore_command(app, exit_code);
  add_audit_command(app, exit_code);
  add_bench_command(app, exit_code);
  add_interop_client_command(app, exit_code);
  add_interop_server_command(app, exit_code);
  add_worker_command(app, exit_code);
  add_proxy_command(app, exit_code);
  add_doctor_command(app, exit_code);
  add_version_command(app, exit_code);
  app.footer(std::string("Examples:\n"
                         "  saker serve --listen unix:/run/saker.sock\n"
                         "  saker echo unix:/run/saker.sock --payload hello\n"
                         "  saker call 127.0.0.1:50051 saker.echo.v1.Echo/Echo -d '{}'\n"
                         "  saker bench echo vsock:3:50051 -c 10 -m 100 -z 5s\n\n"
                         "Addresses, for listeners and targets alike:\n"
                         "  host:port  [::1]:port  unix:/path  unix-abstract:name  vsock:CID:PORT\n"
                         "  vsock-mux:/path:PORT (host side of Firecracker)  fd:N\n\n") +
             kExitCodesHelp);
  refuse_empty_values(app);
  auto arguments = separate_empty_values(app, {argv + std::min(argc, 1), argv + argc});
  std::ranges::reverse(arguments);  // as CLI11 takes them
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return report_parse_error(app, error);
  }
  return exit_code;
}

// The subcommands of `saker`. Each has a file x_command.cc with one function add_x_command() that
// declares its options and, in the callback of its CLI::App, runs it and stores the exit code:
//
//   void add_x_command(CLI::App& app, int& exit_code) {
//     const auto options = std::make_shared<XOptions>();
//     CLI::App& command = *app.add_subcommand("x", "what it does");
//     add_target_options(command, options->target);
//     command.footer("Examples:\n  saker x ...");
//     command.callback([options, &exit_code] { exit_code = run_x(*options); });
//   }
//
// A new subcommand is a declaration here, a line in main.cc and a file in CMakeLists.txt. What is
// wrong with the command line never reaches the callback: it is an exit code 2 before.
#pragma once

#include <CLI/CLI.hpp>

namespace saker::app {

void add_serve_command(CLI::App& app, int& exit_code);
void add_echo_command(CLI::App& app, int& exit_code);
void add_call_command(CLI::App& app, int& exit_code);
void add_list_command(CLI::App& app, int& exit_code);
void add_describe_command(CLI::App& app, int& exit_code);
void add_sign_command(CLI::App& app, int& exit_code);
void add_verify_command(CLI::App& app, int& exit_code);
void add_keys_command(CLI::App& app, int& exit_code);
void add_keystore_command(CLI::App& app, int& exit_code);
void add_audit_command(CLI::App& app, int& exit_code);
void add_bench_command(CLI::App& app, int& exit_code);
// Subcommands of `bench`.
void add_bench_call_command(CLI::App& bench, int& exit_code);
void add_bench_sign_command(CLI::App& bench, int& exit_code);
void add_interop_client_command(CLI::App& app, int& exit_code);
void add_interop_server_command(CLI::App& app, int& exit_code);
void add_proxy_command(CLI::App& app, int& exit_code);
void add_worker_command(CLI::App& app, int& exit_code);
void add_doctor_command(CLI::App& app, int& exit_code);
void add_version_command(CLI::App& app, int& exit_code);

}  // namespace saker::app

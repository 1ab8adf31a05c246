// What the subcommands share: exit codes, options for the quantities and addresses that Saker
// writes everywhere alike, and what is said when a command line is wrong. Knows CLI11, no command.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "saker/base/result.h"
#include "saker/base/time.h"
#include "saker/grpc/metadata.h"
#include "saker/grpc/status.h"
#include "saker/net/address.h"
#include "saker/net/target.h"

namespace saker::app {

// Exit codes; kExitCodesHelp tells users.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;       // calls failed, bad signature, output not written
inline constexpr int kExitUsage = 2;        // nothing was sent: usage, configuration, set-up
inline constexpr int kExitStatusBase = 64;  // plus the gRPC code with which a single call failed
inline constexpr int kExitAssertion = 99;
inline constexpr int kExitInterrupted = 130;
extern const char* const kExitCodesHelp;

// Of a command that makes one call.
int exit_code_of(const grpc::Status& status);

// "saker: message" to stderr; returns kExitUsage.
int fail_usage(std::string_view message);

inline constexpr std::string_view kDefaultTarget = "127.0.0.1:50051";
inline constexpr const char* kTargetVariable = "SAKER_TARGET";

// An option whose text `parse` understands; what it says of a bad one is what users read.
template <typename T>
CLI::Option* add_parsed(CLI::App& command, const std::string& names, T& out,
                        Result<T> (*parse)(std::string_view), const std::string& help) {
  const auto assign = [&out, parse](const std::string& text) {
    if (auto value = parse(text)) out = *std::move(value);
  };
  const auto check = [parse](const std::string& text) {
    const auto value = parse(text);
    return value ? std::string() : value.error().message;
  };
  return command.add_option_function<std::string>(names, assign, help)->check(check);
}

// "10s", "250ms".
CLI::Option* add_duration(CLI::App& command, const std::string& names, Duration& out,
                          const std::string& help);
// The same, but more than 0.
CLI::Option* add_positive_duration(CLI::App& command, const std::string& names, Duration& out,
                                   const std::string& help);
// "16", "4KiB".
CLI::Option* add_size(CLI::App& command, const std::string& names, uint64_t& out,
                      const std::string& help);
// A whole number within bounds.
CLI::Option* add_count(CLI::App& command, const std::string& names, uint64_t& out, uint64_t lowest,
                       uint64_t highest, const std::string& help);
// The positional TARGET, one address: given, or in $SAKER_TARGET.
CLI::Option* add_target(CLI::App& command, net::Address& out);
// May be left out, and there may be several: repeated, or with commas between.
CLI::Option* add_target(CLI::App& command, net::Target& out);
// -H 'name: value', repeatable; the value of a name ending in "-bin" is base64.
CLI::Option* add_metadata(CLI::App& command, grpc::Metadata& out);

Result<uint64_t> parse_count(std::string_view text, uint64_t lowest, uint64_t highest);
Result<void> parse_header(std::string_view text, grpc::Metadata& out);

// Prints what CLI11 found wrong, with a hint where one helps, to stderr, or the help that was asked
// for to stdout; returns the exit code.
int report_parse_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace saker::app

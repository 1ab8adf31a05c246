// saker echo: is the server there, does it answer right, and how long does it take?
#include <unistd.h>

#include <iostream>
#include <memory>

#include "command_line.h"
#include "commands.h"
#include "echo_run.h"
#include "interrupt.h"
#include "read_file.h"
#include "saker/base/quantity.h"

namespace saker::app {
namespace {

constexpr uint64_t kMaxPayloadBytes = uint64_t{1} << 30;
constexpr uint64_t kMaxCount = 1'000'000;  // each is kept for the summary; `saker bench` takes more

struct EchoArguments {
  EchoOptions options;
  std::string text;
  uint64_t size = 0;
  std::string file;
};

int exit_code_of_run(const EchoOptions& options, const EchoRun& run) {
  if (run.interrupted()) return kExitInterrupted;
  if (options.count == 1 && !run.results().empty() && !run.results().front().status.ok()) {
    return exit_code_of(run.results().front().status);
  }
  for (const EchoResult& result : run.results()) {
    if (!result.ok()) return kExitFailed;
  }
  return kExitOk;
}

// Failures of calls that are reported line by line go where errors go.
void print(const EchoOptions& options, const EchoResult& result) {
  if (options.json) return;
  (result.ok() ? std::cout : std::cerr) << format_echo(options, result) << std::flush;
}

int run_echo(EchoArguments& arguments) {
  EchoOptions& options = arguments.options;
  if (!arguments.file.empty()) {
    auto bytes = read_file(arguments.file, kMaxPayloadBytes);
    if (!bytes) return fail_usage("--in " + bytes.error().message);
    options.payload = *std::move(bytes);
  } else if (!arguments.text.empty()) {
    options.payload = arguments.text;
    options.show_payload = true;
  } else {
    options.payload.assign(arguments.size, 'x');
  }
  auto run = EchoRun::make(options, [&](const EchoResult& result) { print(options, result); });
  if (!run) return fail_usage(run.error().message);
  {
    const Interrupt interrupt([&](int count) {
      if (count > 1) _exit(kExitInterrupted);
      (*run)->interrupt();
    });
    (*run)->run();
  }
  if (options.json) {
    std::cout << format_json(options, (*run)->results(), (*run)->backends());
  } else if (options.count > 1) {
    std::cout << format_summary((*run)->results(), (*run)->backends());
  }
  return exit_code_of_run(options, **run);
}

Result<grpc::Compression> parse_choice(std::string_view name) {
  if (name == "off") return grpc::Compression::kIdentity;
  const auto compression = grpc::parse_compression(name);
  if (!compression) return fail("off, deflate or gzip");
  return *compression;
}

}  // namespace

void add_echo_command(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<EchoArguments>();
  EchoOptions& options = arguments->options;
  CLI::App& command = *app.add_subcommand("echo", "one call, or a few, with their latency");
  add_target_options(command, options.target);
  CLI::Option* text =
      command.add_option("--payload", arguments->text, "send this text")->type_name("TEXT");
  CLI::Option* size = add_parsed<uint64_t>(
                          command, "--size", arguments->size,
                          [](std::string_view value) -> Result<uint64_t> {
                            auto bytes = parse_size(value);
                            if (bytes && *bytes > kMaxPayloadBytes) return fail("at most 1GiB");
                            return bytes;
                          },
                          "send so many bytes")
                          ->type_name("SIZE")
                          ->default_str("0");
  CLI::Option* file =
      command.add_option("--in", arguments->file, "send this file; -: stdin")->type_name("FILE");
  text->excludes(size)->excludes(file);
  size->excludes(file);
  add_count(command, "--count", options.count, 1, kMaxCount, "make so many calls")
      ->default_str("1");
  add_duration(command, "--interval", options.interval,
               "between the end of a call and the next one, with --stream between two sends")
      ->default_str("0");
  command.add_flag("--stream", options.stream, "one stream with --count messages, one at a time");
  command.add_flag("--wait-for-ready", options.wait_for_ready,
                   "wait for the server to come up, within the deadline");
  add_duration(command, "--deadline", options.deadline,
               "of each call, with --stream of the whole stream; 0: none")
      ->default_str("10s");
  add_metadata(command, options.metadata);
  add_channel_flags(command, options.channel);
  add_parsed<grpc::Compression>(command, "--compression", options.compression, parse_choice,
                                "of requests: off, deflate or gzip")
      ->type_name("NAME")
      ->default_str("off");
  command.add_flag("--json", options.json, "print one JSON document, times in ns");
  command.footer(
      "Of a call's total time, server is what the server says it took from receipt to reply,\n"
      "network is the rest.\n\n"
      "Examples:\n"
      "  saker echo\n"
      "  saker echo vsock:3:50051 --payload hello --wait-for-ready --deadline 1m\n"
      "  saker echo unix:/run/saker.sock --size 1MiB --count 10 --json\n"
      "  saker echo signer.example.org:50051 --tls --ca ca.pem --tls-cert me.pem --tls-key me.key\n"
      "  saker echo a.example:50051,b.example:50051 --count 10 --balance round_robin");
  command.callback([arguments, &exit_code] { exit_code = run_echo(*arguments); });
}

}  // namespace saker::app

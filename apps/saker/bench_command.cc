// saker bench: the load generator's command line.
#include "bench_command.h"

#include <algorithm>
#include <memory>

#include "bench_echo_streams.h"
#include "bench_load_options.h"
#include "commands.h"
#include "machine.h"
#include "report_commands.h"
#include "saker/base/quantity.h"
#include "saker/bench/document.h"

namespace saker::app {
namespace {

constexpr Duration kShortestRound = std::chrono::milliseconds(100);
constexpr uint64_t kMaxInFlight = 4'000'000;   // each is a call object with its messages
constexpr uint64_t kMaxMessages = 10'000'000;  // as many as EchoExpand gives
constexpr uint64_t kUsualMessages = 100;
constexpr uint64_t kMaxPayloadBytes = uint64_t{1} << 30;

Result<uint64_t> parse_payload_size(std::string_view text) {
  auto bytes = parse_size(text);
  if (bytes && *bytes > kMaxPayloadBytes) return fail("at most 1GiB");
  return bytes;
}

bool has_form_of_rounds(const ReportOptions& options) {
  using bench::ReportFormat;
  const auto format = options.file.empty() ? options.format.value_or(ReportFormat::kText)
                                           : file_format(options, ReportFormat::kJson);
  return bench::is_format_of_rounds(format);
}

Result<void> check_rounds(const BenchOptions& options) {
  if (options.round > Duration::zero() && !options.has_rounds()) {
    return fail("--round is of --find-max and --compare");
  }
  if (options.rounds > 0 && options.compare.empty()) return fail("--rounds is of --compare");
  if (!options.has_rounds()) return {};
  if (options.find_max && options.assertions.empty()) {
    return fail("--find-max needs an --assert to find the limit of, like 'p99<1ms,errors==0'");
  }
  if (!options.find_max && options.compare.size() < 2) {
    return fail("--compare takes two targets at least, TARGET among them");
  }
  if (options.round > Duration::zero() && options.round < kShortestRound) {
    return fail("--round " + format_duration(options.round) +
                " is too short to tell: 100ms or more");
  }
  if (!has_form_of_rounds(options.report)) {
    return fail(std::string(options.find_max ? "--find-max" : "--compare") + " has its report as " +
                std::string(bench::kRoundsFormatNames) + " only");
  }
  return {};
}

Result<void> check_target(const BenchOptions& options, const net::Target& target) {
  for (const net::Address& address : target.addresses) {
    if (address.transport != net::Transport::kFd) continue;
    if (options.connections > 1) return fail(net::to_string(address) + " is one connection: -c 1");
    if (options.churns()) return fail(net::to_string(address) + " can't be connected to again");
  }
  const uint64_t shares = options.threads * target.addresses.size();
  const bool takes_all = target.is_list() && !options.channel.picks_first();
  if (takes_all && options.connections % shares != 0) {
    return fail("-c " + std::to_string(options.connections) + " for " +
                std::to_string(target.addresses.size()) + " targets and " +
                std::to_string(options.threads) + " threads: make it a multiple of " +
                std::to_string(shares));
  }
  return {};
}

// Requests, and their bytes on the way, that do not fit into this machine even once.
Result<void> check_memory(const BenchOptions& options) {
  const uint64_t targets = std::max<size_t>(options.compare.size(), 1);
  const uint64_t calls = options.connections * options.streams * targets;
  const uint64_t needed = 2 * calls * options.payload_bytes;
  const uint64_t present = std::min(present_memory_bytes(), cgroup_memory_bytes());
  if (needed <= present) return {};
  return fail(format_count(calls) + " calls of " + format_size(options.payload_bytes) + " take " +
              format_size(needed) + " of memory, and there are " + format_size(present) +
              ": make them fewer (-c, -m) or smaller");
}

// Those of `saker bench echo` alone, for the report.
std::string echo_flags(const BenchOptions& options, const std::string& method) {
  return "--method " + method + " --size " + std::to_string(options.payload_bytes);
}

int run_bench_echo(BenchOptions& options, const std::string& method) {
  options.workload_flags = echo_flags(options, method);
  if (options.kind != rpc::MethodKind::kUnary) {
    set_usual_messages(options);
  } else if (options.messages != 0) {
    return fail_usage("--messages: Echo is no streaming method, see --method");
  }
  return run_echo_streams(options);
}

}  // namespace

void add_bench_options(CLI::App& command, BenchOptions& options, KeyFlag key) {
  add_target_options(command, options.target, key);
  add_load_options(command, options);
  add_channel_flags(command, options.channel);
  add_metadata(command, options.metadata);
  add_duration(command, "--deadline", options.deadline,
               "of each call, in steps down to 7/8 of it; 0: none")
      ->default_str("0");
  add_positive_duration(command, "--connect-timeout", options.connect_timeout,
                        "for all connections at the start, and for a lost server to come back")
      ->default_str("10s");
  add_duration(command, "--busy-poll", options.busy_poll, "look for work so long before sleeping")
      ->default_str("0");
  const auto assign = [&options](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      if (auto all = bench::parse_assertions(text)) {
        options.assertions.insert(options.assertions.end(), all->begin(), all->end());
      }
    }
  };
  const auto check = [](const std::string& text) {
    const auto all = bench::parse_assertions(text);
    return all ? std::string() : all.error().message;
  };
  command
      .add_option_function<std::vector<std::string>>(
          "--assert", assign,
          "exit code 99 unless this holds, like 'p99<1ms,errors==0'; repeatable")
      ->check(check)
      ->type_name("EXPR")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_count(command, "--server-pid", options.server_pid, 1, INT32_MAX,
            "the server's process on this machine: its CPU time, too, is in the report");
  command.add_flag("--json", options.report.json, "print the report as one JSON document");
  command.add_flag("--quiet", options.quiet,
                   "nothing on stderr while the run lasts: neither the live block on a "
                   "terminal nor a line each second elsewhere");
}

void add_messages(CLI::App& command, BenchOptions& options, const std::string& help) {
  add_count(command, "--messages", options.messages, 1, kMaxMessages, help);
}

void set_usual_messages(BenchOptions& options) {
  if (options.messages == 0) options.messages = kUsualMessages;
}

Result<void> check_bench_options(const BenchOptions& options) {
  if (auto checked = check_rounds(options); !checked) return checked;
  if (options.connections < options.threads) {
    return fail("-t " + std::to_string(options.threads) + " with -c " +
                std::to_string(options.connections) +
                ": each thread needs a connection of its own");
  }
  if (auto checked = check_target(options, options.target.servers); !checked) return checked;
  for (const net::Target& target : options.compare) {
    if (auto checked = check_target(options, target); !checked) return checked;
  }
  if (options.connections * options.streams > kMaxInFlight) {
    return fail("-c " + std::to_string(options.connections) + " times -m " +
                std::to_string(options.streams) + " is more than " + format_count(kMaxInFlight) +
                " calls in flight");
  }
  return check_memory(options);
}

void add_bench_command(CLI::App& app, int& exit_code) {
  CLI::App& bench = *app.add_subcommand("bench", "the load generator");
  bench.require_subcommand(1);
  const auto options = std::make_shared<BenchOptions>();
  CLI::App& echo = *bench.add_subcommand("echo", "echo calls, every byte of every reply checked");
  add_bench_options(echo, *options);
  add_report_options(echo, options->report, "--format,--report-format");
  add_parsed(echo, "--size", options->payload_bytes, parse_payload_size, "payload of each call")
      ->type_name("SIZE")
      ->default_str("16");
  add_parsed(echo, "--method", options->kind, parse_echo_method,
             "Echo, or a stream: EchoStream (ping-pong, each message a call), EchoCollect (many "
             "messages, one reply) or EchoExpand (one message, many replies)")
      ->type_name("NAME")
      ->default_str("Echo");
  add_messages(echo, *options, "on each stream (default: 100)");
  echo.footer(
      "Assertions: p50 … p99.99, min, mean, max, stddev (durations), errors (a number or 0.1%),\n"
      "calls, rps; with < <= > >= == !=. Latencies are the corrected ones.\n\n"
      "Examples:\n"
      "  saker bench echo -c 10 -m 100 -z 5s\n"
      "  saker bench echo unix:/run/saker.sock -n 1000000 --json\n"
      "  saker bench echo --method EchoStream --messages 1000 --rps 20k\n"
      "  saker bench echo --compare 127.0.0.1:50051,unix:/run/saker.sock,vsock:1:50051\n"
      "  saker bench echo vsock:3:50051 --rps 100000 --warmup 1s --assert 'p99<1ms,errors==0'");
  echo.callback([options, &echo, &exit_code] {
    exit_code = run_bench_echo(*options, echo.get_option("--method")->as<std::string>());
  });
  add_bench_call_command(bench, exit_code);
  add_bench_sign_command(bench, exit_code);
  add_bench_report_command(bench, exit_code);
  add_bench_compare_command(bench, exit_code);
  bench.footer("Example:\n  saker bench echo 127.0.0.1:50051 -c 10 -m 100 -z 5s");
}

}  // namespace saker::app

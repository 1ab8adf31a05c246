// saker bench: the load generator's command line.
#include "bench_command.h"

#include <charconv>
#include <memory>

#include "bench_workload.h"
#include "commands.h"
#include "saker/base/quantity.h"

namespace saker::app {
namespace {

constexpr uint64_t kMaxConnections = 1'000'000;
constexpr uint64_t kMaxStreams = 1'000'000;
constexpr uint64_t kMaxThreads = 1024;
constexpr uint64_t kMaxInFlight = 4'000'000;  // each is a call object with its messages
constexpr uint64_t kMaxPayloadBytes = uint64_t{1} << 30;
constexpr double kMaxRate = 1e9;

Result<double> parse_rate(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && value > 0 && value <= kMaxRate) return value;
  return fail("'" + std::string(text) + "' is not a rate: calls a second, up to 1e9");
}

Result<bench::Arrivals> parse_arrivals(std::string_view text) {
  if (text == "constant") return bench::Arrivals::kConstant;
  if (text == "poisson") return bench::Arrivals::kPoisson;
  return fail("'" + std::string(text) + "' is neither constant nor poisson");
}

Result<uint64_t> parse_payload_size(std::string_view text) {
  auto bytes = parse_size(text);
  if (bytes && *bytes > kMaxPayloadBytes) return fail("at most 1GiB");
  return bytes;
}

void add_load_options(CLI::App& command, BenchOptions& options) {
  add_count(command, "-c,--connections", options.connections, 1, kMaxConnections,
            "connections, of all threads and to all targets together")
      ->default_str(std::to_string(options.connections));
  add_count(command, "-m,--streams", options.streams, 1, kMaxStreams,
            "calls in flight on each connection")
      ->default_str(std::to_string(options.streams));
  add_count(command, "-t,--threads", options.threads, 1, kMaxThreads,
            "threads that share the connections")
      ->default_str(std::to_string(options.threads));
  CLI::Option* count =
      add_count(command, "-n,--count", options.count, 1, UINT64_MAX - 1, "end after so many calls");
  add_positive_duration(command, "-z,--duration", options.duration, "end after so long")
      ->default_str(format_duration(options.duration))
      ->excludes(count);
  add_parsed(command, "--rps", options.rate, parse_rate,
             "open loop: start so many calls a second, ready or not; without it each stream makes "
             "call after call")
      ->type_name("RATE");
  add_parsed(command, "--arrivals", options.arrivals, parse_arrivals,
             "of an open loop: constant or poisson")
      ->type_name("KIND")
      ->default_str("constant");
  add_duration(command, "--warmup", options.warmup, "load before the measurement begins")
      ->default_str("0");
}

}  // namespace

void add_bench_options(CLI::App& command, BenchOptions& options, KeyFlag key) {
  add_target_options(command, options.target, key);
  add_load_options(command, options);
  add_channel_flags(command, options.channel);
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
  command.add_flag("--json", options.json, "print the report as one JSON document");
  command.add_flag("--quiet", options.quiet, "no live line on a terminal");
}

Result<void> check_bench_options(const BenchOptions& options) {
  if (options.connections < options.threads) {
    return fail("-t " + std::to_string(options.threads) + " with -c " +
                std::to_string(options.connections) +
                ": each thread needs a connection of its own");
  }
  for (const net::Address& address : options.target.servers.addresses) {
    if (address.transport != net::Transport::kFd || options.connections <= 1) continue;
    return fail(net::to_string(address) + " is one connection: -c 1");
  }
  const uint64_t shares = options.threads * options.target.servers.addresses.size();
  const bool takes_all = options.target.servers.is_list() && !options.channel.picks_first();
  if (takes_all && options.connections % shares != 0) {
    return fail("-c " + std::to_string(options.connections) + " for " +
                std::to_string(options.target.servers.addresses.size()) + " targets and " +
                std::to_string(options.threads) + " threads: make it a multiple of " +
                std::to_string(shares));
  }
  if (options.connections * options.streams > kMaxInFlight) {
    return fail("-c " + std::to_string(options.connections) + " times -m " +
                std::to_string(options.streams) + " is more than " + format_count(kMaxInFlight) +
                " calls in flight");
  }
  return {};
}

void add_bench_command(CLI::App& app, int& exit_code) {
  CLI::App& bench = *app.add_subcommand("bench", "the load generator");
  bench.require_subcommand(1);
  const auto options = std::make_shared<BenchOptions>();
  CLI::App& echo = *bench.add_subcommand("echo", "echo calls, every byte of every reply checked");
  add_bench_options(echo, *options);
  add_parsed(echo, "--size", options->payload_bytes, parse_payload_size, "payload of each call")
      ->type_name("SIZE")
      ->default_str("16");
  echo.footer(
      "Assertions: p50 … p99.99, min, mean, max, stddev (durations), errors (a number or 0.1%),\n"
      "calls, rps; with < <= > >= == !=. Latencies are the corrected ones.\n\n"
      "Examples:\n"
      "  saker bench echo -c 10 -m 100 -z 5s\n"
      "  saker bench echo unix:/run/saker.sock -n 1000000 --json\n"
      "  saker bench echo vsock:3:50051 --rps 100000 --warmup 1s --assert 'p99<1ms,errors==0'");
  echo.callback([options, &exit_code] {
    exit_code = run_bench(*options, EchoWorkload(options->payload_bytes));
  });
  add_bench_call_command(bench, exit_code);
  add_bench_sign_command(bench, exit_code);
  bench.footer("Example:\n  saker bench echo 127.0.0.1:50051 -c 10 -m 100 -z 5s");
}

}  // namespace saker::app

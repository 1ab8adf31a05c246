#include "bench_load_options.h"

#include <algorithm>
#include <charconv>

#include "command_line.h"
#include "saker/base/quantity.h"

namespace saker::app {
namespace {

constexpr uint64_t kMaxConnections = 1'000'000;
constexpr uint64_t kMaxStreams = 1'000'000;
constexpr uint64_t kMaxThreads = 1024;
constexpr uint64_t kMaxRounds = 10'000;
constexpr size_t kMaxCompared = 8;

struct UsualTarget {
  std::string_view word;
  std::string_view address;
};
constexpr UsualTarget kUsualTargets[] = {
    {"tcp", kDefaultTarget},
    {"unix", "unix:/run/saker/saker.sock"},  // of deploy/systemd
    {"vsock", "vsock:1:50051"},
};

Result<bench::Arrivals> parse_arrivals(std::string_view text) {
  if (text == "constant") return bench::Arrivals::kConstant;
  if (text == "poisson") return bench::Arrivals::kPoisson;
  return fail("'" + std::string(text) + "' is neither constant nor poisson");
}

// Of one: "2%" is 0.02.
Result<double> parse_resolution(std::string_view text) {
  std::string_view number = text;
  if (number.ends_with('%')) number.remove_suffix(1);
  double percent = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), percent);
  const bool whole = error == std::errc() && end == number.data() + number.size();
  if (whole && percent >= 0.1 && percent <= 50) return percent / 100;
  return fail("'" + std::string(text) + "' is no share of 0.1% to 50%");
}

CLI::Option* add_schedule(CLI::App& command, BenchOptions& options) {
  const auto assign = [&options](const std::string& text) {
    auto plan = bench::RatePlan::parse(text);
    if (!plan) return;
    options.plan = *std::move(plan);
    options.duration = options.plan.length();
  };
  const auto check = [](const std::string& text) {
    const auto plan = bench::RatePlan::parse(text);
    return plan ? std::string() : plan.error().message;
  };
  return command
      .add_option_function<std::string>(
          "--schedule", assign,
          "open loop at rates that change, like 'ramp 1k..50k 30s; hold 60s; step 10k,20k 10s'")
      ->check(check)
      ->type_name("PLAN");
}

Result<net::Address> parse_compared_one(std::string_view text) {
  const auto usual = std::ranges::find(kUsualTargets, text, &UsualTarget::word);
  return net::parse_address(usual != std::end(kUsualTargets) ? usual->address : text);
}

// A comma inside a Unix path stays one where what follows it is no address; the same address may be
// there twice, to see what noise comes to.
Result<std::vector<net::Target>> parse_compared(std::string_view text) {
  std::vector<net::Target> targets;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(',', at), text.size());
    auto address = parse_compared_one(text.substr(at, end - at));
    if (!address) return std::unexpected(address.error());
    while (address->transport == net::Transport::kUnix && end < text.size()) {
      const size_t next = std::min(text.find(',', end + 1), text.size());
      if (parse_compared_one(text.substr(end + 1, next - end - 1))) break;
      end = next;
      address = net::parse_address(text.substr(at, end - at));
      if (!address) return std::unexpected(address.error());
    }
    targets.emplace_back(*std::move(address));
    at = end + 1;
  }
  if (targets.size() <= kMaxCompared) return targets;
  return fail("at most " + std::to_string(kMaxCompared) + " targets");
}

// TARGET, where it is given, is the first one.
CLI::Option* add_compare(CLI::App& command, BenchOptions& options) {
  const CLI::Option* target = command.get_option("TARGET");
  const auto assign = [&options, target](const std::string& text) {
    auto targets = parse_compared(text);
    if (!targets) return;
    options.compare = *std::move(targets);
    const bool is_new = options.compare.front() != options.target.servers;
    if (target->count() > 0 && is_new) {
      options.compare.insert(options.compare.begin(), options.target.servers);
    }
    options.target.servers = options.compare.front();
  };
  const auto check = [](const std::string& text) {
    const auto targets = parse_compared(text);
    return targets ? std::string() : targets.error().message;
  };
  return command
      .add_option_function<std::string>(
          "--compare", assign,
          "the same load to TARGET, if given, and to each of these in turns, and by how much "
          "they differ from the first; tcp, unix and vsock are 127.0.0.1:50051, "
          "unix:/run/saker/saker.sock and vsock:1:50051")
      ->check(check)
      ->type_name("TARGETS");
}

// What turns one run into several.
void add_round_options(CLI::App& command, BenchOptions& options,
                       const std::vector<CLI::Option*>& of_one_run) {
  CLI::Option* find_max = command.add_flag(
      "--find-max", options.find_max,
      "search the highest rate at which all of --assert holds, from --rps on (default: 1000); exit "
      "code 99 when there is none");
  CLI::Option* compare = add_compare(command, options)->excludes(find_max);
  for (CLI::Option* option : of_one_run) {
    find_max->excludes(option);
    compare->excludes(option);
  }
  add_positive_duration(command, "--round", options.round,
                        "of --find-max and --compare: of each round")
      ->default_str(format_duration(kUsualRound));
  add_count(command, "--rounds", options.rounds, 2, kMaxRounds,
            "of --compare: so many at each target")
      ->default_str(std::to_string(kUsualRounds));
  add_parsed(command, "--resolution", options.resolution, parse_resolution,
             "of --find-max: how close the answer has to be, 0.1% to 50%")
      ->type_name("PERCENT")
      ->default_str("2%")
      ->needs(find_max);
}

}  // namespace

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
  CLI::Option* duration =
      add_positive_duration(command, "-z,--duration", options.duration, "end after so long")
          ->default_str(format_duration(options.duration))
          ->excludes(count);
  CLI::Option* rate =
      add_parsed(command, "--rps", options.rate, bench::parse_rate,
                 "open loop: start so many calls a second (20k, 1.5M), ready or not; without it "
                 "each stream makes call after call")
          ->type_name("RATE");
  CLI::Option* schedule = add_schedule(command, options);
  schedule->excludes(count)->excludes(duration)->excludes(rate);
  add_round_options(command, options, {count, duration, schedule});
  add_parsed(command, "--arrivals", options.arrivals, parse_arrivals,
             "of an open loop: constant or poisson")
      ->type_name("KIND")
      ->default_str("constant");
  add_count(command, "--churn", options.churn_calls, 1, UINT32_MAX,
            "replace each connection once it has taken so many calls; no call fails by it");
  add_positive_duration(command, "--churn-every", options.churn_every,
                        "replace each connection when it is so old, give or take a tenth");
  add_duration(command, "--warmup", options.warmup, "load before the measurement begins")
      ->default_str("0");
}

}  // namespace saker::app

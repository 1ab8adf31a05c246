#include "bench_report.h"

#include <sys/resource.h>

#include <algorithm>

#include "bench_flags.h"
#include "build_info.h"
#include "command_line.h"
#include "printable.h"
#include "saker/base/quantity.h"
#include "version.h"

namespace saker::app {
namespace {

// Of this process's whole life (getrusage(2) counts in KiB); 0 where it is not known.
uint64_t peak_resident_bytes() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

std::string transport_of(const net::Target& target) {
  const net::Transport first = target.addresses.front().transport;
  const bool is_one = std::ranges::all_of(
      target.addresses, [&](const net::Address& address) { return address.transport == first; });
  return is_one ? std::string(net::transport_name(first)) : "mixed";
}

std::string name_of(rpc::MethodKind kind) {
  switch (kind) {
    case rpc::MethodKind::kUnary:
      break;
    case rpc::MethodKind::kClientStreaming:
      return "client";
    case rpc::MethodKind::kServerStreaming:
      return "server";
    case rpc::MethodKind::kBidiStreaming:
      return "bidi";
  }
  return {};
}

void add_settings(const BenchOptions& options, bench::Report& report) {
  report.target = net::to_string(options.target.servers);
  report.transport = transport_of(options.target.servers);
  if (options.target.uses_tls()) report.transport += "+tls";
  report.connections = static_cast<uint32_t>(options.connections);
  report.streams_per_connection = static_cast<uint32_t>(options.streams);
  report.threads = static_cast<uint32_t>(options.threads);
  report.intended_rate = options.mean_rate();
  report.schedule = options.plan.text();
  report.arrivals = options.arrivals;
  report.churns = options.churns();
  report.payload_bytes = options.payload_bytes;
  report.stream = name_of(options.kind);
  report.messages_per_stream = options.messages;
  report.warmup = options.warmup;
  report.environment = facts_of(options);
}

void add_result(const BenchResult& result, bench::Report& report) {
  report.calls += result.calls;
  report.errors += result.errors;
  report.wrong_replies += result.wrong_replies;
  report.unfinished += result.unfinished;
  report.bytes_sent += result.bytes_sent;
  report.bytes_received += result.bytes_received;
  report.corrected.merge(result.corrected);
  report.uncorrected.merge(result.uncorrected);
  report.thread_cpu.push_back(result.cpu);
  report.switches.voluntary += result.switches.voluntary;
  report.switches.involuntary += result.switches.involuntary;
  report.max_schedule_lag = std::max(report.max_schedule_lag, result.max_lag);
  report.late_calls += result.late_calls;
  report.connects.merge(result.connects);
  report.messages += result.messages_sum;
  report.message_gaps.merge(result.messages.gaps());
}

void add_backends(const BenchResult& result, bench::Report& report) {
  for (const rpc::BackendCalls& backend : result.backends) {
    const auto known =
        std::ranges::find(report.backends, backend.backend, &bench::BackendCount::name);
    if (known != report.backends.end()) {
      known->calls += backend.calls;
    } else {
      report.backends.push_back({backend.backend, backend.calls});
    }
  }
}

void add_statuses(const std::vector<const BenchResult*>& results, bench::Report& report) {
  for (size_t code = 0; code < grpc::kStatusCodeCount; ++code) {
    uint64_t calls = 0;
    for (const BenchResult* result : results) calls += result->by_code[code];
    if (calls == 0) continue;
    const auto name = grpc::status_code_name(static_cast<grpc::StatusCode>(code));
    report.by_status.push_back({std::string(name), static_cast<int>(code), calls});
  }
}

void add_stream_warnings(const std::vector<const BenchResult*>& results, bench::Report& report) {
  uint64_t broken = 0;
  uint64_t cut = 0;
  std::string first_broken;
  for (const BenchResult* result : results) {
    broken += result->messages.broken();
    cut += result->cut_streams;
    if (first_broken.empty()) first_broken = result->messages.first_broken();
  }
  if (broken > 0) {
    report.warnings.push_back(
        format_count(broken) +
        " streams broke between messages, the first: " + printable(first_broken));
  }
  if (cut > 0) {
    report.warnings.push_back(format_count(cut) +
                              " streams did not end when there were no more messages");
  }
}

void add_warnings(const BenchOptions& options, const std::vector<const BenchResult*>& results,
                  bench::Report& report) {
  bool lost = false;
  std::string first_error;
  for (const BenchResult* result : results) {
    lost = lost || result->lost_server;
    if (first_error.empty()) first_error = result->first_error;
  }
  // A server's words may be in it.
  if (!first_error.empty()) {
    report.warnings.push_back("the first error: " + printable(first_error));
  }
  if (lost) {
    report.warnings.push_back("the run ended early: the server was away for " +
                              format_duration(options.connect_timeout));
  }
  if (std::string_view(SAKER_BUILD_TYPE) != "Release") {
    report.warnings.push_back("a " SAKER_BUILD_TYPE " build: the figures mean nothing");
  }
}

// Time is CLOCK_MONOTONIC's, as the standard library's steady clock is.
int64_t unix_ms_of(Time time) {
  const auto passed = std::chrono::steady_clock::now().time_since_epoch() - time.time_since_epoch();
  const auto then = std::chrono::system_clock::now() - passed;
  return std::chrono::duration_cast<std::chrono::milliseconds>(then.time_since_epoch()).count();
}

void add_timeline(const std::vector<const BenchResult*>& results, const ServerWatch& server,
                  bench::Report& report) {
  bench::Timeline timeline = server.timeline();
  for (const BenchResult* result : results) timeline.merge(result->timeline);
  report.interval = timeline.interval();
  report.timeline = timeline.rows(report.duration);
}

}  // namespace

// What a round needs before its figures count: caches, windows, and the backlog of the round before.
BenchOptions BenchOptions::of_round() const {
  constexpr int kWarmupShare = 10;
  BenchOptions options = *this;
  if (options.round == Duration::zero()) options.round = kUsualRound;
  if (options.rounds == 0) options.rounds = kUsualRounds;
  options.duration = options.round;
  options.warmup = std::max(warmup, options.round / kWarmupShare);
  return options;
}

bool BenchOptions::judges_errors() const {
  return std::ranges::any_of(assertions, [](const bench::Assertion& assertion) {
    return assertion.metric == bench::Metric::kErrors ||
           assertion.metric == bench::Metric::kErrorPercent;
  });
}

bench::Facts facts_of(const BenchOptions& options) {
  bench::Facts facts = build_facts();
  for (auto& fact : machine_facts()) facts.push_back(std::move(fact));
  facts.emplace_back("command", command_line());
  facts.emplace_back("flags", shown_flags(options));
  return facts;
}

bench::Report build_report(const BenchOptions& options, const std::string& method,
                           const std::vector<const BenchResult*>& results,
                           const ServerWatch& server) {
  bench::Report report;
  report.method = method;
  add_settings(options, report);
  Time started = kNever;
  Time ended{};
  for (const BenchResult* result : results) {
    started = std::min(started, result->started_at);
    ended = std::max(ended, result->ended_at);
    add_result(*result, report);
    add_backends(*result, report);
  }
  report.duration = ended - started;
  report.started_at_unix_ms = unix_ms_of(started);
  report.peak_resident_bytes = peak_resident_bytes();
  report.server = server.load();
  add_timeline(results, server, report);
  add_statuses(results, report);
  add_warnings(options, results, report);
  add_stream_warnings(results, report);
  report.broken_assertions = bench::broken_assertions(options.assertions, report);
  return report;
}

void add_phases(const BenchOptions& options, std::vector<bench::PhaseFigures> figures,
                bool ended_early, bench::Report& report) {
  for (size_t i = 0; i < figures.size(); ++i) {
    const bench::Phase& phase = options.plan.phases()[i];
    const Duration came = ended_early ? report.duration - phase.begin : phase.length;
    if (came <= Duration::zero()) return;
    report.phases.push_back({phase, std::min(phase.length, came), std::move(figures[i])});
  }
}

bench::Report settings_of(const bench::Report& report) {
  bench::Report settings;
  settings.intended_rate = report.intended_rate;
  settings.target = report.target;
  settings.transport = report.transport;
  settings.method = report.method;
  settings.connections = report.connections;
  settings.streams_per_connection = report.streams_per_connection;
  settings.threads = report.threads;
  settings.arrivals = report.arrivals;
  settings.payload_bytes = report.payload_bytes;
  settings.stream = report.stream;
  settings.messages_per_stream = report.messages_per_stream;
  settings.warmup = report.warmup;
  settings.environment = report.environment;
  settings.warnings = report.warnings;
  return settings;
}

int exit_code_of(const BenchOptions& options, const bench::Report& report, bool interrupted) {
  if (interrupted) return kExitInterrupted;
  if (!report.broken_assertions.empty()) return kExitAssertion;
  if (report.unfinished > 0 || report.calls == 0) return kExitFailed;
  return report.errors > 0 && !options.judges_errors() ? kExitFailed : kExitOk;
}

}  // namespace saker::app

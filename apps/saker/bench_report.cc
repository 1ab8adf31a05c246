#include "bench_report.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "build_info.h"
#include "command_line.h"
#include "saker/base/quantity.h"
#include "version.h"

namespace saker::app {
namespace {

constexpr Duration kLivePeriod = std::chrono::milliseconds(200);

std::string shown_flags(const BenchOptions& options) {
  std::string text = "-c " + std::to_string(options.connections) + " -m " +
                     std::to_string(options.streams) + " -t " + std::to_string(options.threads);
  text += options.count != 0 ? " -n " + std::to_string(options.count)
                             : " -z " + format_duration(options.duration);
  text += " --size " + std::to_string(options.payload_bytes);
  if (options.rate > 0) text += " --rps " + format_count(static_cast<uint64_t>(options.rate));
  if (options.deadline > Duration::zero())
    text += " --deadline " + format_duration(options.deadline);
  if (options.warmup > Duration::zero()) text += " --warmup " + format_duration(options.warmup);
  if (options.busy_poll > Duration::zero()) {
    text += " --busy-poll " + format_duration(options.busy_poll);
  }
  return text;
}

Facts environment(const BenchOptions& options) {
  Facts facts = build_facts();
  for (auto& fact : machine_facts()) facts.push_back(std::move(fact));
  facts.emplace_back("flags", shown_flags(options));
  return facts;
}

void add_settings(const BenchOptions& options, bench::Report& report) {
  report.target = net::to_string(options.target.address);
  report.transport = net::transport_name(options.target.address.transport);
  report.connections = static_cast<uint32_t>(options.connections);
  report.streams_per_connection = static_cast<uint32_t>(options.streams);
  report.threads = static_cast<uint32_t>(options.threads);
  report.intended_rate = options.rate;
  report.arrivals = options.arrivals;
  report.payload_bytes = options.payload_bytes;
  report.warmup = options.warmup;
  report.environment = environment(options);
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
  report.max_schedule_lag = std::max(report.max_schedule_lag, result.max_lag);
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

void add_warnings(const BenchOptions& options, const std::vector<const BenchResult*>& results,
                  bench::Report& report) {
  bool lost = false;
  std::string first_error;
  for (const BenchResult* result : results) {
    lost = lost || result->lost_server;
    if (first_error.empty()) first_error = result->first_error;
  }
  if (!first_error.empty()) report.warnings.push_back("the first error: " + first_error);
  if (lost) {
    report.warnings.push_back("the run ended early: the server was away for " +
                              format_duration(options.connect_timeout));
  }
  if (std::string_view(SAKER_BUILD_TYPE) != "Release") {
    report.warnings.push_back("a " SAKER_BUILD_TYPE " build: the figures mean nothing");
  }
}

bool judges_errors(const bench::Assertion& assertion) {
  return assertion.metric == bench::Metric::kErrors ||
         assertion.metric == bench::Metric::kErrorPercent;
}

}  // namespace

bench::Report build_report(const BenchOptions& options, const std::string& method,
                           const std::vector<const BenchResult*>& results) {
  bench::Report report;
  report.method = method;
  add_settings(options, report);
  Time started = kNever;
  Time ended{};
  for (const BenchResult* result : results) {
    started = std::min(started, result->started_at);
    ended = std::max(ended, result->ended_at);
    add_result(*result, report);
  }
  report.duration = ended - started;
  add_statuses(results, report);
  add_warnings(options, results, report);
  report.broken_assertions = bench::broken_assertions(options.assertions, report);
  return report;
}

int exit_code_of(const BenchOptions& options, const bench::Report& report, bool interrupted) {
  if (interrupted) return kExitInterrupted;
  if (!report.broken_assertions.empty()) return kExitAssertion;
  if (report.unfinished > 0 || report.calls == 0) return kExitFailed;
  const bool judged = std::ranges::any_of(options.assertions, judges_errors);
  return report.errors > 0 && !judged ? kExitFailed : kExitOk;
}

LiveLine::LiveLine(const BenchOptions& options) : options_(options) {
  if (!options.quiet && isatty(STDERR_FILENO) == 1) period_ = kLivePeriod;
}

void LiveLine::show(const BenchProgress& progress) {
  const double seconds = std::chrono::duration<double>(progress.elapsed - last_.elapsed).count();
  const double rate = seconds > 0 ? static_cast<double>(progress.calls - last_.calls) / seconds : 0;
  std::string line = format_count(progress.calls) + " calls  " +
                     format_count(static_cast<uint64_t>(rate)) + "/s  " +
                     format_count(progress.errors) + " errors  ";
  if (progress.elapsed < Duration::zero()) {
    line = "warming up";
  } else if (options_.count != 0) {
    line += std::to_string(progress.calls * 100 / options_.count) + "%";
  } else {
    const auto left = std::chrono::ceil<std::chrono::seconds>(options_.duration - progress.elapsed);
    line += format_duration(std::max<Duration>(left, Duration::zero())) + " left";
  }
  std::cerr << "\r\x1b[K" << line << std::flush;
  last_ = progress;
  shown_ = true;
}

void LiveLine::clear() {
  if (shown_) std::cerr << "\r\x1b[K" << std::flush;
}

}  // namespace saker::app

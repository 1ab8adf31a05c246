// Figures derived from a report, and the warnings that keep a report honest: a generator that is
// itself the bottleneck, or that falls behind its schedule, measures itself.
// Shared by the text and the JSON form.
#include "saker/bench/report.h"

#include <algorithm>
#include <cmath>

#include "saker/base/quantity.h"

namespace saker::bench {
namespace {

constexpr double kSaturatedThread = 0.95;
constexpr double kReachedRate = 0.99;
constexpr Duration kToleratedLag = std::chrono::milliseconds(10);

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string whole(double value) {
  return format_count(static_cast<uint64_t>(std::llround(value)));
}

}  // namespace

double calls_per_second(const Report& report) {
  return report.duration > Duration::zero()
             ? static_cast<double>(report.calls) / seconds(report.duration)
             : 0;
}

double messages_per_second(const Report& report) {
  return report.duration > Duration::zero()
             ? static_cast<double>(report.messages) / seconds(report.duration)
             : 0;
}

double error_rate(const Report& report) {
  return report.calls > 0 ? static_cast<double>(report.errors) / static_cast<double>(report.calls)
                          : 0;
}

double busiest_thread(const Report& report) {
  if (report.thread_cpu.empty() || report.duration <= Duration::zero()) return 0;
  return seconds(std::ranges::max(report.thread_cpu)) / seconds(report.duration);
}

bool is_generator_limited(const Report& report) {
  return busiest_thread(report) >= kSaturatedThread || report.late_calls > report.calls / 100;
}

Duration client_cpu(const Report& report) {
  Duration total{};
  for (const Duration cpu : report.thread_cpu) total += cpu;
  return total;
}

ProcessLoad client_load(const Report& report) {
  return {client_cpu(report), report.switches, report.peak_resident_bytes};
}

std::vector<std::string> all_warnings(const Report& report) {
  std::vector<std::string> all = report.warnings;
  if (report.warnings_are_all) return all;
  if (const double busy = busiest_thread(report); busy >= kSaturatedThread) {
    all.push_back("the generator may be the bottleneck: its busiest thread used " +
                  whole(busy * 100) + "% of a CPU (more threads, or a machine of its own)");
  }
  if (report.open_loop() && calls_per_second(report) < kReachedRate * report.intended_rate) {
    all.push_back("the rate was not reached: " + whole(calls_per_second(report)) + " of " +
                  whole(report.intended_rate) + " calls/s");
  }
  if (report.open_loop() && report.max_schedule_lag > kToleratedLag) {
    all.push_back("calls were sent up to " + format_duration(report.max_schedule_lag) +
                  " late: read the corrected latencies");
  }
  if (report.unfinished > 0) {
    all.push_back(format_count(report.unfinished) +
                  " calls were still in flight at the end; they are in no figure");
  }
  return all;
}

}  // namespace saker::bench

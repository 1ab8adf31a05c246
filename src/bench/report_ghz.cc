// The report as ghz sums up, line by line and unit by unit, for what reads ghz's text: ten bars of
// equal width between the fastest and the slowest call, then percentiles, statuses and errors.
// Latencies are the corrected ones; ghz has no others.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "saker/bench/report_format.h"

namespace saker::bench {
namespace {

constexpr size_t kBars = 10;
constexpr uint64_t kBarColumns = 40;
constexpr std::string_view kBar = "∎";

std::string with_decimals(double value, int decimals, const char* unit) {
  char text[64];
  (void)std::snprintf(text, sizeof text, "%.*f%s", decimals, value, unit);
  return text;
}

// As Go prints a duration's largest unit, with two decimals: "850 ns" "12.34 µs" "1.32 ms" "5.00 s".
std::string in_unit(Duration duration) {
  const auto ns = static_cast<double>(duration.count());
  if (ns < 1e3) return with_decimals(ns, 0, " ns");
  if (ns < 1e6) return with_decimals(ns / 1e3, 2, " µs");
  if (ns < 1e9) return with_decimals(ns / 1e6, 2, " ms");
  return with_decimals(ns / 1e9, 2, " s");
}

// Names of codes as Go has them: "OK", "Unavailable", "DeadlineExceeded".
std::string in_go(const std::string& name) {
  if (name == "OK") return name;
  if (name == "CANCELLED") return "Canceled";
  std::string out;
  bool starts_word = true;
  for (const char c : name) {
    if (c != '_') out += starts_word || c < 'A' || c > 'Z' ? c : static_cast<char>(c - 'A' + 'a');
    starts_word = c == '_';
  }
  return out;
}

void append_histogram(std::string& out, const Histogram& histogram) {
  const auto fastest = static_cast<double>(histogram.min().count());
  const double width = (static_cast<double>(histogram.max().count()) - fastest) / kBars;
  std::array<uint64_t, kBars + 1> counts{};  // the first bar is the fastest call's
  histogram.each_bucket([&](uint64_t lowest_ns, uint64_t, uint64_t count) {
    const double bar =
        width > 0 ? std::ceil((static_cast<double>(lowest_ns) - fastest) / width) : 0.0;
    counts[static_cast<size_t>(std::clamp(bar, 0.0, static_cast<double>(kBars)))] += count;
  });
  const uint64_t most = std::max<uint64_t>(1, std::ranges::max(counts));
  for (size_t i = 0; i < counts.size(); ++i) {
    const double mark_ms = (fastest + width * static_cast<double>(i)) / 1e6;
    out += "  " + with_decimals(mark_ms, 3, " [") + std::to_string(counts[i]) + "]\t|";
    for (uint64_t bar = (counts[i] * kBarColumns + most / 2) / most; bar > 0; --bar) out += kBar;
    out += "\n";
  }
}

void append_statuses(std::string& out, const Report& report) {
  out += "\nStatus code distribution:\n";
  size_t longest = 0;
  for (const StatusCount& status : report.by_status) {
    if (status.calls > 0) longest = std::max(longest, in_go(status.name).size());
  }
  for (const StatusCount& status : report.by_status) {
    if (status.calls == 0) continue;
    const std::string name = in_go(status.name);
    out += "  [" + name + "]" + std::string(longest - name.size() + 3, ' ') +
           std::to_string(status.calls) + " responses   \n";
  }
}

void append_errors(std::string& out, const Report& report) {
  if (report.errors == 0) return;
  out += "\nError distribution:\n";
  for (const StatusCount& status : report.by_status) {
    if (status.code == 0 || status.calls == 0) continue;
    out += "  [" + std::to_string(status.calls) + "]   rpc error: code = " + in_go(status.name) +
           "   \n";
  }
  if (report.wrong_replies > 0) {
    out += "  [" + std::to_string(report.wrong_replies) + "]   wrong reply   \n";
  }
}

}  // namespace

std::string format_ghz(const Report& report) {
  const Histogram& latency = report.corrected;
  std::string out = "\nSummary:\n  Count:\t" + std::to_string(report.calls);
  out += "\n  Total:\t" + in_unit(report.duration) + "\n  Slowest:\t" + in_unit(latency.max());
  out += "\n  Fastest:\t" + in_unit(latency.min()) + "\n  Average:\t" + in_unit(latency.mean());
  out += "\n  Requests/sec:\t" + with_decimals(calls_per_second(report), 2, "\n");
  out += "\nResponse time histogram:\n";
  append_histogram(out, latency);
  out += "\nLatency distribution:\n";
  for (const int percent : {10, 25, 50, 75, 90, 95, 99}) {
    out += "  " + std::to_string(percent) + " % in " + in_unit(latency.percentile(percent)) + " \n";
  }
  append_statuses(out, report);
  append_errors(out, report);
  return out + "\n";
}

}  // namespace saker::bench

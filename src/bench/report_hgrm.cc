// HdrHistogram's percentile distribution, as its outputPercentileDistribution() prints it and its
// plotters read it: the values at percentiles that come closer and closer to 100 %, five for each
// half of the distance that is left. Six decimals of a millisecond are nanoseconds.
#include <cmath>
#include <cstdio>

#include "saker/bench/report_format.h"

namespace saker::bench {
namespace {

constexpr double kTicksPerHalf = 5;
constexpr double kNsPerMs = 1e6;

double next_level(double level) {
  const double halves = std::floor(std::log2(100 / (100 - level))) + 1;
  return level + 100 / (kTicksPerHalf * std::exp2(halves));
}

void append_line(std::string& out, double value_ms, double level, uint64_t total) {
  char line[128];
  if (level < 100) {
    (void)std::snprintf(line, sizeof line, "%12.6f %2.12f %10llu %14.2f\n", value_ms, level / 100,
                        static_cast<unsigned long long>(total), 1 / (1 - level / 100));
  } else {
    (void)std::snprintf(line, sizeof line, "%12.6f %2.12f %10llu\n", value_ms, 1.0,
                        static_cast<unsigned long long>(total));
  }
  out += line;
}

double ms(Duration duration) {
  return static_cast<double>(duration.count()) / kNsPerMs;
}

}  // namespace

std::string format_hgrm(const Report& report) {
  const Histogram& histogram = report.corrected;
  char line[160];
  (void)std::snprintf(line, sizeof line, "%12s %14s %10s %14s\n\n", "Value", "Percentile",
                      "TotalCount", "1/(1-Percentile)");
  std::string out = line;
  const auto all = static_cast<double>(histogram.count());
  const auto max_ns = static_cast<uint64_t>(histogram.max().count());
  double level = 0;
  uint64_t total = 0;
  histogram.each_bucket([&](uint64_t, uint64_t highest_ns, uint64_t count) {
    total += count;
    const bool is_last = total == histogram.count();
    const double value_ms = static_cast<double>(is_last ? max_ns : highest_ns) / kNsPerMs;
    while (100 * static_cast<double>(total) / all >= level) {
      append_line(out, value_ms, level, total);
      level = next_level(level);
      if (is_last) break;
    }
  });
  if (!histogram.empty()) append_line(out, ms(histogram.max()), 100, total);
  (void)std::snprintf(line, sizeof line, "#[Mean    = %12.6f, StdDeviation   = %12.6f]\n",
                      ms(histogram.mean()), ms(histogram.stddev()));
  out += line;
  (void)std::snprintf(line, sizeof line, "#[Max     = %12.6f, Total count    = %12llu]\n",
                      ms(histogram.max()), static_cast<unsigned long long>(histogram.count()));
  out += line;
  (void)std::snprintf(line, sizeof line, "#[Buckets = %12u, SubBuckets     = %12u]\n",
                      Histogram::kDoublings, 2u << Histogram::kHalfBits);
  out += line;
  append_comments(out, report.environment);
  return out;
}

}  // namespace saker::bench

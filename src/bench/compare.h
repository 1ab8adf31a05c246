// compare_reports(): is B slower than A? Ratios B / A with intervals of 95 % confidence, so that a
// difference is told from noise before it is called one.
//
//   rate, CPU a call   resampling of the timeline's rows (bootstrap, 2,000 rounds, a fixed seed): a
//                      second is what repeats, with all its ups and downs
//   percentiles        order statistics: the rank of a percentile among n calls varies with the
//                      binomial distribution, and the histogram knows the latencies at both ends.
//                      Calls of one second are not independent, though; where the timeline has the
//                      same percentile (p50, p99), the wider of this and a bootstrap of it counts
//
// A figure has regressed when the whole interval is beyond the tolerance, on the worse side. Same
// reports, same result, to the last digit. Knows no file and no exit code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "saker/bench/report.h"

namespace saker::bench {

struct Interval {
  double low = 0;
  double high = 0;
};

enum class Verdict : uint8_t {
  kSame,       // within the tolerance, or not certainly beyond it
  kBetter,     // certainly beyond it, on the good side
  kRegressed,  // certainly beyond it
  kUnknown,    // no interval: too short a run
};

struct ComparedFigure {
  std::string name;  // "rate", "p99", "client CPU"
  double a = 0;      // calls a second, or nanoseconds
  double b = 0;
  double ratio = 0;                  // b / a
  std::optional<Interval> interval;  // of the ratio
  Verdict verdict = Verdict::kUnknown;
  bool is_rate = false;  // more is better
};

struct ReportComparison {
  std::vector<ComparedFigure> figures;
  std::vector<std::string> notes;  // what else differs: machine, transport, version; errors
  bool more_errors = false;        // B's share of errors is certainly higher

  bool regressed() const;
};

// Why the two cannot be compared: other method, payload or load, or too short a run for intervals.
// Empty: they can.
std::vector<std::string> why_not_comparable(const Report& a, const Report& b);

// `tolerance` 0.05: 5 %.
ReportComparison compare_reports(const Report& a, const Report& b, double tolerance);

// A table of at most 100 columns, then notes, then one line that says how it ends.
std::string format_text(const ReportComparison& comparison, double tolerance);
// Schema "saker.bench-compare/1".
std::string format_json(const ReportComparison& comparison, double tolerance);

}  // namespace saker::bench

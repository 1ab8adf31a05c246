// The parser takes one assertion apart at its operator and asks a table what the metric is measured
// in; the checker is the same table read the other way. Comparisons are exact:
// rounding happens in messages only.
#include "saker/bench/assertion.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "saker/base/quantity.h"

namespace saker::bench {
namespace {

struct Operator {
  std::string_view text;
  Comparison comparison;
};
// Longer ones first: "<=" also starts with "<".
constexpr Operator kOperators[] = {
    {"<=", Comparison::kLessOrEqual}, {">=", Comparison::kGreaterOrEqual},
    {"==", Comparison::kEqual},       {"!=", Comparison::kNotEqual},
    {"<", Comparison::kLess},         {">", Comparison::kGreater},
};

struct NamedMetric {
  std::string_view name;
  Metric metric;
};
constexpr NamedMetric kMetrics[] = {
    {"min", Metric::kMin},
    {"mean", Metric::kMean},
    {"max", Metric::kMax},
    {"stddev", Metric::kStddev},
    {"errors", Metric::kErrors},
    {"calls", Metric::kCalls},
    {"rps", Metric::kCallsPerSecond},
};

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::unexpected<Error> refuse(std::string_view assertion, std::string_view why) {
  std::string message = "assertion '";
  message.append(assertion).append("': ").append(why);
  return fail_in_one_line(std::move(message));
}

// Digits with an optional fraction, nothing else: no sign, exponent, inf or nan.
std::optional<double> parse_number(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos)
    return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_latency(Metric metric) {
  return metric <= Metric::kStddev;
}

Result<void> parse_metric(std::string_view name, Assertion& out) {
  for (const NamedMetric& known : kMetrics) {
    if (name != known.name) continue;
    out.metric = known.metric;
    return {};
  }
  if (name.starts_with('p') && name.size() > 1) {
    const auto percent = parse_number(name.substr(1));
    if (percent) {
      if (*percent <= 0 || *percent > 100)
        return refuse(out.text, "a percentile lies above 0 and up to 100");
      out.metric = Metric::kPercentile;
      out.percent = *percent;
      return {};
    }
  }
  std::string why = "unknown metric '";
  why.append(name).append("'; known: p50 to p99.99, min, mean, max, stddev, errors, calls, rps");
  return refuse(out.text, why);
}

Result<void> parse_limit(std::string_view text, Assertion& out) {
  if (is_latency(out.metric)) {
    const auto duration = parse_duration(text);
    if (!duration) return refuse(out.text, duration.error().message);
    out.limit = static_cast<double>(duration->count());
    return {};
  }
  if (out.metric == Metric::kErrors && text.ends_with('%')) {
    out.metric = Metric::kErrorPercent;
    text = trimmed(text.substr(0, text.size() - 1));
  }
  const auto number = parse_number(text);
  if (!number) {
    std::string why = "'";
    why.append(text).append("' is not a number");
    return refuse(out.text, why);
  }
  out.limit = *number;
  return {};
}

Result<Assertion> parse_assertion(std::string_view text) {
  Assertion out;
  out.text = text;
  const size_t at = text.find_first_of("<>=!");
  if (at == std::string_view::npos) return refuse(text, "an operator is missing: < <= > >= == !=");
  const std::string_view behind = text.substr(at);
  const auto op = std::ranges::find_if(
      kOperators, [&](const Operator& o) { return behind.starts_with(o.text); });
  if (op == std::end(kOperators)) return refuse(text, "unknown operator; known: < <= > >= == !=");
  out.comparison = op->comparison;
  if (auto metric = parse_metric(trimmed(text.substr(0, at)), out); !metric)
    return std::unexpected(metric.error());
  const std::string_view limit = trimmed(behind.substr(op->text.size()));
  if (limit.empty()) return refuse(text, "nothing stands behind the operator");
  if (auto parsed = parse_limit(limit, out); !parsed) return std::unexpected(parsed.error());
  return out;
}

double measured(const Assertion& assertion, const Report& report) {
  const Histogram& latencies = report.corrected;
  switch (assertion.metric) {
    case Metric::kPercentile:
      return static_cast<double>(latencies.percentile(assertion.percent).count());
    case Metric::kMin:
      return static_cast<double>(latencies.min().count());
    case Metric::kMean:
      return static_cast<double>(latencies.mean().count());
    case Metric::kMax:
      return static_cast<double>(latencies.max().count());
    case Metric::kStddev:
      return static_cast<double>(latencies.stddev().count());
    case Metric::kErrors:
      return static_cast<double>(report.errors);
    case Metric::kErrorPercent:
      return error_rate(report) * 100;
    case Metric::kCalls:
      return static_cast<double>(report.calls);
    case Metric::kCallsPerSecond:
      return calls_per_second(report);
  }
  return 0;
}

bool holds(Comparison comparison, double value, double limit) {
  switch (comparison) {
    case Comparison::kLess:
      return value < limit;
    case Comparison::kLessOrEqual:
      return value <= limit;
    case Comparison::kGreater:
      return value > limit;
    case Comparison::kGreaterOrEqual:
      return value >= limit;
    case Comparison::kEqual:
      return value == limit;
    case Comparison::kNotEqual:
      return value != limit;
  }
  return false;
}

std::string shown_number(double value) {
  if (value == std::floor(value) && value < 1e18) return format_count(static_cast<uint64_t>(value));
  char text[64];
  const auto end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::general, 6).ptr;
  return {text, end};
}

// As a double the longest duration is 2^63.
Duration duration_of(double ns) {
  const auto longest = static_cast<double>(Duration::max().count());
  return ns < longest ? Duration(static_cast<int64_t>(ns)) : Duration::max();
}

// The value as a person reads it; in full where rounding would make it look equal to the limit.
std::string shown(const Assertion& assertion, double value) {
  if (!is_latency(assertion.metric)) {
    return shown_number(value) + (assertion.metric == Metric::kErrorPercent ? "%" : "");
  }
  const Duration latency = duration_of(value);
  std::string text = format_duration(latency);
  const bool looks_equal = text == format_duration(duration_of(assertion.limit));
  if (!looks_equal || value == assertion.limit) return text;
  return format_count(static_cast<uint64_t>(latency.count())) + "ns";
}

std::string_view metric_name(const Assertion& assertion) {
  return trimmed(std::string_view(assertion.text).substr(0, assertion.text.find_first_of("<>=!")));
}

}  // namespace

Result<std::vector<Assertion>> parse_assertions(std::string_view list) {
  std::vector<Assertion> all;
  for (;;) {
    const size_t comma = list.find(',');
    const std::string_view text = trimmed(list.substr(0, comma));
    if (text.empty()) return refuse(text, "empty; write something like p99<1ms or errors==0");
    auto assertion = parse_assertion(text);
    if (!assertion) return std::unexpected(assertion.error());
    all.push_back(std::move(*assertion));
    if (comma == std::string_view::npos) return all;
    list.remove_prefix(comma + 1);
  }
}

std::optional<std::string> check_assertion(const Assertion& assertion, const Report& report) {
  std::string message = assertion.text + " broken: ";
  if (is_latency(assertion.metric) && report.corrected.empty()) return message + "no call ended";
  const double value = measured(assertion, report);
  if (holds(assertion.comparison, value, assertion.limit)) return std::nullopt;
  message.append(metric_name(assertion)).append(" = ").append(shown(assertion, value));
  return message;
}

std::vector<std::string> broken_assertions(std::span<const Assertion> assertions,
                                           const Report& report) {
  std::vector<std::string> broken;
  for (const Assertion& assertion : assertions) {
    if (auto message = check_assertion(assertion, report)) broken.push_back(std::move(*message));
  }
  return broken;
}

}  // namespace saker::bench

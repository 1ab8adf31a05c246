// The figures of a comparison, and what makes two reports comparable.
#include "saker/bench/compare.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "saker/base/quantity.h"
#include "saker/bench/bootstrap.h"

namespace saker::bench {
namespace {

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double ns(Duration duration) {
  return static_cast<double>(duration.count());
}

using RowShare = std::function<Share(const TimelineRow& row, double seconds)>;

std::vector<Share> shares(const Report& report, const RowShare& share) {
  std::vector<Share> all;
  const size_t rows = report.timeline.size();
  for (size_t i = 0; i < rows; ++i) {
    all.push_back(
        share(report.timeline[i], seconds(row_length(i, rows, report.duration, report.interval))));
  }
  return all;
}

std::optional<Interval> bootstrap(const Report& a, const Report& b, const RowShare& share) {
  return bootstrap_ratio(shares(a, share), shares(b, share));
}

Verdict judge(const ComparedFigure& figure, double tolerance) {
  if (!figure.interval) return Verdict::kUnknown;
  const bool is_less = figure.interval->high < 1 - tolerance;
  const bool is_more = figure.interval->low > 1 + tolerance;
  if (!is_less && !is_more) return Verdict::kSame;
  return is_less == figure.is_rate ? Verdict::kRegressed : Verdict::kBetter;
}

ComparedFigure figure(std::string name, double a, double b, std::optional<Interval> interval) {
  ComparedFigure figure;
  figure.name = std::move(name);
  figure.a = a;
  figure.b = b;
  figure.ratio = a > 0 ? b / a : 0;
  if (a > 0 && b > 0) figure.interval = interval;
  return figure;
}

ComparedFigure rate(const Report& a, const Report& b) {
  const auto share = [](const TimelineRow& row, double length) {
    return Share{static_cast<double>(row.calls), length};
  };
  ComparedFigure result =
      figure("rate", calls_per_second(a), calls_per_second(b), bootstrap(a, b, share));
  result.is_rate = true;
  return result;
}

// A percentile of rows is weighed by their calls.
RowShare weighed(Duration TimelineRow::* member) {
  return [member](const TimelineRow& row, double) {
    const auto calls = static_cast<double>(row.calls);
    return Share{ns(row.*member) * calls, calls};
  };
}

std::optional<Interval> of_ranks(const Report& a, const Report& b, double percent) {
  const auto in_a = percentile_interval(a.corrected, percent);
  const auto in_b = percentile_interval(b.corrected, percent);
  if (!in_a || !in_b || !(in_a->low > 0)) return std::nullopt;
  return Interval{in_b->low / in_a->high, in_b->high / in_a->low};
}

ComparedFigure percentile(const Report& a, const Report& b, const char* name, double percent,
                          Duration TimelineRow::* member) {
  const double in_a = ns(a.corrected.percentile(percent));
  const double in_b = ns(b.corrected.percentile(percent));
  auto interval = of_ranks(a, b, percent);
  if (member != nullptr && interval) {
    const auto rows = bootstrap(a, b, weighed(member));
    if (!rows) return figure(name, in_a, in_b, std::nullopt);
    // Around the ratio of the whole runs, of which a mean over seconds is only an image.
    const double centre = (rows->low + rows->high) / 2;
    interval->low = std::min(interval->low, in_b / in_a * rows->low / centre);
    interval->high = std::max(interval->high, in_b / in_a * rows->high / centre);
  }
  return figure(name, in_a, in_b, interval);
}

ComparedFigure cpu(const Report& a, const Report& b, const char* name, Duration cpu_a,
                   Duration cpu_b, Duration TimelineRow::* member) {
  const auto share = [member](const TimelineRow& row, double) {
    return Share{ns(row.*member), static_cast<double>(row.calls)};
  };
  const auto per_call = [](Duration cpu, uint64_t calls) {
    return calls > 0 ? ns(cpu) / static_cast<double>(calls) : 0;
  };
  return figure(name, per_call(cpu_a, a.calls), per_call(cpu_b, b.calls), bootstrap(a, b, share));
}

// Wilson's interval for the share of errors.
Interval error_interval(const Report& report) {
  const auto n = static_cast<double>(std::max<uint64_t>(report.calls, 1));
  const double share = error_rate(report);
  constexpr double kSquare = 1.96 * 1.96;
  const double centre = (share + kSquare / (2 * n)) / (1 + kSquare / n);
  const double half =
      1.96 / (1 + kSquare / n) * std::sqrt(share * (1 - share) / n + kSquare / (4 * n * n));
  return {centre - half, centre + half};
}

std::string fact(const Report& report, std::string_view name) {
  const auto found =
      std::ranges::find(report.environment, name, &std::pair<std::string, std::string>::first);
  return found == report.environment.end() ? "unknown" : found->second;
}

void note_difference(std::vector<std::string>& notes, const std::string& what, const std::string& a,
                     const std::string& b) {
  if (a != b) notes.push_back(what + ": " + a + " in A, " + b + " in B");
}

std::vector<std::string> notes_on(const Report& a, const Report& b) {
  std::vector<std::string> notes;
  note_difference(notes, "transport", a.transport, b.transport);
  for (const char* name : {"cpu", "cpus", "affinity", "kernel", "build"}) {
    note_difference(notes, name, fact(a, name), fact(b, name));
  }
  if (a.errors + b.errors > 0) {
    notes.push_back("errors: " + format_count(a.errors) + " of " + format_count(a.calls) +
                    " calls in A, " + format_count(b.errors) + " of " + format_count(b.calls) +
                    " in B");
  }
  return notes;
}

std::string load(const Report& report) {
  std::string text = std::to_string(report.connections) + " x " +
                     std::to_string(report.streams_per_connection) + " streams, " +
                     std::to_string(report.threads) + " threads, ";
  if (!report.stream.empty()) {
    text += std::to_string(report.messages_per_stream) + " messages a stream, ";
  }
  if (!report.open_loop()) return text + "closed loop";
  text += report.arrivals == Arrivals::kPoisson ? "poisson" : "constant";
  return text + " at " + format_count(static_cast<uint64_t>(report.intended_rate)) + " calls/s";
}

}  // namespace

bool ReportComparison::regressed() const {
  return more_errors || std::ranges::any_of(figures, [](const ComparedFigure& figure) {
           return figure.verdict == Verdict::kRegressed;
         });
}

std::vector<std::string> why_not_comparable(const Report& a, const Report& b) {
  std::vector<std::string> why;
  note_difference(why, "method", a.method, b.method);
  note_difference(why, "payload", format_size(a.payload_bytes), format_size(b.payload_bytes));
  note_difference(why, "load", load(a), load(b));
  note_difference(why, "mix", mix_text(a.mix), mix_text(b.mix));
  for (const auto& [name, report] : {std::pair("A", &a), std::pair("B", &b)}) {
    if (report->timeline.size() >= kFewestRows) continue;
    why.push_back(std::string(name) + " is too short: " + format_duration(report->duration) +
                  ", where intervals take " + std::to_string(kFewestRows) + "s at least");
  }
  return why;
}

ReportComparison compare_reports(const Report& a, const Report& b, double tolerance) {
  ReportComparison result;
  result.figures = {
      rate(a, b),
      percentile(a, b, "p50", 50, &TimelineRow::p50),
      percentile(a, b, "p99", 99, &TimelineRow::p99),
      percentile(a, b, "p99.9", 99.9, nullptr),
      cpu(a, b, "client CPU", client_cpu(a), client_cpu(b), &TimelineRow::cpu),
  };
  if (a.server && b.server) {
    result.figures.push_back(
        cpu(a, b, "server CPU", a.server->cpu, b.server->cpu, &TimelineRow::server_cpu));
  }
  for (ComparedFigure& figure : result.figures) figure.verdict = judge(figure, tolerance);
  result.notes = notes_on(a, b);
  result.more_errors = error_interval(b).low > error_interval(a).high;
  return result;
}

}  // namespace saker::bench

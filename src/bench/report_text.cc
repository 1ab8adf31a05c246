// The report for people: what ran, what came out, latencies as a table and as a small picture,
// warnings last, where they are seen. Plain ASCII, so that it survives any terminal, log and
// ticket. Columns are aligned by hand: numbers to the right, words to the left.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "saker/base/quantity.h"
#include "saker/bench/report.h"
#include "saker/bench/report_words.h"

namespace saker::bench {
namespace {

constexpr size_t kLabelColumns = 13;
constexpr size_t kNumberColumns = 14;
constexpr size_t kBarColumns = 40;
constexpr size_t kPictureRows = 10;

struct Row {
  const char* label;
  Duration (*value)(const Histogram&);
};

template <int kHundredths>
Duration percentile(const Histogram& histogram) {
  return histogram.percentile(kHundredths / 100.0);
}

constexpr Row kRows[] = {
    {"min", [](const Histogram& h) { return h.min(); }},
    {"mean", [](const Histogram& h) { return h.mean(); }},
    {"stddev", [](const Histogram& h) { return h.stddev(); }},
    {"p50", percentile<5000>},
    {"p75", percentile<7500>},
    {"p90", percentile<9000>},
    {"p95", percentile<9500>},
    {"p99", percentile<9900>},
    {"p99.9", percentile<9990>},
    {"p99.99", percentile<9999>},
    {"max", [](const Histogram& h) { return h.max(); }},
};

void append_left(std::string& out, std::string_view text, size_t columns) {
  out.append(text);
  if (text.size() < columns) out.append(columns - text.size(), ' ');
}

void append_right(std::string& out, std::string_view text, size_t columns) {
  if (text.size() < columns) out.append(columns - text.size(), ' ');
  out.append(text);
}

std::string rounded(double value) {
  return format_count(static_cast<uint64_t>(std::llround(std::max(value, 0.0))));
}

std::string percent(double share) {
  char text[32];
  const double value = share * 100;
  std::snprintf(text, sizeof text, value < 100 ? "%.3g%%" : "%.0f%%", value);
  return text;
}

// "  label      number  remark".
void append_figure(std::string& out, std::string_view label, std::string_view number,
                   std::string_view remark) {
  out.append("  ");
  append_left(out, label, kLabelColumns);
  append_right(out, number, kNumberColumns);
  if (!remark.empty()) out.append("   ").append(remark);
  out.append("\n");
}

std::string loop_kind(const Report& report) {
  if (!report.open_loop()) return "closed loop";
  const bool poisson = report.arrivals == Arrivals::kPoisson;
  const bool changes = !report.schedule.empty();
  return "open loop at " + rounded(report.intended_rate) + " calls/s" +
         (changes ? " on average" : "") + (poisson ? " (poisson)" : "");
}

void append_head(std::string& out, const Report& report) {
  out.append(report.method).append(" at ").append(report.target);
  if (!report.transport.empty()) out.append(" (").append(report.transport).append(")");
  out.append("\n  ").append(plural(report.connections, "connection"));
  out.append(" x ").append(plural(report.streams_per_connection, "stream"));
  out.append(", ").append(plural(report.threads, "thread")).append(", ").append(loop_kind(report));
  out.append(", ").append(format_size(report.payload_bytes)).append(" payload\n  ");
  out.append(format_duration(report.duration));
  if (report.warmup > Duration::zero())
    out.append(" after ").append(format_duration(report.warmup)).append(" of warm-up");
  out.append("\n");
}

void append_bytes(std::string& out, std::string_view label, uint64_t bytes, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
  append_figure(out, label, format_size(bytes), format_size(static_cast<uint64_t>(rate)) + "/s");
}

void append_cpu(std::string& out, const Report& report, double seconds) {
  if (report.thread_cpu.empty() || seconds <= 0) return;
  const Duration total = client_cpu(report);
  std::string remark = "busiest thread " + percent(busiest_thread(report));
  if (report.calls > 0) {
    remark += ", " + format_duration(total / static_cast<int64_t>(report.calls)) + " a call";
  }
  append_figure(out, "client CPU", percent(std::chrono::duration<double>(total).count() / seconds),
                remark);
}

void append_connects(std::string& out, const Report& report, double seconds) {
  if (!report.churns) return;
  const Histogram& took = report.connects;
  const double rate = seconds > 0 ? static_cast<double>(took.count()) / seconds : 0;
  append_figure(out, "connects", format_count(took.count()),
                rounded(rate) + "/s, p50 " + format_duration(took.percentile(50)) + ", p99 " +
                    format_duration(took.percentile(99)) + ", max " + format_duration(took.max()));
}

void append_server(std::string& out, const Report& report, double seconds) {
  if (!report.server || seconds <= 0) return;
  const Duration cpu = report.server->cpu;
  const uint64_t memory = report.server->peak_resident_bytes;
  std::string remark = memory > 0 ? "at most " + format_size(memory) + " of memory" : "";
  if (report.calls > 0) {
    if (!remark.empty()) remark += ", ";
    remark += format_duration(cpu / static_cast<int64_t>(report.calls)) + " a call";
  }
  append_figure(out, "server CPU", percent(std::chrono::duration<double>(cpu).count() / seconds),
                remark);
}

void append_figures(std::string& out, const Report& report) {
  const double seconds = std::chrono::duration<double>(report.duration).count();
  out.append("\n");
  append_figure(out, "calls", format_count(report.calls),
                rounded(calls_per_second(report)) + " calls/s");
  if (!report.stream.empty()) {
    append_figure(out, "messages", format_count(report.messages),
                  rounded(messages_per_second(report)) + " messages/s");
  }
  append_figure(out, "errors", format_count(report.errors),
                report.errors > 0 ? percent(error_rate(report)) : "");
  if (report.wrong_replies > 0)
    append_figure(out, "wrong replies", format_count(report.wrong_replies), "");
  if (report.unfinished > 0) append_figure(out, "unfinished", format_count(report.unfinished), "");
  append_bytes(out, "sent", report.bytes_sent, seconds);
  append_bytes(out, "received", report.bytes_received, seconds);
  append_connects(out, report, seconds);
  append_cpu(out, report, seconds);
  append_server(out, report, seconds);
  if (report.open_loop())
    append_figure(out, "schedule lag", format_duration(report.max_schedule_lag), "at most");
}

void append_statuses(std::string& out, const Report& report) {
  if (report.errors == 0) return;
  out.append("\n");
  for (const StatusCount& status : report.by_status) {
    if (status.calls == 0) continue;
    out.append("  ");
    append_left(out, status.name, 20);
    append_right(out, format_count(status.calls), kLabelColumns + kNumberColumns - 20);
    out.append("\n");
  }
}

void append_backends(std::string& out, const Report& report) {
  if (report.backends.size() < 2) return;
  out.append("\n");
  for (const BackendCount& backend : report.backends) {
    out.append("  ");
    append_right(out, format_count(backend.calls), kLabelColumns + kNumberColumns);
    out.append("  to ").append(backend.name).append("\n");
  }
}

// A closed loop has one latency, an open one two; a server's stream has the time between messages.
void append_latencies(std::string& out, const Report& report) {
  const bool both = report.open_loop();
  const bool gaps = !report.message_gaps.empty();
  out.append("\n  latency");
  if (both || gaps) {
    out.append(kLabelColumns - std::string_view("latency").size(), ' ');
    append_right(out, both ? "corrected" : "", kNumberColumns);
    if (both) append_right(out, "uncorrected", kNumberColumns);
    if (gaps) append_right(out, "per message", kNumberColumns);
  }
  out.append("\n");
  for (const Row& row : kRows) {
    out.append("  ");
    append_left(out, row.label, kLabelColumns);
    append_right(out, format_duration(row.value(report.corrected)), kNumberColumns);
    if (both) append_right(out, format_duration(row.value(report.uncorrected)), kNumberColumns);
    if (gaps) append_right(out, format_duration(row.value(report.message_gaps)), kNumberColumns);
    out.append("\n");
  }
}

// Rows of equal ratio between the fastest call and the slowest but one in a thousand;
// the last row takes the rest.
class Picture {
 public:
  explicit Picture(const Histogram& histogram) {
    const double low_ns = std::max<double>(1, static_cast<double>(histogram.min().count()));
    const double high_ns = static_cast<double>(histogram.percentile(99.9).count());
    if (high_ns < 1.05 * low_ns) rows_ = 1;
    const double ratio =
        std::pow(std::max(1.0, high_ns / low_ns), 1.0 / static_cast<double>(rows_));
    for (size_t i = 0; i < rows_; ++i)
      ends_ns_[i] = low_ns * std::pow(ratio, static_cast<double>(i + 1));
    ends_ns_[rows_ - 1] = static_cast<double>(histogram.max().count());
    histogram.each_bucket([&](uint64_t lowest_ns, uint64_t, uint64_t count) {
      size_t row = 0;
      while (row + 1 < rows_ && ends_ns_[row] < static_cast<double>(lowest_ns)) ++row;
      counts_[row] += count;
    });
  }

  void append_to(std::string& out) const {
    const auto most = static_cast<double>(std::max<uint64_t>(1, std::ranges::max(counts_)));
    for (size_t i = 0; i < rows_; ++i) {
      const double length = std::ceil(static_cast<double>(counts_[i]) / most * kBarColumns);
      out.append("  ");
      append_left(out, "<= " + format_duration(Duration(std::llround(ends_ns_[i]))), kLabelColumns);
      append_right(out, format_count(counts_[i]), kNumberColumns);
      if (length > 0) out.append("   ").append(static_cast<size_t>(length), '#');
      out.append("\n");
    }
  }

 private:
  size_t rows_ = kPictureRows;
  std::array<double, kPictureRows> ends_ns_{};
  std::array<uint64_t, kPictureRows> counts_{};
};

void append_notes(std::string& out, const Report& report) {
  const std::vector<std::string> warnings = all_warnings(report);
  if (!warnings.empty() || !report.broken_assertions.empty()) out.append("\n");
  for (const std::string& warning : warnings)
    out.append("  warning: ").append(warning).append("\n");
  for (const std::string& broken : report.broken_assertions)
    out.append("  failed: ").append(broken).append("\n");
}

}  // namespace

std::string format_text(const Report& report) {
  std::string out;
  append_head(out, report);
  append_figures(out, report);
  append_statuses(out, report);
  append_backends(out, report);
  if (!report.corrected.empty()) {
    append_latencies(out, report);
    out.append("\n");
    Picture(report.corrected).append_to(out);
  }
  append_phases(out, report.phases);
  append_mix(out, report.mix, report.duration);
  append_notes(out, report);
  return out;
}

}  // namespace saker::bench

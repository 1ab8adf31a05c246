#include "saker/bench/live_text.h"

#include <algorithm>
#include <cmath>

#include "saker/base/quantity.h"

namespace saker::bench {
namespace {

constexpr size_t kLabelColumns = 13;
constexpr size_t kRateColumns = 13;
constexpr size_t kNumberColumns = 9;
constexpr size_t kShortestLine = 40;
constexpr size_t kLongestBar = 60;

struct Column {
  const char* label;
  double percent;
};
constexpr Column kColumns[] = {
    {"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}};

void append_right(std::string& out, const std::string& text, size_t columns) {
  if (text.size() < columns) out.append(columns - text.size(), ' ');
  out += text;
}

std::string label(const char* text) {
  std::string out = std::string("  ") + text;
  out.resize(std::max(out.size(), kLabelColumns), ' ');
  return out;
}

std::string rate_text(const TimelinePoint& point, uint64_t seconds) {
  const double rate = static_cast<double>(point.calls) / static_cast<double>(seconds);
  return format_count(static_cast<uint64_t>(std::llround(rate))) + "/s";
}

Duration latency(const TimelinePoint& point, double percent) {
  return percent < 100 ? point.latencies.percentile(percent, point.max) : point.max;
}

std::string row(const char* name, const TimelinePoint& point, uint64_t seconds) {
  std::string out = label(name);
  append_right(out, seconds > 0 ? rate_text(point, seconds) : "-", kRateColumns);
  for (const Column& column : kColumns) {
    const bool known = seconds > 0 && point.calls > 0;
    append_right(out, known ? format_duration(latency(point, column.percent)) : "-",
                 kNumberColumns);
  }
  return out;
}

std::string head() {
  std::string out = label("");
  append_right(out, "rate", kRateColumns);
  for (const Column& column : kColumns) append_right(out, column.label, kNumberColumns);
  return out;
}

std::string left_text(const LiveView& view) {
  if (view.elapsed < Duration::zero()) return "warming up";
  if (view.left < Duration::zero()) return "";
  return format_duration(std::chrono::ceil<std::chrono::seconds>(view.left)) + " left";
}

std::string bar(const LiveView& view, size_t columns) {
  const double done = std::clamp(view.done, 0.0, 1.0);
  std::string tail = std::to_string(static_cast<int>(done * 100)) + "%";
  tail.insert(0, tail.size() < 4 ? 4 - tail.size() : 0, ' ');
  tail += "  " + left_text(view);
  if (!view.note.empty()) tail += "  " + view.note;
  const size_t length = std::min(kLongestBar, columns - std::min(columns - 1, tail.size() + 6));
  const auto full = static_cast<size_t>(done * static_cast<double>(length));
  return "  [" + std::string(full, '#') + std::string(length - full, '.') + "] " + tail;
}

std::string errors_text(uint64_t errors) {
  return format_count(errors) + (errors == 1 ? " error" : " errors");
}

// Like "UNAVAILABLE 12, INTERNAL 1", of the run; empty: none failed.
std::string failed_text(const LiveView& view) {
  std::string out;
  for (const StatusCount& status : view.by_status) {
    if (status.code == 0 || status.calls == 0) continue;
    out += (out.empty() ? "" : ", ") + status.name + " " + format_count(status.calls);
  }
  return out;
}

std::string counts(const LiveView& view) {
  const std::string failed = failed_text(view);
  return "  " + format_count(view.calls) + " calls, " + errors_text(view.errors) +
         (failed.empty() ? "" : ": " + failed);
}

// Of one CPU: two busy threads are 200%.
std::string share(Duration cpu, uint64_t seconds) {
  if (seconds == 0) return "-";
  const double busy = std::chrono::duration<double>(cpu).count() / static_cast<double>(seconds);
  return std::to_string(std::llround(busy * 100)) + "%";
}

std::string cpu_text(const LiveView& view) {
  const uint64_t one = std::min<uint64_t>(view.seconds, 1);
  std::string out = "  CPU: client " + share(view.last.cpu, one) + " (run " +
                    share(view.run.cpu, view.seconds) + ")";
  if (!view.knows_server) return out;
  return out + ", server " + share(view.last.server_cpu, one) + " (run " +
         share(view.run.server_cpu, view.seconds) + ")";
}

}  // namespace

std::vector<std::string> live_block(const LiveView& view, size_t columns) {
  columns = std::max(columns, kShortestLine);
  std::vector<std::string> lines = {
      bar(view, columns),
      head(),
      row("last second", view.last, std::min<uint64_t>(view.seconds, 1)),
      row("run", view.run, view.seconds),
      cpu_text(view),
      counts(view)};
  for (std::string& line : lines) {
    if (line.size() > columns) line.resize(columns);
  }
  return lines;
}

std::string live_line(const LiveView& view) {
  std::string out = view.note.empty() ? "" : view.note + ": ";
  out += std::to_string(view.seconds) + "s  " + rate_text(view.last, 1);
  if (view.last.calls > 0) {
    for (const Column& column : kColumns) {
      out += std::string("  ") + column.label + " " +
             format_duration(latency(view.last, column.percent));
    }
  }
  out += "  " + errors_text(view.last.errors);
  if (const std::string failed = failed_text(view); !failed.empty()) {
    out += " (run: " + failed + ")";
  }
  out += "  client CPU " + share(view.last.cpu, 1);
  return view.knows_server ? out + "  server CPU " + share(view.last.server_cpu, 1) : out;
}

}  // namespace saker::bench

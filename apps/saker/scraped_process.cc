#include "scraped_process.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace saker::app {
namespace {

constexpr double kMostSeconds = 9e9;  // what a Duration holds
constexpr double kMostCount = 9e15;   // what a double counts exactly

struct Series {
  std::string_view name;
  std::string_view labels;  // what stands between the braces
  double value = 0;
};

// Behind the brace that closes the labels, which quoted values may have, too; npos: there is none.
size_t end_of_labels(std::string_view line, size_t at) {
  bool is_quoted = false;
  for (; at < line.size(); ++at) {
    if (is_quoted && line[at] == '\\') {
      ++at;
    } else if (line[at] == '"') {
      is_quoted = !is_quoted;
    } else if (!is_quoted && line[at] == '}') {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

// "name{labels} value timestamp"; labels and timestamp may be missing.
std::optional<Series> parse_series(std::string_view line) {
  size_t at = line.find_first_of("{ \t");
  if (at == std::string_view::npos) return std::nullopt;
  Series series{.name = line.substr(0, at), .labels = {}};
  if (line[at] == '{') {
    const size_t end = end_of_labels(line, at + 1);
    if (end == std::string_view::npos) return std::nullopt;
    series.labels = line.substr(at + 1, end - at - 2);
    at = end;
  }
  at = line.find_first_not_of(" \t", at);
  if (at == std::string_view::npos) return std::nullopt;
  const char* const end = line.data() + line.size();
  const auto [behind, error] = std::from_chars(line.data() + at, end, series.value);
  if (error != std::errc() || !std::isfinite(series.value)) return std::nullopt;
  if (behind != end && *behind != ' ' && *behind != '\t') return std::nullopt;
  return series;
}

bool is_name(std::string_view name) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == ':';
  };
  return !name.empty() && std::ranges::all_of(name, is_part);
}

// Some answer with a page for people, whatever they are asked for.
std::unexpected<Error> no_cpu_time(bool has_series) {
  if (!has_series) return fail("what it answers is no metrics in Prometheus' text format");
  return fail("no process_cpu_seconds_total among its metrics");
}

uint64_t count_of(double value) {
  return static_cast<uint64_t>(std::llround(std::clamp(value, 0.0, kMostCount)));
}

void add_switches(const Series& series, bench::ContextSwitches& out) {
  if (series.labels == "kind=\"voluntary\"") out.voluntary += count_of(series.value);
  if (series.labels == "kind=\"involuntary\"") out.involuntary += count_of(series.value);
}

}  // namespace

Result<ScrapedProcess> parse_scraped_process(std::string_view text) {
  ScrapedProcess process;
  double cpu_seconds = -1;
  bool has_series = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (has_series && !line.starts_with("process_")) continue;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto series = parse_series(line);
    if (!series || !is_name(series->name)) continue;
    has_series = true;
    if (series->value < 0) continue;
    if (series->name == "process_cpu_seconds_total") {
      cpu_seconds = std::max(cpu_seconds, 0.0) + series->value;
    } else if (series->name == "process_resident_memory_bytes") {
      process.resident_bytes += count_of(series->value);
    } else if (series->name == "process_context_switches_total") {
      add_switches(*series, process.switches);
    } else if (series->name == "process_start_time_seconds") {
      process.start_seconds = std::max(process.start_seconds, series->value);
    }
  }
  if (cpu_seconds < 0) return no_cpu_time(has_series);
  if (cpu_seconds > kMostSeconds) return fail("process_cpu_seconds_total is no CPU time");
  process.cpu = Duration(std::llround(cpu_seconds * 1e9));
  return process;
}

}  // namespace saker::app

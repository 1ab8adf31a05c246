// A comparison for people and for programs.
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "saker/base/quantity.h"
#include "saker/bench/compare.h"
#include "saker/bench/json_text.h"

namespace saker::bench {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSame:
      return "same";
    case Verdict::kBetter:
      return "better";
    case Verdict::kRegressed:
      return "regressed";
    case Verdict::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string value_text(const ComparedFigure& figure, double value) {
  if (figure.is_rate) return format_count(static_cast<uint64_t>(std::llround(value))) + "/s";
  return format_duration(Duration(std::llround(value)));
}

std::string line_of(const ComparedFigure& figure) {
  char interval[64] = "";
  if (figure.interval) {
    (void)std::snprintf(interval, sizeof interval, "%.3f .. %.3f", figure.interval->low,
                        figure.interval->high);
  }
  char ratio[32] = "";
  if (figure.ratio > 0) (void)std::snprintf(ratio, sizeof ratio, "%.3f", figure.ratio);
  char line[256];
  (void)std::snprintf(line, sizeof line, "  %-11s %14s %14s %9s   %-18s %s", figure.name.c_str(),
                      value_text(figure, figure.a).c_str(), value_text(figure, figure.b).c_str(),
                      ratio, interval, name_of(figure.verdict));
  return std::string(line) + "\n";
}

std::string percent(double share) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.3g%%", share * 100);
  return text;
}

std::string conclusion(const ReportComparison& comparison, double tolerance) {
  std::string names;
  bool any_unknown = false;
  for (const ComparedFigure& figure : comparison.figures) {
    any_unknown = any_unknown || figure.verdict == Verdict::kUnknown;
    if (figure.verdict != Verdict::kRegressed) continue;
    names += (names.empty() ? "" : ", ") + figure.name;
  }
  if (comparison.more_errors) names += (names.empty() ? "" : ", ") + std::string("errors");
  if (!names.empty()) return "regressed beyond " + percent(tolerance) + ": " + names + "\n";
  return "no regression beyond " + percent(tolerance) +
         (any_unknown ? " of what could be judged\n" : "\n");
}

}  // namespace

std::string format_text(const ReportComparison& comparison, double tolerance) {
  char head[160];
  (void)std::snprintf(head, sizeof head, "  %-11s %14s %14s %9s   %s\n", "", "A", "B", "B / A",
                      "95% interval");
  std::string out = head;
  for (const ComparedFigure& figure : comparison.figures) out += line_of(figure);
  if (!comparison.notes.empty()) out += "\n";
  for (const std::string& note : comparison.notes) out += "  " + note + "\n";
  return out + "\n  " + conclusion(comparison, tolerance);
}

std::string format_json(const ReportComparison& comparison, double tolerance) {
  Json figures = Json::array();
  for (const ComparedFigure& figure : comparison.figures) {
    Json json = {{"name", figure.name},
                 {"unit", figure.is_rate ? "calls/s" : "ns"},
                 {"a", figure.a},
                 {"b", figure.b},
                 {"ratio", figure.ratio}};
    if (figure.interval) json["interval"] = {figure.interval->low, figure.interval->high};
    json["verdict"] = name_of(figure.verdict);
    figures.push_back(std::move(json));
  }
  Json json;
  json["schema"] = "saker.bench-compare/1";
  json["tolerance"] = tolerance;
  json["regressed"] = comparison.regressed();
  json["more_errors"] = comparison.more_errors;
  json["figures"] = std::move(figures);
  json["notes"] = comparison.notes;
  return json_text(json);
}

}  // namespace saker::bench

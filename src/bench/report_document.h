// What the documents of the load generator have in common: settings, histograms, environment; written
// and read. Not for other layers.
#pragma once

#include <nlohmann/json.hpp>

#include "saker/base/result.h"
#include "saker/bench/json_reader.h"
#include "saker/bench/report.h"

namespace saker::bench {

inline constexpr std::string_view kReportSchema = "saker.bench/1";
inline constexpr std::string_view kKneeSchema = "saker.bench.find-max/1";
inline constexpr std::string_view kTargetsSchema = "saker.bench.targets/1";

struct KneeReport;
struct TargetsReport;

struct OpenedDocument {
  nlohmann::ordered_json json;
  std::string schema;
};
// JSON that names a schema, whichever.
Result<OpenedDocument> open_document(std::string_view text);

void read_report(const JsonReader& reader, Report& out);
void read_knee(const JsonReader& reader, KneeReport& out);
void read_targets(const JsonReader& reader, TargetsReport& out);

// With one of these; the error says what is wrong with the document.
template <typename T>
Result<T> read_whole(const nlohmann::ordered_json& json, void (*read)(const JsonReader&, T&)) {
  std::string wrong;
  T out;
  read(JsonReader(&json, "", wrong), out);
  if (!wrong.empty()) return fail("a report that is not as it should be: " + wrong);
  return out;
}

nlohmann::ordered_json settings_json(const Report& report);
// Of streaming methods, what the settings say of their streams.
void add_stream(const Report& report, nlohmann::ordered_json& settings);
// Percentiles, exact figures, and the buckets that are not empty.
nlohmann::ordered_json histogram_json(const Histogram& histogram);
nlohmann::ordered_json environment_json(const Report& report);
// What is not known is left out.
nlohmann::ordered_json load_json(uint64_t calls, const ProcessLoad& load);

void read_settings(const JsonReader& reader, Report& report);
// `reader` is at the histogram. Its buckets must be there, and add up to its count.
void read_histogram(const JsonReader& reader, Histogram& out);
void read_environment(const JsonReader& reader, Report& report);
void read_load(const JsonReader& reader, ProcessLoad& out);
// "client" and, where it is there, "server".
void read_ends(const JsonReader& reader, ProcessLoad& client, std::optional<ProcessLoad>& server);

}  // namespace saker::bench

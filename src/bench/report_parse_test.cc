// Reports read back: what was written comes out again, to the byte; what is no report, or one that
// contradicts itself, is refused with the place that is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "saker/bench/report.h"

namespace saker::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

Report sample() {
  Report report;
  report.target = "127.0.0.1:50051";
  report.transport = "tcp";
  report.method = "/saker.echo.v1.Echo/Echo";
  report.connections = 10;
  report.streams_per_connection = 100;
  report.threads = 2;
  report.intended_rate = 333.5;
  report.arrivals = Arrivals::kPoisson;
  report.payload_bytes = 16;
  report.stream = "server";
  report.messages_per_stream = 50;
  report.messages = 49'000;
  report.message_gaps.record(20us);
  report.warmup = 1s;
  report.duration = 2400ms;
  report.started_at_unix_ms = 1'790'000'000'123;
  report.environment = {{"saker", "0.1.0"}, {"command", "saker bench echo"}};
  report.calls = 1000;
  report.errors = 12;
  report.wrong_replies = 2;
  report.unfinished = 3;
  report.by_status = {{"OK", 0, 990}, {"UNAVAILABLE", 14, 10}};
  report.backends = {{"127.0.0.1:50051", 1000}};
  report.bytes_sent = 70'000;
  report.bytes_received = uint64_t{1} << 63;
  for (int i = 1; i <= 1000; ++i) {
    report.corrected.record(i * i * 977ns);
    report.uncorrected.record(i * 500ns);
  }
  report.interval = 1s;
  report.timeline = {{400, 2, 1ms, 2ms, 3ms, 4ms, 5ms}, {600, 10, 6ms, 7ms, 8ms, 9ms, 10ms}};
  report.thread_cpu = {120ms, 80ms};
  report.max_schedule_lag = 150us;
  report.late_calls = 4;
  report.schedule = "ramp 100..500 1s; hold 1.4s";
  report.phases.resize(2);
  report.phases[0].phase = {PhaseKind::kRamp, 100, 500, 0s, 1s};
  report.phases[0].duration = 1s;
  report.phases[0].figures = {
      .calls = 2, .errors = 1, .unfinished = 3, .corrected = {}, .ended = 2};
  report.phases[0].figures.corrected.record(5ms);
  report.phases[0].figures.corrected.record(7ms);
  report.phases[1].phase = {PhaseKind::kHold, 500, 500, 1s, 1400ms};
  report.phases[1].duration = 1400ms;
  report.mix.push_back({"RSA_PSS_SHA256", "rsa-2048", 30, 2, 1, {}});
  report.mix[0].corrected.record(1ms);
  report.mix[0].corrected.record(2ms);
  report.churns = true;
  report.connects.record(3ms);
  report.switches = {100, 7};
  report.peak_resident_bytes = 33 << 20;
  report.server = ServerLoad{500ms, {11, 12}, 64 << 20};
  report.warnings = {"one CPU only"};
  report.broken_assertions = {"errors==0 broken: errors = 12"};
  return report;
}

std::string why_not(const std::string& text) {
  const auto report = parse_report(text);
  return report ? "" : report.error().message;
}

// With the value at `pointer` replaced.
std::string altered(const char* pointer, ordered_json value) {
  ordered_json document = ordered_json::parse(format_json(sample()));
  document[ordered_json::json_pointer(pointer)] = std::move(value);
  return document.dump();
}

TEST(ReportParse, WhatWasWrittenComesBack) {
  const std::string text = format_json(sample());
  const auto report = parse_report(text);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(format_json(*report), text);
  EXPECT_EQ(format_text(*report), format_text(sample()));
  EXPECT_EQ(report->corrected.percentile(99.9), sample().corrected.percentile(99.9));
  EXPECT_EQ(report->corrected.stddev(), sample().corrected.stddev());
  EXPECT_EQ(all_warnings(*report), all_warnings(sample()));
}

TEST(ReportParse, OfAnEmptyReport) {
  const std::string text = format_json(Report());
  const auto report = parse_report(text);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(format_json(*report), text);
}

TEST(ReportParse, KeysOfLaterVersionsArePassedOver) {
  EXPECT_EQ(why_not(altered("/weather", ordered_json::array({1, 2, 3}))), "");
  const std::string later = altered("/client/gpu", "none");
  EXPECT_EQ(why_not(later), "");
  EXPECT_EQ(ordered_json::parse(reformat_json(later)), ordered_json::parse(later));
  EXPECT_EQ(reformat_json(ordered_json::parse(format_json(sample())).dump()),
            format_json(sample()));
}

TEST(ReportParse, HistogramsStandInColumns) {
  const auto document = ordered_json::parse(format_json(sample()));
  const auto& buckets = document["latency_ns"]["corrected"]["buckets"];
  EXPECT_EQ(buckets["lowest_ns"].size(), buckets["counts"].size());
  EXPECT_EQ(buckets["lowest_ns"][0], 977);
  EXPECT_EQ(document["timeline"]["calls"], ordered_json::array({400, 600}));
  EXPECT_EQ(document["timeline"]["server_cpu_ns"], ordered_json::array({5'000'000, 10'000'000}));
  EXPECT_EQ(document["server"]["calls_per_core_second"], 2000.0);
  EXPECT_EQ(document["client"]["calls_per_core_second"], 5000.0);
  EXPECT_EQ(document["client"]["peak_resident_bytes"], 33 << 20);
  EXPECT_THAT(format_json(sample()), HasSubstr("\n    \"calls\": [400,600],\n"));
}

TEST(ReportParse, WhatIsNoReport) {
  EXPECT_EQ(why_not(""), "not JSON");
  EXPECT_EQ(why_not("{\"schema\": \"saker.bench/1\""), "not JSON");
  EXPECT_EQ(why_not("[]"), "not a report of saker bench");
  EXPECT_EQ(why_not("{\"count\": 3}"), "not a report of saker bench");
  EXPECT_EQ(why_not("{\"schema\": 1}"), "not a report of saker bench");
  EXPECT_EQ(why_not(altered("/schema", "saker.bench/2")),
            "a report of schema saker.bench/2, not saker.bench/1");
  EXPECT_EQ(why_not(std::string(100'000, '[')), "not JSON");
}

TEST(ReportParse, EveryMistakeIsNamed) {
  const struct {
    const char* pointer;
    ordered_json value;
    const char* named;
  } kMistakes[] = {
      {"/calls", "many", "'calls' is no count"},
      {"/calls", -1, "'calls' is no count"},
      {"/calls", 1.5, "'calls' is no count"},
      {"/calls", 1e300, "'calls' is no count"},
      {"/duration_ns", uint64_t{1} << 62, "'duration_ns' is no count"},
      {"/target", 5, "'target' is no string"},
      {"/settings", 5, "'settings.' is no object"},
      {"/settings/connections", 1ull << 40, "'settings.connections' is no count"},
      {"/settings/intended_rate", "fast", "'settings.intended_rate' is no number"},
      {"/statuses", 5, "'statuses' is no array"},
      {"/statuses/0", 5, "'statuses.' is no object"},
      {"/messages", "many", "'messages' is no count"},
      {"/settings/stream", 5, "'settings.stream' is no string"},
      {"/latency_ns/message/count", 9, "'latency_ns.message.buckets.counts' does not add up"},
      {"/mix", 5, "'mix' is no array"},
      {"/mix/0/weight", -1, "'mix.weight' is no count"},
      {"/mix/0/corrected_latency_ns/count", 3, "'mix.corrected_latency_ns.buckets.counts' does"},
      {"/warnings/0", 5, "'warnings' has something that is no string"},
      {"/latency_ns/corrected/count", 999, "'latency_ns.corrected.buckets.counts' does not add up"},
      {"/latency_ns/corrected/buckets", nullptr, "'latency_ns.corrected.buckets.' is no object"},
      {"/latency_ns/corrected/buckets/counts", ordered_json::array({1, 2}),
       "has another length than lowest_ns"},
      {"/latency_ns/corrected/buckets/counts/0", -1, "has something that is no count"},
      {"/latency_ns/corrected/buckets/lowest_ns/0", 1ull << 50, "has something that is no count"},
      {"/timeline/p99_ns", ordered_json::array({1}),
       "'timeline.p99_ns' has another length than calls"},
      {"/timeline/interval_ns", 0, "'timeline.calls' does not go with duration_ns"},
      {"/timeline/interval_ns", 1, "'timeline.calls' does not go with duration_ns"},
      {"/client/thread_cpu_ns/1", "x", "'client.thread_cpu_ns' has something that is no count"},
      {"/server", 5, "'server.' is no object"},
      {"/phases", 5, "'phases' is no array"},
      {"/phases/0/errors", "x", "'phases.errors' is no count"},
      {"/connects", 5, "'connects.' is no object"},
  };
  for (const auto& mistake : kMistakes) {
    EXPECT_THAT(why_not(altered(mistake.pointer, mistake.value)), HasSubstr(mistake.named))
        << mistake.pointer;
  }
  auto document = ordered_json::parse(format_json(sample()));
  document["latency_ns"]["uncorrected"].erase("buckets");  // as in reports of long ago
  EXPECT_THAT(why_not(document.dump()), HasSubstr("'latency_ns.uncorrected.buckets' is missing"));
}

}  // namespace
}  // namespace saker::bench

// Reports: one document each as a whole, since layout and keys are what people and programs rely
// on; then the corners: empty runs, one latency only, warnings.
// JSON is read back by an independent parser.
#include "saker/bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace saker::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Report sample() {
  Report report;
  report.target = "unix:/run/saker.sock";
  report.transport = "unix";
  report.method = "/saker.echo.v1.Echo/Echo";
  report.connections = 10;
  report.streams_per_connection = 100;
  report.threads = 2;
  report.intended_rate = 100;
  report.payload_bytes = 16;
  report.warmup = 1s;
  report.duration = 10s;
  report.environment = {{"saker", "0.1.0"},  {"commit", "abc"},   {"build", "Release"},
                        {"kernel", "6.1"},   {"cpu", "Some CPU"}, {"cpus", "4"},
                        {"affinity", "0-1"}, {"flags", "-c 10"}};
  report.calls = 1000;
  report.errors = 12;
  report.by_status = {{"OK", 0, 988}, {"DEADLINE_EXCEEDED", 4, 0}, {"UNAVAILABLE", 14, 12}};
  report.bytes_sent = 70'000;
  report.bytes_received = 3 << 20;
  for (int i = 1; i <= 1000; ++i) {
    report.corrected.record(i * 1us);
    report.uncorrected.record(i * 500ns);
  }
  report.thread_cpu = {1200ms, 800ms};
  report.switches = {1234, 56};
  report.peak_resident_bytes = 12 << 20;
  report.max_schedule_lag = 150us;
  return report;
}

TEST(Report, DerivedFigures) {
  const Report report = sample();
  EXPECT_DOUBLE_EQ(calls_per_second(report), 100);
  EXPECT_DOUBLE_EQ(error_rate(report), 0.012);
  EXPECT_DOUBLE_EQ(busiest_thread(report), 0.12);
  EXPECT_EQ(calls_per_second(Report()), 0);
  EXPECT_EQ(error_rate(Report()), 0);
  EXPECT_EQ(busiest_thread(Report()), 0);
}

TEST(Report, TextOfAnOpenLoop) {
  EXPECT_EQ(format_text(sample()), R"(/saker.echo.v1.Echo/Echo at unix:/run/saker.sock (unix)
  10 connections x 100 streams, 2 threads, open loop at 100 calls/s, 16B payload
  10s after 1s of warm-up

  calls                 1,000   100 calls/s
  errors                   12   1.2%
  sent                68.4KiB   6.84KiB/s
  received               3MiB   307KiB/s
  client CPU              20%   busiest thread 12%, 2ms a call, 500 calls a core-second
  client memory         12MiB   at most, waited 1,234 times, preempted 56 times
  schedule lag          150us   at most

  OK                      988
  UNAVAILABLE              12

  latency           corrected   uncorrected
  min                     1us         500ns
  mean                  501us         250us
  stddev                289us         144us
  p50                   500us         250us
  p75                   750us         375us
  p90                   900us         450us
  p95                   950us         475us
  p99                   990us         495us
  p99.9                 999us         500us
  p99.99                  1ms         500us
  max                     1ms         500us

  <= 2us                    1   #
  <= 3.98us                 2   #
  <= 7.94us                 4   #
  <= 15.8us                 8   #
  <= 31.6us                16   ##
  <= 63.1us                32   ###
  <= 126us                 62   #####
  <= 251us                126   ###########
  <= 501us                249   ####################
  <= 1ms                  500   ########################################

  with saker 0.1.0 (abc, Release)
  on 6.1, Some CPU, CPUs 0-1 of 4
  flags -c 10
)");
}

TEST(Report, TextOfAClosedLoopHasOneLatency) {
  Report report = sample();
  report.intended_rate = 0;
  report.errors = 0;
  report.warmup = 0s;
  report.connections = 1;
  const std::string text = format_text(report);
  EXPECT_THAT(
      text, HasSubstr("1 connection x 100 streams, 2 threads, closed loop, 16B payload\n  10s\n"));
  for (const char* absent : {"corrected", "schedule lag", "UNAVAILABLE", "warm-up", "warning"}) {
    EXPECT_THAT(text, Not(HasSubstr(absent)));
  }
}

TEST(Report, TextStaysWithinItsColumnsAndAscii) {
  Report report = sample();
  report.calls = report.errors = UINT64_MAX;
  report.bytes_sent = UINT64_MAX;
  report.switches = {UINT64_MAX, UINT64_MAX};
  report.server = {1s, {UINT64_MAX, UINT64_MAX}, UINT64_MAX};
  report.corrected.record(100h);
  for (const char c : format_text(report)) ASSERT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
  report = sample();
  report.environment.back().second =
      std::string(40, 'a') + " " + std::string(52, 'b') + " c " + std::string(60, 'd');
  const std::string text = format_text(report);
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end - at, 100u);
    EXPECT_TRUE(end == at || text[end - 1] != ' ') << text.substr(at, end - at);
    at = end + 1;
  }
}

TEST(Report, TextOfNothingAndOfOneCall) {
  EXPECT_THAT(format_text(Report()), Not(HasSubstr("latency")));
  Report report;
  report.corrected.record(5us);
  const std::string text = format_text(report);
  EXPECT_THAT(text,
              HasSubstr("  <= 5us" + std::string(20, ' ') + "1   " + std::string(40, '#') + "\n"));
  EXPECT_EQ(text.find("<="), text.rfind("<="));
}

TEST(Report, PictureAccountsForEveryCall) {
  Report report = sample();
  report.corrected.record(30s);
  const std::string text = format_text(report);
  uint64_t calls = 0;
  for (size_t at = text.find("<= "); at != std::string::npos; at = text.find("<= ", at + 1)) {
    calls += std::stoull(text.substr(text.find(' ', at + 3)));
  }
  EXPECT_EQ(calls, 1001u);
  EXPECT_THAT(text, HasSubstr("<= 30s"));
}

TEST(Report, LongFactsAreContinued) {
  Report report;
  report.environment = {{"flags", std::string(90, 'a') + " bb " + std::string(120, 'c') + " d"}};
  EXPECT_THAT(format_text(report),
              EndsWith("\n\n  flags " + std::string(90, 'a') + "\n    bb\n    " +
                       std::string(120, 'c') + "\n    d\n"));
  EXPECT_THAT(format_text(Report()), Not(HasSubstr("  with")));
}

TEST(Report, WhatIsNotKnownOfTheServerIsNotShown) {
  Report report = sample();
  report.server = ServerLoad{500ms, {}, 0};
  const std::string text = format_text(report);
  EXPECT_THAT(
      text, HasSubstr("  server CPU               5%   500us a call, 2,000 calls a core-second\n"));
  EXPECT_THAT(text, Not(HasSubstr("server memory")));
  const json server = json::parse(format_json(report))["server"];
  EXPECT_FALSE(server.contains("context_switches"));
  EXPECT_FALSE(server.contains("peak_resident_bytes"));
  report.server->peak_resident_bytes = 64 << 20;
  EXPECT_THAT(format_text(report), HasSubstr("  server memory         64MiB   at most\n"));
  report.server = ServerLoad{500ms, {3, 4}, 0};
  EXPECT_THAT(format_text(report),
              HasSubstr("  server memory             -   waited 3 times, preempted 4 times\n"));
}

TEST(Report, NotesComeLast) {
  Report report = sample();
  report.warnings = {"one CPU only"};
  report.broken_assertions = {"errors==0 broken: errors = 12"};
  EXPECT_TRUE(format_text(report).ends_with(
      "\n\n  warning: one CPU only\n  failed: errors==0 broken: errors = 12\n"));
}

TEST(Report, WarnsWhenTheGeneratorIsTheBottleneck) {
  EXPECT_THAT(all_warnings(sample()), IsEmpty());
  EXPECT_THAT(all_warnings(Report()), IsEmpty());
  Report report = sample();
  report.thread_cpu = {1s, 9700ms};
  report.intended_rate = 102;
  report.max_schedule_lag = 11ms;
  report.unfinished = 1234;
  EXPECT_THAT(
      all_warnings(report),
      ElementsAre(HasSubstr("busiest thread used 97% of a CPU"), HasSubstr("100 of 102 calls/s"),
                  HasSubstr("up to 11ms late"), HasSubstr("1,234 calls were still in flight")));
  report.intended_rate = 0;
  EXPECT_THAT(all_warnings(report), ElementsAre(HasSubstr("bottleneck"), HasSubstr("in flight")));
}

TEST(Report, JsonKeepsItsContract) {
  const std::string text = format_json(sample());
  EXPECT_TRUE(text.starts_with("{\n  \"schema\": \"saker.bench/1\",\n"));
  EXPECT_TRUE(text.ends_with("}\n"));
  const json document = json::parse(text);
  EXPECT_EQ(document["calls_per_second"], 100.0);
  EXPECT_EQ(document["calls"], 1000);
  EXPECT_EQ(document["errors"], 12);
  EXPECT_EQ(document["duration_ns"], 10'000'000'000);
  EXPECT_EQ(document["target"], "unix:/run/saker.sock");
  EXPECT_EQ(document["settings"]["connections"], 10);
  EXPECT_EQ(document["settings"]["loop"], "open");
  EXPECT_EQ(document["settings"]["intended_rate"], 100.0);
  EXPECT_EQ(document["settings"]["arrivals"], "constant");
  EXPECT_EQ(document["statuses"][2], json({{"name", "UNAVAILABLE"}, {"code", 14}, {"calls", 12}}));
  EXPECT_EQ(document["client"]["thread_cpu_ns"], json({1'200'000'000, 800'000'000}));
  EXPECT_EQ(document["environment"]["kernel"], "6.1");
  EXPECT_EQ(document["warnings"], json::array());
  const Report report = sample();
  for (const auto& [name, histogram] :
       {std::pair("corrected", &report.corrected), std::pair("uncorrected", &report.uncorrected)}) {
    const json& latency = document["latency_ns"][name];
    EXPECT_EQ(latency["p50"], histogram->percentile(50).count());
    EXPECT_EQ(latency["p90"], histogram->percentile(90).count());
    EXPECT_EQ(latency["p99"], histogram->percentile(99).count());
    EXPECT_EQ(latency["p99_9"], histogram->percentile(99.9).count());
    EXPECT_EQ(latency["p99_99"], histogram->percentile(99.99).count());
    EXPECT_EQ(latency["max"], histogram->max().count());
    EXPECT_EQ(latency["mean"], histogram->mean().count());
    EXPECT_EQ(latency["count"], 1000);
  }
}

TEST(Report, AScheduleHasItsPhases) {
  Report report = sample();
  EXPECT_FALSE(json::parse(format_json(report)).contains("phases"));
  report.schedule = "ramp 50..150 10s";
  report.phases.resize(1);
  report.phases[0].phase = {PhaseKind::kRamp, 50, 150, 0s, 10s};
  report.phases[0].duration = 10s;
  report.phases[0].figures.calls = 999;
  report.phases[0].figures.unfinished = 1;
  report.phases[0].figures.ended = 990;
  report.phases[0].figures.errors = 12;
  report.phases[0].figures.corrected.record(5ms);
  EXPECT_THAT(format_text(report), HasSubstr("open loop at 100 calls/s on average, "));
  EXPECT_THAT(format_text(report), HasSubstr("\n  ramp 50..150     10s        100          99"));
  const json document = json::parse(format_json(report));
  EXPECT_EQ(document["settings"]["schedule"], "ramp 50..150 10s");
  const json& row = document["phases"][0];
  EXPECT_EQ(row["phase"], "ramp 50..150");
  EXPECT_EQ(row["from_rate"], 50.0);
  EXPECT_EQ(row["to_rate"], 150.0);
  EXPECT_EQ(row["offered_rate"], 100.0);
  EXPECT_EQ(row["achieved_rate"], 99.0);
  EXPECT_EQ(row["unfinished"], 1);
  EXPECT_EQ(row["errors"], 12);
  EXPECT_EQ(row["duration_ns"], 10'000'000'000);
  EXPECT_EQ(row["corrected_latency_ns"]["max"], 5'000'000);
}

TEST(Report, ChurnHasItsConnects) {
  Report report = sample();
  report.connects.record(2ms);
  EXPECT_THAT(format_text(report), Not(HasSubstr("connects")));
  EXPECT_FALSE(json::parse(format_json(report)).contains("connects"));
  report.churns = true;
  for (int i = 1; i < 50; ++i) report.connects.record(2ms);
  EXPECT_THAT(format_text(report),
              HasSubstr("\n  connects                 50   5/s, p50 2ms, p99 2ms, max 2ms\n"));
  const json connects = json::parse(format_json(report))["connects"];
  EXPECT_EQ(connects["count"], 50);
  EXPECT_EQ(connects["per_second"], 5.0);
  EXPECT_EQ(connects["latency_ns"]["max"], 2'000'000);
}

TEST(Report, JsonOfAClosedLoopHasNoRate) {
  Report report = sample();
  report.intended_rate = 0;
  const json settings = json::parse(format_json(report))["settings"];
  EXPECT_EQ(settings["loop"], "closed");
  EXPECT_FALSE(settings.contains("intended_rate"));
  EXPECT_FALSE(settings.contains("arrivals"));
}

TEST(Report, JsonOfAnEmptyReportAndOfStrangeStrings) {
  Report report;
  EXPECT_EQ(json::parse(format_json(report))["latency_ns"]["corrected"]["p99"], 0);
  report.target = "unix:/tmp/\xff\"\n";
  EXPECT_EQ(json::parse(format_json(report))["target"], "unix:/tmp/\xEF\xBF\xBD\"\n");
}

}  // namespace
}  // namespace saker::bench

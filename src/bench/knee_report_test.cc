// Reports of searches: what makes a round hold, rows that gather their rounds, and both forms of
// the whole.
#include "saker/bench/knee_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "saker/bench/document.h"

namespace saker::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

// All calls took `latency`, and the last one ended `late` behind the round.
Report round_of(uint64_t calls, Duration latency, Duration late = 0s) {
  Report report;
  report.calls = calls;
  report.duration = 2s + late;
  for (uint64_t i = 0; i < 100; ++i) report.corrected.record(latency);
  report.thread_cpu = {500ms};
  return report;
}

TEST(KneeReport, WhatMakesARoundHold) {
  EXPECT_EQ(why_round_broke(round_of(2000, 1ms), 2s, true), "");
  EXPECT_EQ(why_round_broke(round_of(2000, 1ms, -5ms), 2s, true), "");
  EXPECT_EQ(why_round_broke(round_of(20, 500ms, 500ms), 2s, true), "");  // slow, but not behind
  EXPECT_EQ(why_round_broke(round_of(2000, 100ms, 200ms), 2s, true),
            "fell behind, 909 calls/s only");
  EXPECT_EQ(why_round_broke(round_of(0, 1ms), 2s, true), "no call ended");
  Report report = round_of(2000, 1ms);
  report.unfinished = 3;
  EXPECT_EQ(why_round_broke(report, 2s, true), "3 calls never ended");
  report.errors = 1;
  EXPECT_EQ(why_round_broke(report, 2s, false), "1 call failed");
  report.broken_assertions = {"p99<1ms broken: p99 = 2ms", "other"};
  EXPECT_EQ(why_round_broke(report, 2s, false), "p99<1ms broken: p99 = 2ms");
}

KneeReport sample() {
  KneeReport report;
  report.run.method = "/a.B/C";
  report.run.target = "127.0.0.1:50051";
  report.run.transport = "tcp";
  report.run.connections = 10;
  report.run.streams_per_connection = 100;
  report.run.threads = 1;
  report.run.payload_bytes = 16;
  report.run.warmup = 200ms;
  report.run.environment = {{"kernel", "6.1"}};
  report.assertions = {"p99<1ms", "errors==0"};
  report.round = 2s;
  report.resolution = 0.02;
  report.add_round(2000, round_of(4000, 2ms), "p99<1ms broken: p99 = 2ms");
  report.add_round(1000, round_of(2000, 500us), "");
  report.add_round(2000, round_of(4000, 800us), "");
  report.add_round(1000, round_of(2000, 500us), "");
  report.add_round(2000, round_of(4000, 2ms), "p99<1ms broken: p99 = 2.1ms");
  report.knee = 1000;
  report.first_broken = 2000;
  return report;
}

TEST(KneeReport, Text) {
  EXPECT_EQ(format_text(sample()), R"(/a.B/C at 127.0.0.1:50051 (tcp)
  10 connections x 100 streams, 1 thread, search for the highest rate, 16B payload
  with p99<1ms, errors==0
  rounds of 2s after 200ms of warm-up, to 2%

   rate  achieved/s    p50    p99  p99.9  verdict
  1,000       1,000  500us  500us  500us  holds
  2,000       2,000    2ms    2ms    2ms  p99<1ms broken: p99 = 2.1ms

  highest rate  1,000 calls/s; 2,000 does not hold

          CPU  calls/core-s  memory  waited  preempted
  client   1s         4,000

  on 6.1
)");
}

TEST(KneeReport, TextWithoutAKnee) {
  KneeReport report = sample();
  report.knee = 0;
  report.first_broken = 15.625;
  report.run.warnings = {"interrupted"};
  report.thrown_away = 3;
  EXPECT_THAT(format_text(report), HasSubstr("  no rate held, the lowest that was tried is 15.62 "
                                             "calls/s\n"
                                             "  3 rounds thrown away: the machine's own speed "
                                             "changed by over 3% meanwhile\n\n"
                                             "  on 6.1\n\n"
                                             "  warning: interrupted\n"));
}

TEST(KneeReport, SaysWhenTheGeneratorWasTheLimit) {
  EXPECT_THAT(all_warnings(sample()), ElementsAre());
  KneeReport report = sample();
  for (int i = 0; i < 4; ++i) {
    Report behind = round_of(4000, 2ms);
    behind.late_calls = 41;
    behind.thread_cpu = {1900ms};
    report.add_round(2000, behind, "p99<1ms broken: p99 = 2ms");
  }
  EXPECT_THAT(all_warnings(report),
              ElementsAre(AllOf(HasSubstr("the generator was the limit"),
                                HasSubstr("at 2,000 calls/s"), HasSubstr("95% of a CPU"))));
  EXPECT_THAT(format_text(report), HasSubstr("p99 = 2ms (generator behind)\n"));
}

TEST(KneeReport, GeneratorsAreLimitedByCpuOrByLateness) {
  Report report = round_of(2000, 1ms);
  EXPECT_FALSE(is_generator_limited(report));
  report.late_calls = 20;
  EXPECT_FALSE(is_generator_limited(report));
  report.late_calls = 21;
  EXPECT_TRUE(is_generator_limited(report));
  report.late_calls = 0;
  report.thread_cpu = {1900ms, 1ms};
  EXPECT_TRUE(is_generator_limited(report));
}

TEST(KneeReport, Json) {
  const json document = json::parse(format_json(sample()));
  EXPECT_EQ(document["schema"], "saker.bench.find-max/1");
  EXPECT_EQ(document["knee_rate"], 1000.0);
  EXPECT_EQ(document["first_broken_rate"], 2000.0);
  EXPECT_EQ(document["assertions"], json({"p99<1ms", "errors==0"}));
  EXPECT_EQ(document["settings"]["round_ns"], 2'000'000'000);
  ASSERT_EQ(document["curve"].size(), 2u);
  EXPECT_EQ(document["curve"][0]["holds"], true);
  EXPECT_EQ(document["curve"][1]["holds"], false);
  EXPECT_EQ(document["curve"][1]["rounds"], 3);
  EXPECT_EQ(document["curve"][1]["rounds_held"], 1);
  EXPECT_EQ(document["curve"][1]["corrected_latency_ns"]["count"], 300);
  KneeReport none = sample();
  none.knee = none.first_broken = 0;
  EXPECT_TRUE(json::parse(format_json(none))["knee_rate"].is_null());
}

TEST(KneeReport, Csv) {
  EXPECT_EQ(format_csv(sample()),
            "rate,achieved_rate,holds,rounds,rounds_held,errors,p50_ns,p90_ns,p99_ns,p99_9_ns,"
            "max_ns,busiest_thread,generator_limited\n"
            "1000,1000,true,2,2,0,500000,500000,500000,500000,500000,0.25,false\n"
            "2000,2000,false,3,1,0,2000000,2000000,2000000,2000000,2000000,0.25,false\n");
}

TEST(KneeReport, IsReadBack) {
  KneeReport report = sample();
  for (int i = 0; i < 4; ++i) {
    Report behind = round_of(4000, 2ms);
    behind.late_calls = 41;
    report.add_round(2000, behind, "p99<1ms broken: p99 = 2ms");
  }
  for (const double knee : {1000.0, 0.0}) {
    report.knee = knee;
    report.thrown_away = 7;
    const auto document = parse_document(format_json(report));
    ASSERT_TRUE(document) << document.error().message;
    for (const char* name : {"text", "json", "csv", "html"}) {
      const ReportFormat format = *parse_report_format(name);
      EXPECT_EQ(format_document(*document, format), format_document(report, format)) << name;
    }
    EXPECT_EQ(format_document(*document, ReportFormat::kHgrm), "");
  }
}

TEST(KneeReport, WhatIsNotAsItShouldBeIsRefused) {
  json document = json::parse(format_json(sample()));
  document["curve"][0]["holds"] = 1;  // not read: it follows from the rounds
  EXPECT_TRUE(parse_document(document.dump()));
  document["curve"][0]["generator_limited"] = 1;
  EXPECT_THAT(parse_document(document.dump()).error().message,
              HasSubstr("'curve.generator_limited' is neither true nor false"));
  document.erase("curve");
  EXPECT_THAT(parse_document(document.dump()).error().message, HasSubstr("'curve' is missing"));
}

}  // namespace
}  // namespace saker::bench

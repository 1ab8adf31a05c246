// Several targets in turns: what rounds add up to, ratios beside the first target, all forms of the
// report, and that it is read back to the byte.
#include "saker/bench/targets_report.h"

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
using testing::Not;

Report round_of(uint64_t calls, Duration latency) {
  Report report;
  report.calls = calls;
  report.duration = 2s;
  for (uint64_t i = 0; i < calls; ++i) report.corrected.record(latency);
  report.thread_cpu = {Duration(calls * 1000)};
  return report;
}

TargetsReport sample() {
  TargetsReport report;
  report.run.method = "/a.B/C";
  report.run.connections = 10;
  report.run.streams_per_connection = 100;
  report.run.threads = 1;
  report.run.payload_bytes = 16;
  report.run.warmup = 200ms;
  report.run.environment = {{"kernel", "6.1"}};
  report.round = 2s;
  report.targets.resize(2);
  report.targets[0].target = "127.0.0.1:50051";
  report.targets[0].transport = "tcp";
  report.targets[1].target = "unix:/run/a,b.sock";
  report.targets[1].transport = "unix";
  report.add_round(0, round_of(2000, 800ns));
  report.add_round(1, round_of(2400, 400ns));
  report.add_round(1, round_of(4800, 400ns));
  report.add_round(0, round_of(4000, 800ns));
  return report;
}

TEST(TargetsReport, RoundsAddUp) {
  const TargetsReport report = sample();
  const TargetRow& row = report.targets[1];
  EXPECT_EQ(row.calls, 7200u);
  EXPECT_EQ(row.duration, 4s);
  EXPECT_EQ(row.corrected.count(), 7200u);
  EXPECT_EQ(calls_per_second(totals(row)), 1800);
  ASSERT_EQ(row.rounds.size(), 2u);
  EXPECT_EQ(row.rounds[1].rate, 2400);
  EXPECT_EQ(row.rounds[1].p99, 400ns);
  EXPECT_EQ(row.rounds[1].client_cpu_ns, 1000);
}

TEST(TargetsReport, RatiosAreThoseWithinPairs) {
  const auto all = ratios(sample(), 1);
  ASSERT_EQ(all.size(), 5u);  // no server's CPU
  EXPECT_EQ(all[0].figure, "rate");
  EXPECT_NEAR(all[0].value.ratio, 1.2, 1e-9);
  ASSERT_TRUE(all[0].value.interval);
  EXPECT_NEAR(all[0].value.interval->high, 1.2, 1e-9);
  EXPECT_EQ(all[2].figure, "p99");
  EXPECT_NEAR(all[2].value.ratio, 0.5, 1e-9);
}

TEST(TargetsReport, ServersCpuWhereItIsKnown) {
  TargetsReport report = sample();
  for (size_t target : {0u, 1u}) {
    Report round = round_of(1000, 1us);
    round.server.emplace().cpu = Duration((target + 1) * 1'000'000);
    report.add_round(target, round);
  }
  const auto all = ratios(report, 1);
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all[5].figure, "server CPU");
  EXPECT_NEAR(all[5].value.ratio, 2, 1e-9);
  EXPECT_FALSE(all[5].value.interval);  // of one pair
}

TEST(TargetsReport, Text) {
  TargetsReport report = sample();
  report.run.warnings = {"interrupted"};
  report.targets[1].broken_assertions = {"p99<100ns broken: p99 = 400ns"};
  EXPECT_EQ(format_text(report), R"(/a.B/C, 2 targets in turns
  10 connections x 100 streams, 1 thread, closed loop, 16B payload
  2 rounds of 2s each, after 200ms of warm-up

  target              calls/s    p50    p99  p99.9  CPU a call  errors
  127.0.0.1:50051       1,500  800ns  800ns  800ns         1us       0
  unix:/run/a,b.sock    1,800  400ns  400ns  400ns         1us       0

  unix:/run/a,b.sock beside 127.0.0.1:50051
              ratio    95% interval
  rate        1.200  1.200 .. 1.200
  p50         0.500  0.500 .. 0.500
  p99         0.500  0.500 .. 0.500
  p99.9       0.500  0.500 .. 0.500
  client CPU  1.000  1.000 .. 1.000

                               CPU  calls/core-s  memory  waited  preempted
  127.0.0.1:50051 client       6ms     1,000,000
  unix:/run/a,b.sock client  7.2ms     1,000,000

  on 6.1

  warning: interrupted
  failed: unix:/run/a,b.sock: p99<100ns broken: p99 = 400ns
)");
}

TEST(TargetsReport, WarningsNameTheirTargetOnce) {
  TargetsReport report = sample();
  Report round = round_of(10, 1us);
  round.warnings = {"the first error: no"};
  report.add_round(1, round);
  report.add_round(1, round);
  EXPECT_THAT(report.run.warnings, ElementsAre("unix:/run/a,b.sock: the first error: no"));
}

TEST(TargetsReport, Json) {
  const json document = json::parse(format_json(sample()));
  EXPECT_EQ(document["schema"], "saker.bench.targets/1");
  EXPECT_EQ(document["settings"]["round_ns"], 2'000'000'000);
  ASSERT_EQ(document["targets"].size(), 2u);
  EXPECT_FALSE(document["targets"][0].contains("beside_first"));
  const json& other = document["targets"][1];
  EXPECT_EQ(other["rounds"]["calls"], json({2400, 4800}));
  EXPECT_EQ(other["corrected_latency_ns"]["count"], 7200);
  EXPECT_EQ(other["beside_first"][0]["figure"], "rate");
  EXPECT_EQ(other["beside_first"][0]["interval_95"].size(), 2u);
}

TEST(TargetsReport, Csv) {
  const std::string csv = format_csv(sample());
  EXPECT_THAT(csv, HasSubstr("\n127.0.0.1:50051,tcp,1,2000,0,1000,800,800,800,1000,0\n"));
  EXPECT_THAT(csv, HasSubstr("\n\"unix:/run/a,b.sock\",unix,2,4800,0,2400,400,400,400,1000,0\n"));
}

TEST(TargetsReport, IsReadBack) {
  TargetsReport report = sample();
  report.targets[1].broken_assertions = {"p99<100ns broken: p99 = 400ns"};
  const std::string text = format_json(report);
  const auto document = parse_document(text);
  ASSERT_TRUE(document) << document.error().message;
  for (const char* name : {"text", "json", "csv", "html"}) {
    const ReportFormat format = *parse_report_format(name);
    EXPECT_TRUE(is_format_of_rounds(format)) << name;
    EXPECT_EQ(format_document(*document, format), format_document(report, format)) << name;
  }
  EXPECT_EQ(format_document(*document, ReportFormat::kGhz), "");
  EXPECT_THAT(format_html(report), Not(HasSubstr("{{")));
}

TEST(TargetsReport, WhatContradictsItselfIsRefused) {
  const json good = json::parse(format_json(sample()));
  const auto error_of = [](const json& document) {
    const auto parsed = parse_document(document.dump());
    return parsed ? "none" : parsed.error().message;
  };
  json bad = good;
  bad["targets"] = json::array();
  EXPECT_THAT(error_of(bad), HasSubstr("'targets' is empty"));
  bad = good;
  bad["targets"][0]["rounds"]["p50_ns"].push_back(1);
  EXPECT_THAT(error_of(bad), HasSubstr("'targets.rounds.p50_ns' has another length than calls"));
  bad = good;
  bad["targets"][0]["rounds"]["p50_ns"][0] = -1;
  EXPECT_THAT(error_of(bad), HasSubstr("out of range"));
  bad = good;
  bad["targets"][1]["corrected_latency_ns"]["count"] = 7;
  EXPECT_THAT(error_of(bad), HasSubstr("does not add up"));
  bad = good;
  bad["schema"] = "saker.bench.other/1";
  EXPECT_EQ(error_of(bad),
            "a report of schema saker.bench.other/1, not saker.bench/1, "
            "saker.bench.find-max/1 or saker.bench.targets/1");
}

}  // namespace
}  // namespace saker::bench

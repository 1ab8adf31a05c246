#include "scraped_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace saker::app {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;

TEST(ScrapedProcess, ReadsWhatClientLibrariesExpose) {
  const auto process = parse_scraped_process(
      "# HELP process_cpu_seconds_total CPU.\n# TYPE process_cpu_seconds_total counter\n"
      "process_cpu_seconds_total 12.5\n"
      "saker_calls_total{method=\"a\"} 3\n"
      "process_resident_memory_bytes 1.048576e+06\r\n"
      "process_start_time_seconds\t1700000000.25 1700000001000\n"
      "process_context_switches_total{kind=\"voluntary\"} 7\n"
      "process_context_switches_total{kind=\"involuntary\"} 5\n"
      "process_context_switches_total{kind=\"other\"} 9");
  ASSERT_TRUE(process);
  EXPECT_EQ(process->cpu, 12500ms);
  EXPECT_EQ(process->resident_bytes, 1u << 20);
  EXPECT_EQ(process->start_seconds, 1700000000.25);
  EXPECT_EQ(process->switches, (bench::ContextSwitches{7, 5}));
}

TEST(ScrapedProcess, AddsUpSeriesAndDoesWithoutMost) {
  const auto process = parse_scraped_process(
      "process_cpu_seconds_total{pid=\"1\",a=\"}\\\" 9\"} 1\nprocess_cpu_seconds_total{pid=\"2\"} "
      "2\n");
  ASSERT_TRUE(process);
  EXPECT_EQ(process->cpu, 3s);
  EXPECT_EQ(process->resident_bytes, 0u);
  EXPECT_EQ(process->start_seconds, 0);
  EXPECT_EQ(process->switches, bench::ContextSwitches());
}

TEST(ScrapedProcess, PassesOverGarbage) {
  for (const std::string line :
       {"process_cpu_seconds_total", "process_cpu_seconds_total ", "process_cpu_seconds_total x",
        "process_cpu_seconds_total NaN", "process_cpu_seconds_total +Inf",
        "process_cpu_seconds_total inf", "process_cpu_seconds_total -1",
        "process_cpu_seconds_total 1e999", "process_cpu_seconds_total 1x",
        "process_cpu_seconds_total{", "process_cpu_seconds_total{a=\"",
        "process_cpu_seconds_total{a=\"\\", "process_cpu_seconds_total{}",
        "process_cpu_seconds_totals 1", "xprocess_cpu_seconds_total 1", "", "\r", "process_"}) {
    const auto none = parse_scraped_process(line + "\n");
    ASSERT_FALSE(none) << line;
    EXPECT_THAT(none.error().message, AnyOf(HasSubstr("no process_cpu_seconds_total among"),
                                            HasSubstr("no metrics in Prometheus' text format")));
    const auto some = parse_scraped_process(line + "\nprocess_cpu_seconds_total 1\n");
    ASSERT_TRUE(some) << line;
    EXPECT_EQ(some->cpu, 1s) << line;
  }
  EXPECT_FALSE(parse_scraped_process("process_cpu_seconds_total 1e10\n"));
  const auto huge =
      parse_scraped_process("process_cpu_seconds_total 0\nprocess_resident_memory_bytes 1e300\n");
  ASSERT_TRUE(huge);
  EXPECT_EQ(huge->resident_bytes, 9'000'000'000'000'000u);
}

TEST(ScrapedProcess, TellsMetricsWithoutCpuTimeFromWhatIsNone) {
  const std::string none = "what it answers is no metrics in Prometheus' text format";
  for (const char* text : {"", "<html>\n<p>up 1</p>\n", "{\"up\": 1}\n", "# HELP up Is it?\n"}) {
    const auto process = parse_scraped_process(text);
    ASSERT_FALSE(process) << text;
    EXPECT_EQ(process.error().message, none) << text;
  }
  const auto process = parse_scraped_process("# HELP up Is it?\nup 1\n");
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error().message, "no process_cpu_seconds_total among its metrics");
}

}  // namespace
}  // namespace saker::app

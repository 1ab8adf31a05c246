// The other forms of a report: whole small documents where others read them line by line, and where
// they are long, what their readers look for. That HdrHistogram's own tools agree is a matter of the
// end-to-end tests.
#include "saker/bench/report_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace saker::bench {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Report sample() {
  Report report;
  report.target = "127.0.0.1:50051";
  report.method = "/saker.echo.v1.Echo/Echo";
  report.duration = 2500ms;
  report.environment = {{"kernel", "6.1"}, {"command", "saker\nbench"}};
  report.calls = 100;
  report.errors = 3;
  report.wrong_replies = 1;
  report.by_status = {{"OK", 0, 98}, {"CANCELLED", 1, 0}, {"DEADLINE_EXCEEDED", 4, 2}};
  for (int i = 1; i <= 100; ++i) report.corrected.record(i * 1ms);
  report.uncorrected.record(5us);
  report.interval = 1s;
  report.timeline = {{50, 0, 1ms, 2ms, 3ms, 4ms, 0ns}, {50, 3, 5ms, 6ms, 7ms, 8ms, 0ns}};
  return report;
}

TEST(ReportFormat, Names) {
  for (const char* name : {"text", "json", "csv", "hgrm", "hdr-log", "ghz", "html"}) {
    ASSERT_TRUE(parse_report_format(name)) << name;
    EXPECT_TRUE(format_report(sample(), *parse_report_format(name)).ends_with("\n")) << name;
    EXPECT_TRUE(format_report(Report(), *parse_report_format(name)).ends_with("\n")) << name;
  }
  EXPECT_EQ(parse_report_format("xml").error().message,
            "'xml' is none of text|json|csv|hgrm|hdr-log|ghz|html");
  EXPECT_EQ(report_format_of_file("a/b.html"), ReportFormat::kHtml);
  EXPECT_EQ(report_format_of_file("x.hlog"), ReportFormat::kHdrLog);
  EXPECT_EQ(report_format_of_file("html"), std::nullopt);
}

TEST(ReportFormat, Csv) {
  EXPECT_EQ(format_csv(sample()),
            "start_s,length_s,calls,errors,calls_per_second,p50_ns,p99_ns,max_ns,client_cpu_ns,"
            "server_cpu_ns\n"
            "0,1,50,0,50,1000000,2000000,3000000,4000000,\n"
            "1,1.5,50,3,33.333333333333336,5000000,6000000,7000000,8000000,\n");
  Report report = sample();
  report.server.emplace();
  report.timeline[0].server_cpu = 9ms;
  EXPECT_THAT(format_csv(report), HasSubstr(",4000000,9000000\n"));
}

TEST(ReportFormat, Hgrm) {
  Report report;
  for (int i = 1; i <= 4; ++i) report.corrected.record(i * 100ns);
  EXPECT_EQ(format_hgrm(report),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
            "    0.000100 0.000000000000          1           1.00\n"
            "    0.000100 0.100000000000          1           1.11\n"
            "    0.000100 0.200000000000          1           1.25\n"
            "    0.000200 0.300000000000          2           1.43\n"
            "    0.000200 0.400000000000          2           1.67\n"
            "    0.000200 0.500000000000          2           2.00\n"
            "    0.000300 0.550000000000          3           2.22\n"
            "    0.000300 0.600000000000          3           2.50\n"
            "    0.000300 0.650000000000          3           2.86\n"
            "    0.000300 0.700000000000          3           3.33\n"
            "    0.000300 0.750000000000          3           4.00\n"
            "    0.000400 0.775000000000          4           4.44\n"
            "    0.000400 1.000000000000          4\n"
            "#[Mean    =     0.000250, StdDeviation   =     0.000112]\n"
            "#[Max     =     0.000400, Total count    =            4]\n"
            "#[Buckets =           32, SubBuckets     =         2048]\n");
  EXPECT_TRUE(format_hgrm(sample()).ends_with("]\n#[kernel: 6.1]\n#[command: saker bench]\n"));
}

TEST(ReportFormat, HdrLog) {
  Report report = sample();
  report.started_at_unix_ms = 1'790'000'000'123;
  const std::string log = format_hdr_log(report);
  EXPECT_THAT(log, HasSubstr("#[Histogram log format version 1.3]\n"));
  EXPECT_THAT(log, HasSubstr("\n#[kernel: 6.1]\n#[command: saker bench]\n"));
  EXPECT_THAT(log, HasSubstr("#[StartTime: 1790000000.123 (seconds since epoch)]\n"));
  EXPECT_THAT(log, HasSubstr("\nTag=corrected,0.000,2.500,100.000000,HISTFAAA"));
  EXPECT_THAT(log, HasSubstr("\nTag=uncorrected,0.000,2.500,0.005000,HISTFAAA"));
  EXPECT_THAT(encode_hdr(Histogram()), StartsWith("HISTFAAA"));
}

TEST(ReportFormat, GhzReadsLikeGhz) {
  const std::string text = format_ghz(sample());
  EXPECT_THAT(text, StartsWith("\nSummary:\n"
                               "  Count:\t100\n"
                               "  Total:\t2.50 s\n"
                               "  Slowest:\t100.00 ms\n"
                               "  Fastest:\t1.00 ms\n"
                               "  Average:\t50.50 ms\n"
                               "  Requests/sec:\t40.00\n"
                               "\nResponse time histogram:\n"
                               "  1.000 [1]\t|∎∎∎∎\n"));
  EXPECT_THAT(text, HasSubstr("  100.000 [10]\t|∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎∎\n"
                              "\nLatency distribution:\n"
                              "  10 % in 10.00 ms \n"));
  EXPECT_THAT(text, HasSubstr("\nStatus code distribution:\n"
                              "  [OK]                 98 responses   \n"));
  EXPECT_THAT(text, HasSubstr("  [DeadlineExceeded]   2 responses   \n"
                              "\nError distribution:\n"
                              "  [2]   rpc error: code = DeadlineExceeded   \n"
                              "  [1]   wrong reply   \n"));
}

TEST(ReportFormat, HtmlIsOnePageAndItsStringsEndNothing) {
  Report report = sample();
  report.target = "unix:/tmp/</script><script>alert(1)</script>";
  const std::string page = format_html(report);
  EXPECT_THAT(page, StartsWith("<!doctype html>"));
  EXPECT_THAT(page, Not(HasSubstr("{{")));
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
  EXPECT_THAT(page, HasSubstr("var uPlot=function()"));
  for (const char* outside : {"src=\"", "href=\"http", "url(", "@import"}) {
    EXPECT_THAT(page, Not(HasSubstr(outside))) << outside;
  }
  EXPECT_TRUE(page.ends_with("</html>\n"));
}

}  // namespace
}  // namespace saker::bench

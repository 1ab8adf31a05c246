// Assertions: every metric and operator, judged at the very edge; messages of broken ones; refusals
// in so many words. The report below: 1,000 calls of 1 us … 1,000 us, 5 errors, in 10 s.
#include "saker/bench/assertion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace saker::bench {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

Report sample() {
  Report report;
  report.calls = 1000;
  report.errors = 5;
  report.duration = 10s;
  for (int i = 1; i <= 1000; ++i) {
    report.corrected.record(i * 1us);
    report.uncorrected.record(1ns);
  }
  return report;
}

std::string check(std::string_view list) {
  const auto assertions = parse_assertions(list);
  if (!assertions) return assertions.error().message;
  std::string all;
  for (const std::string& message : broken_assertions(*assertions, sample())) all += message + "\n";
  return all;
}

TEST(Assertion, HoldingOnesSayNothing) {
  for (const char* list : {"p99<1ms",
                           "p50<=500.5us",
                           "p99.9<1s",
                           "p100==1ms",
                           "max==1ms",
                           "max<=1ms",
                           "max>=1ms",
                           "min==1us",
                           "mean<501us",
                           "mean>500us",
                           "stddev<300us",
                           "stddev>280us",
                           "errors==5",
                           "errors<6",
                           "errors!=0",
                           "errors<=0.5%",
                           "errors<1%",
                           "calls==1000",
                           "calls>999",
                           "rps==100",
                           "rps>=100",
                           "rps>99.9",
                           "p99<1ms,errors==5, rps >= 100",
                           " p50 < 1ms ",
                           "p0.1<2us"}) {
    EXPECT_EQ(check(list), "") << list;
  }
}

TEST(Assertion, BrokenOnesSayWhatWasMeasured) {
  const std::pair<const char*, const char*> rows[] = {
      {"max<1ms", "max<1ms broken: max = 1ms\n"},
      {"p99<100us", "p99<100us broken: p99 = 990us\n"},
      {"p99.9 <= 800us", "p99.9 <= 800us broken: p99.9 = 999us\n"},
      {"mean>1ms", "mean>1ms broken: mean = 501us\n"},
      {"errors==0", "errors==0 broken: errors = 5\n"},
      {"errors<0.5%", "errors<0.5% broken: errors = 0.5%\n"},
      {"errors<0.1 %", "errors<0.1 % broken: errors = 0.5%\n"},
      {"calls>=1000000", "calls>=1000000 broken: calls = 1,000\n"},
      {"rps>=100000", "rps>=100000 broken: rps = 100\n"},
      {"rps!=100", "rps!=100 broken: rps = 100\n"},
      {"min>1us,p50<1ms,min<1us", "min>1us broken: min = 1us\nmin<1us broken: min = 1us\n"},
  };
  for (const auto& [list, message] : rows) EXPECT_EQ(check(list), message);
}

TEST(Assertion, RoundingDoesNotMakeABrokenOneLookRight) {
  Report report;
  report.corrected.record(1'000'400ns);
  const auto assertions = parse_assertions("max<1ms");
  ASSERT_TRUE(assertions);
  EXPECT_THAT(broken_assertions(*assertions, report),
              ElementsAre("max<1ms broken: max = 1,000,400ns"));
}

TEST(Assertion, TheLongestDurationIsALimit) {
  EXPECT_EQ(check("max>9223372036854775807ns"), "max>9223372036854775807ns broken: max = 1ms\n");
}

TEST(Assertion, LatencyWithoutACallIsBroken) {
  const auto assertions = parse_assertions("p99<1ms,mean>=0,errors==0,calls==0,rps==0,errors<1%");
  ASSERT_TRUE(assertions);
  EXPECT_THAT(broken_assertions(*assertions, Report()),
              ElementsAre("p99<1ms broken: no call ended", "mean>=0 broken: no call ended"));
}

TEST(Assertion, RefusalsArePrecise) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "assertion '': empty"},
      {"p99<1ms,", "assertion '': empty"},
      {"p99<1ms,,errors==0", "assertion '': empty"},
      {"p99", "assertion 'p99': an operator is missing"},
      {"p99=1ms", "assertion 'p99=1ms': unknown operator"},
      {"p99!1ms", "unknown operator"},
      {"p99<", "nothing stands behind"},
      {"p99<<1ms", "'<1ms': a duration is"},
      {"p99=<1ms", "unknown operator"},
      {"<1ms", "unknown metric ''"},
      {"p99<1", "'1': a unit is missing"},
      {"p99<1parsec", "unknown unit 'parsec'"},
      {"p99<1%", "unknown unit '%'"},
      {"p<1ms", "unknown metric 'p'"},
      {"p99x<1ms", "unknown metric 'p99x'"},
      {"p-1<1ms", "unknown metric 'p-1'"},
      {"p1e1<1ms", "unknown metric 'p1e1'"},
      {"pinf<1ms", "unknown metric 'pinf'"},
      {"p0<1ms", "a percentile lies above 0"},
      {"p100.1<1ms", "a percentile lies above 0"},
      {"P99<1ms", "unknown metric 'P99'"},
      {"latency<1ms", "known: p50 to p99.99"},
      {"errors==none", "'none' is not a number"},
      {"errors==-1", "'-1' is not a number"},
      {"errors<1ms", "'1ms' is not a number"},
      {"errors<%", "'' is not a number"},
      {"rps>=1e6", "'1e6' is not a number"},
      {"rps>=50%", "'50%' is not a number"},
      {"rps>=1.2.3", "is not a number"},
  };
  for (const auto& [list, why] : rows) EXPECT_THAT(check(list), HasSubstr(why)) << list;
}

}  // namespace
}  // namespace saker::bench

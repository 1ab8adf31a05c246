// Assertions: what a run must have reached, as `--assert` takes it: "p99<1ms", "errors==0",
// "rps>=100000", several with commas between. Latencies are judged by the corrected histogram,
// since the other one hides what users wait for. Knows the Report only,
// no option parser and no exit code.
//
//   assertion = metric operator limit                      operator: <  <=  >  >=  ==  !=
//   metric    = p<percent> | min | mean | max | stddev     limit: a duration ("800us")
//             | calls | rps                                limit: a number
//             | errors                                     limit: a number, or a share of all calls
//                                                                 ("0.1%")
//
// Values only: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saker/base/result.h"
#include "saker/bench/report.h"

namespace saker::bench {

enum class Metric : uint8_t {
  kPercentile,
  kMin,
  kMean,
  kMax,
  kStddev,
  kErrors,
  kErrorPercent,
  kCalls,
  kCallsPerSecond
};
enum class Comparison : uint8_t {
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kEqual,
  kNotEqual
};

struct Assertion {
  std::string text;  // as written
  Metric metric = Metric::kErrors;
  double percent = 0;  // of kPercentile
  Comparison comparison = Comparison::kEqual;
  double limit = 0;  // nanoseconds of a latency, else the plain number
};

// White space around the parts is allowed. Errors say which assertion is wrong and why.
Result<std::vector<Assertion>> parse_assertions(std::string_view list);

// What is wrong, "p99<1ms broken: p99 = 1.32ms", or nothing when it holds. Without a single ended
// call every assertion about latency is broken: silence is not speed.
std::optional<std::string> check_assertion(const Assertion& assertion, const Report& report);
// The messages of all that are broken, in order.
std::vector<std::string> broken_assertions(std::span<const Assertion> assertions,
                                           const Report& report);

}  // namespace saker::bench

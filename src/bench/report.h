// Report: everything a run of the load generator found out, as values; how it is shown is
// report_text.cc's and report_json.cc's. The JSON document is a contract (schema "saker.bench/1"):
// keys are only ever added. Knows no gRPC type (status codes arrive with their names), no clock and
// no file. Thread rule: none of its own; built by one thread after the run.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "saker/base/time.h"
#include "saker/bench/histogram.h"
#include "saker/bench/schedule.h"

namespace saker::bench {

struct StatusCount {
  std::string name;  // "UNAVAILABLE"
  int code = 0;      // 14
  uint64_t calls = 0;
};

// Of several servers, what one was sent.
struct BackendCount {
  std::string name;
  uint64_t calls = 0;
};

struct Report {
  // What ran.
  std::string target;     // as given: "vsock:2:50051"
  std::string transport;  // "tcp", "unix", "vsock", …, "+tls" behind it where so
  std::string method;     // "/saker.echo.v1.Echo/Echo"
  uint32_t connections = 0;
  uint32_t streams_per_connection = 0;
  uint32_t threads = 0;
  double intended_rate = 0;  // calls a second of an open loop; 0: closed loop
  Arrivals arrivals = Arrivals::kConstant;
  uint64_t payload_bytes = 0;
  Duration warmup{};
  Duration duration{};  // of the measured part
  // Versions, kernel, CPU, pinning, flags.
  std::vector<std::pair<std::string, std::string>> environment;

  // What came out. `calls` have ended, well or not; errors are those of them that did not end OK
  // with the right reply.
  uint64_t calls = 0;
  uint64_t errors = 0;
  uint64_t wrong_replies = 0;  // status OK, content wrong: among the errors
  uint64_t unfinished = 0;     // still in flight when the run ended: not among the calls
  std::vector<StatusCount> by_status;
  std::vector<BackendCount> backends;
  uint64_t bytes_sent = 0;  // on the wire, before encryption
  uint64_t bytes_received = 0;
  // Of all ended calls. Corrected counts from when the call should have started, uncorrected from
  // when it was sent; a closed loop records the same in both.
  Histogram corrected;
  Histogram uncorrected;

  // The generator's own load.
  std::vector<Duration> thread_cpu;  // CPU time of each thread during `duration`
  Duration max_schedule_lag{};       // open loop: the latest that a call was sent

  std::vector<std::string> warnings;  // from outside, in addition to those of all_warnings()
  std::vector<std::string> broken_assertions;  // see assertion.h

  bool open_loop() const { return intended_rate > 0; }
};

// Calls ended for each second of `duration`; 0 when that is 0.
double calls_per_second(const Report& report);
// Errors among calls, 0 to 1; 0 without calls.
double error_rate(const Report& report);
// Busy share of the busiest thread, 0 to 1.
double busiest_thread(const Report& report);
// report.warnings, and what the figures themselves give away: the generator was the bottleneck, an
// open loop did not reach its rate or lagged, calls were left unfinished.
std::vector<std::string> all_warnings(const Report& report);

// For people: some 30 lines of at most 100 columns in ASCII, the last one ended.
std::string format_text(const Report& report);
// One JSON document, indented, the last line ended.
std::string format_json(const Report& report);

}  // namespace saker::bench

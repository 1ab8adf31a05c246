// Report: everything a run of the load generator found out, as values; how it is shown is for
// report_format.h. The JSON document is a contract (schema "saker.bench/1"): keys are only ever
// added; it holds all that any other format needs. Knows no gRPC type (status codes arrive with
// their names), no clock and no file. Thread rule: none of its own; built by one thread after the
// run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saker/base/result.h"
#include "saker/base/time.h"
#include "saker/bench/histogram.h"
#include "saker/bench/report_mix.h"
#include "saker/bench/report_phases.h"
#include "saker/bench/schedule.h"
#include "saker/bench/timeline.h"

namespace saker::bench {

// So late, a call was not sent on time.
inline constexpr Duration kLateCall = std::chrono::milliseconds(1);

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

struct ContextSwitches {
  uint64_t voluntary = 0;    // it waited
  uint64_t involuntary = 0;  // others got the CPU
};

// The server's process during the run.
struct ServerLoad {
  Duration cpu{};
  std::optional<ContextSwitches> switches;  // where known
  uint64_t peak_resident_bytes = 0;         // the most that was seen; 0: not known
};

struct Report {
  // What ran.
  std::string target;     // as given: "vsock:2:50051"
  std::string transport;  // "tcp", "unix", "vsock", …, "+tls" behind it where so
  std::string method;     // "/saker.echo.v1.Echo/Echo"
  uint32_t connections = 0;
  uint32_t streams_per_connection = 0;
  uint32_t threads = 0;
  double intended_rate = 0;  // calls a second of an open loop, on average; 0: closed loop
  Arrivals arrivals = Arrivals::kConstant;
  std::string schedule;  // of rates that change, as written
  bool churns = false;   // connections are replaced on purpose
  uint64_t payload_bytes = 0;
  std::string stream;                // "client", "server" or "bidi"; empty: unary
  uint64_t messages_per_stream = 0;  // 0: of a server's stream all that came
  Duration warmup{};
  Duration duration{};             // of the measured part
  int64_t started_at_unix_ms = 0;  // wall clock; 0: not known
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
  // Of streams: messages sent (client streaming) or received, and the time between those of a
  // server's stream. A call of a bidi stream is a message and its reply, of the others a stream.
  uint64_t messages = 0;
  Histogram message_gaps;
  Histogram connects;               // how long each connection took that was made meanwhile
  std::vector<PhaseReport> phases;  // of the schedule, as far as the run came
  std::vector<MixReport> mix;       // of a mixed load, in the order asked for
  // How it went: a row for each `interval` of `duration`, as Timeline::rows() makes them.
  Duration interval{};
  std::vector<TimelineRow> timeline;

  // The generator's own load.
  std::vector<Duration> thread_cpu;  // CPU time of each thread during `duration`
  Duration max_schedule_lag{};       // open loop: the latest that a call was sent
  uint64_t late_calls = 0;           // sent kLateCall late or more although a stream was free
  ContextSwitches switches;          // of all threads
  std::optional<ServerLoad> server;  // where known

  std::vector<std::string> warnings;  // from outside, in addition to those of all_warnings()
  bool warnings_are_all = false;      // of a report that was read: those are among `warnings`
  std::vector<std::string> broken_assertions;  // see assertion.h

  bool open_loop() const { return intended_rate > 0; }
};

// Calls ended for each second of `duration`; 0 when that is 0.
double calls_per_second(const Report& report);
double messages_per_second(const Report& report);
// Errors among calls, 0 to 1; 0 without calls.
double error_rate(const Report& report);
// Busy share of the busiest thread, 0 to 1.
double busiest_thread(const Report& report);
// The generator, or the machine that it shares, did not keep to its own schedule: a thread that is
// busy all the time, or more than a hundredth of the calls late.
bool is_generator_limited(const Report& report);
// CPU time of all threads.
Duration client_cpu(const Report& report);
// Calls for each second of CPU time; 0 when that is 0.
double calls_per_core_second(const Report& report, Duration cpu);
// report.warnings, and what the figures themselves give away: the generator was the bottleneck, an
// open loop did not reach its rate or lagged, calls were left unfinished.
std::vector<std::string> all_warnings(const Report& report);

// For people: some 30 lines of at most 100 columns in ASCII, the last one ended.
std::string format_text(const Report& report);
// One JSON document, indented, the last line ended.
std::string format_json(const Report& report);

// Reads back what format_json() wrote. Errors say which part is not as it should be.
Result<Report> parse_report(std::string_view json);
// A document that parse_report() accepts, laid out as format_json() does; whatever else is in it,
// stays in it.
std::string reformat_json(std::string_view json);

}  // namespace saker::bench

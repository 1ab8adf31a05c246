// BenchResult, BenchSeconds: what a thread of the load generator found out; BenchShare: its part of a run;
// BenchTimes: when a run is.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "bench_messages.h"
#include "saker/bench/histogram.h"
#include "saker/bench/report.h"
#include "saker/bench/timeline.h"
#include "saker/grpc/status.h"
#include "saker/rpc/channel.h"

namespace saker::app {

// What a thread found out. Read by others through `calls` and `errors` while
// it runs, all of it afterwards.
struct BenchResult {
  std::atomic<uint64_t> calls{0};  // measured calls that have ended
  std::atomic<uint64_t> errors{0};
  uint64_t wrong_replies = 0;
  uint64_t unfinished = 0;  // due in the measured time, but not ended or not even sent
  std::array<uint64_t, grpc::kStatusCodeCount> by_code{};
  std::string first_error;
  bench::Histogram corrected;
  bench::Histogram uncorrected;
  bench::Timeline timeline;
  // Of the measured time:
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
  Duration cpu{};
  bench::ContextSwitches switches;
  Duration max_lag{};
  uint64_t late_calls = 0;  // by our own fault: a stream was free
  Time started_at{};
  Time ended_at{};
  std::vector<rpc::BackendCalls> backends;
  bench::Histogram connects;  // how long each took
  BenchMessages messages;     // of streams
  uint64_t messages_sum = 0;  // of the measured time
  uint64_t cut_streams = 0;   // that did not end by themselves
  bool lost_server = false;   // ended early: the server was away for too long
};

// What others may look at while the thread runs: its last whole second, and the run up to the end of
// that.
struct BenchSeconds {
  uint64_t seconds = 0;  // that are over
  bench::TimelinePoint last;
  bench::TimelinePoint run;
  std::array<uint64_t, grpc::kStatusCodeCount> by_code{};
};

struct BenchShare {
  static constexpr uint64_t kUnlimited = UINT64_MAX;

  uint64_t thread = 0;
  uint64_t connections = 1;
  uint64_t count = kUnlimited;  // measured calls
};

struct BenchTimes {
  Time begin{};  // of the warm-up, or of the measurement where there is none
  Time measure_from{};
  Time end_at = kNever;  // of a run that has a duration
};

}  // namespace saker::app

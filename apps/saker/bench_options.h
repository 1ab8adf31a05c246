// What a run of `saker bench` is asked to do; filled from the command line,
// read by the threads of the run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "channel_flags.h"
#include "report_output.h"
#include "saker/base/time.h"
#include "saker/bench/assertion.h"
#include "saker/bench/rate_plan.h"
#include "saker/bench/schedule.h"
#include "saker/grpc/metadata.h"
#include "saker/rpc/method_kind.h"
#include "target_options.h"

namespace saker::app {

inline constexpr Duration kUsualRound = std::chrono::seconds(2);
inline constexpr uint64_t kUsualRounds = 5;

struct BenchOptions {
  TargetOptions target;
  ChannelFlags channel;
  uint64_t connections = 10;  // of all threads together
  uint64_t streams = 100;     // calls in flight per connection
  uint64_t threads = 1;
  uint64_t count = 0;  // measured calls; 0: by duration
  Duration duration = std::chrono::seconds(10);
  Duration warmup{0};
  double rate = 0;       // calls a second of all threads; 0: closed loop, or as planned
  bench::RatePlan plan;  // rates that change; `duration` is as long
  bench::Arrivals arrivals = bench::Arrivals::kConstant;
  uint64_t payload_bytes = 16;
  rpc::MethodKind kind = rpc::MethodKind::kUnary;
  uint64_t messages = 0;    // of each stream; 0: of a server's stream all that come
  Duration deadline{0};     // of each call; 0: none
  grpc::Metadata metadata;  // of each call
  Duration connect_timeout = std::chrono::seconds(10);  // also how long a lost server may be away
  Duration busy_poll{0};
  uint64_t churn_calls = 0;  // after so many a connection is replaced; 0: never
  Duration churn_every = Duration::max();
  uint64_t seed = 1;
  std::string workload_flags;  // those of the command itself, for the report

  // Instead of one run: rounds at rates from `rate` on, in search of the highest that holds, or
  // rounds at each of several targets in turns, of which `target` is the first.
  bool find_max = false;
  std::vector<net::Target> compare;
  Duration round{0};    // 0: kUsualRound
  uint64_t rounds = 0;  // at each target; 0: kUsualRounds
  double resolution = 0.02;
  double start_rate = 0;  // of find_max

  // The result.
  std::vector<bench::Assertion> assertions;
  ReportOptions report;
  uint64_t server_pid = 0;  // a process of this machine to watch; 0: none
  bool quiet = false;       // nothing while it runs

  bool open_loop() const { return rate > 0 || !plan.empty(); }
  double mean_rate() const { return plan.empty() ? rate : plan.mean_rate(); }
  bool has_rounds() const { return find_max || !compare.empty(); }
  bool churns() const { return churn_calls != 0 || churn_every != Duration::max(); }
  // Those of a round of `find_max` or `compare`, with the warm-up that it takes.
  BenchOptions of_round() const;
  // An assertion says how many errors there may be.
  bool judges_errors() const;
  // From the beginning of the warm-up.
  bench::Rate arrival_rate() const {
    return plan.empty() ? bench::Rate::constant(rate) : plan.rate(warmup);
  }
};

}  // namespace saker::app

// BenchThread<Workload>: one thread of the load generator: a loop, a channel with its share of the connections, and one call
// object for every stream in flight, started again as soon as it ends (closed loop) or when the schedule says so (open loop).
//
//   warm-up ──measure_from──▶ measured ──end_at or count──▶ no new calls ──all ended, or kGraceTime──▶ done
//
// Latency counts from the scheduled time (corrected) and from the send (uncorrected) to the receipt of the bytes that ended
// the call; both ends are turn times, so a call is never made to look faster than it was.
#pragma once

#include <array>
#include <memory>
#include <thread>
#include <vector>

#include "bench_options.h"
#include "saker/bench/histogram.h"
#include "saker/bench/schedule.h"
#include "saker/net/loop.h"
#include "saker/rpc/channel.h"
#include "saker/rpc/unary_client_call.h"

namespace saker::app {

// What a thread found out. Read by others through `calls` and `errors` while it runs, all of it afterwards.
struct BenchResult {
  std::atomic<uint64_t> calls{0};   // ended within the measured time
  std::atomic<uint64_t> errors{0};
  uint64_t wrong_replies = 0;
  uint64_t unfinished = 0;
  std::array<uint64_t, grpc::kStatusCodeCount> by_code{};
  std::string first_error;
  bench::Histogram corrected;
  bench::Histogram uncorrected;
  Duration cpu{};
  Duration max_lag{};
  Time ended_at{};
};

struct BenchShare {
  uint32_t thread = 0;
  uint32_t connections = 1;
  uint64_t count = 0;  // of warm-up and measurement; 0: until end_at
  Time measure_from{};
  Time end_at = kNever;
};

template <typename Workload>
class BenchThread final : private net::Timer {
 public:
  BenchThread(const BenchOptions& options, const Workload& workload, net::Loop& loop,
              rpc::Channel& channel, const BenchShare& share)
      : options_(options),
        workload_(workload),
        loop_(loop),
        channel_(channel),
        share_(share),
        schedule_({.start = share.measure_from,
                   .rate = bench::Rate::constant(options.rate),
                   .arrivals = options.arrivals,
                   .thread = share.thread,
                   .threads = options.threads,
                   .seed = options.seed}) {
    const size_t calls = size_t{share.connections} * options.streams;
    for (size_t index = 0; index < calls; ++index) {
      calls_.push_back(std::make_unique<Call>(*this));
      workload_.begin(calls_.back()->request());
      idle_.push_back(calls_.back().get());
    }
  }
  ~BenchThread() { loop_.cancel(*this); }

  // Runs to the end.
  void run() {
    loop_.run_once(loop_.read_clock());
    if (open_loop()) {
      loop_.arm(*this, schedule_.due());
    } else {
      while (!idle_.empty() && may_start()) start(loop_.now());
    }
    while (!finished()) loop_.run_once(next_check());
    if (result_.ended_at == Time{}) result_.ended_at = loop_.now();
    result_.unfinished = in_flight_;
    stopping_ = true;
    for (auto& call : calls_) call->cancel();
    while (in_flight_ != 0) loop_.run_once(loop_.read_clock() + std::chrono::milliseconds(1));
  }

  BenchResult& result() { return result_; }

 private:
  class Call final : public rpc::UnaryClientCall<typename Workload::Request, typename Workload::Reply> {
   public:
    explicit Call(BenchThread& thread) : thread_(thread) {}
    Time intended{};
    Time sent{};

   private:
    void on_done() override { thread_.ended(*this); }
    BenchThread& thread_;
  };

  bool open_loop() const { return options_.rate > 0; }
  bool may_start() const {
    if (stopping_ || loop_.now() >= share_.end_at) return false;
    return share_.count == 0 || started_ < share_.count;
  }
  bool finished() const {
    if (in_flight_ != 0) return loop_.now() >= share_.end_at;
    return !may_start() || stopping_;
  }
  Time next_check() const { return share_.end_at; }

  void start(Time intended) {
    Call& call = *idle_.back();
    idle_.pop_back();
    call.intended = intended;
    call.sent = loop_.now();
    result_.max_lag = std::max(result_.max_lag, call.sent - intended);
    workload_.prepare(call.request(), share_.thread + options_.threads * started_,
                      loop_.wall_ns(call.sent));
    ++started_;
    ++in_flight_;
    rpc::CallOptions call_options;
    if (options_.deadline != Duration::max()) {
      call_options.deadline = time_after(call.sent, options_.deadline);
    }
    call_options.wait_for_ready = !connected_;
    call.start(channel_, Workload::method(), call_options);
  }

  void ended(Call& call) {
    --in_flight_;
    idle_.push_back(&call);
    const Time now = loop_.now();
    if (stopping_) return;
    connected_ = connected_ || call.status().ok();
    if (call.sent >= share_.measure_from && now <= share_.end_at) record(call, now);
    if (!open_loop()) {
      if (may_start()) start(now);
    } else {
      start_due(now);
    }
    if (share_.count != 0 && in_flight_ == 0 && !may_start()) result_.ended_at = now;
  }

  void record(Call& call, Time now) {
    bump(result_.calls);
    result_.corrected.record(now - call.intended);
    result_.uncorrected.record(now - call.sent);
    ++result_.by_code[static_cast<size_t>(call.status().code)];
    const char* wrong = nullptr;
    if (call.status().ok()) wrong = Workload::check(call.request(), call.reply());
    if (wrong == nullptr && call.status().ok()) return;
    bump(result_.errors);
    if (wrong != nullptr) ++result_.wrong_replies;
    if (result_.first_error.empty()) {
      result_.first_error = wrong != nullptr ? std::string("a reply with ") + wrong
                                             : call.status().message;
    }
  }

  // Open loop: everything that is due and has a free stream; what has none waits, and its latency grows.
  void start_due(Time now) {
    while (schedule_.due() <= now && !idle_.empty() && may_start()) {
      const Time due = schedule_.due();
      schedule_.advance();
      start(due);
    }
    if (schedule_.due() != kNever && !idle_.empty() && may_start()) {
      loop_.arm(*this, schedule_.due());
    }
  }
  void on_timer(Time now) override { start_due(now); }

  static void bump(std::atomic<uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  const BenchOptions& options_;
  const Workload& workload_;
  net::Loop& loop_;
  rpc::Channel& channel_;
  const BenchShare share_;
  bench::Schedule schedule_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<Call*> idle_;
  uint64_t started_ = 0;
  uint64_t in_flight_ = 0;
  bool stopping_ = false;
  bool connected_ = false;
  BenchResult result_;
};

}  // namespace saker::app

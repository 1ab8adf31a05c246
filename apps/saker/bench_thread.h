// BenchThread<Workload>: one thread of the load generator: a loop, a channel with its share of the
// connections, and one call object for every stream in flight, started again as soon as it ends
// (closed loop) or when the schedule says so (open loop).
//
//   begin ──warm-up──▶ measure_from ──end_at or count──▶ no new calls
//         ──all ended, or kGraceTime──▶ done
//
// Latency counts from the scheduled time (corrected) and from the send (uncorrected) to the receipt
// of the bytes that ended the call; both ends are turn times, so a call is never made to look
// faster than it was. A call is measured if it was due in the measured time, whenever it ends.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "bench_connects.h"
#include "bench_options.h"
#include "bench_result.h"
#include "bench_stream_call.h"
#include "process.h"
#include "saker/bench/histogram.h"
#include "saker/bench/phase_tally.h"
#include "saker/bench/report.h"
#include "saker/bench/schedule.h"
#include "saker/bench/timeline.h"
#include "saker/net/loop.h"
#include "saker/rpc/channel.h"
#include "saker/rpc/unary_client_call.h"
#include "server_watch.h"

namespace saker::app {

template <typename Workload>
concept Streams = requires { Workload::kKind; };

// What BenchThread keeps in flight.
template <typename Workload>
struct BenchCallOf {
  using Type = rpc::UnaryClientCall<typename Workload::Request, typename Workload::Reply>;
};
template <Streams Workload>
struct BenchCallOf<Workload> : StreamCallOf<Workload, Workload::kKind> {};

template <typename Workload>
class BenchThread {
 public:
  BenchThread(const BenchOptions& options, const Workload& workload, net::Loop& loop,
              rpc::Channel& channel, BenchConnects& connects, const BenchShare& share)
      : options_(options),
        workload_(workload),
        loop_(loop),
        channel_(channel),
        connects_(connects),
        share_(share),
        open_loop_(options.open_loop()) {
    const uint64_t calls = share.connections * options.streams;
    for (uint64_t index = 0; index < calls; ++index) {
      calls_.push_back(std::make_unique<Call>(*this));
      workload_.begin(calls_.back()->request());
      idle_.push_back(calls_.back().get());
    }
  }

  // Runs to the end, on the thread that the loop then belongs to.
  void run(const BenchTimes& times) {
    keep(times);
    do loop_.run_once(times_.begin);
    while (loop_.now() < times_.begin);
    tick(loop_.now());
    while (!finished()) {
      loop_.run_once(next_tick());
      tick(loop_.now());
    }
    conclude();
    stopping_ = true;
    for (auto& call : calls_) call->cancel();
    while (in_flight_ != 0) loop_.run_once(loop_.read_clock() + std::chrono::milliseconds(1));
    if constexpr (Streams<Workload>) {
      close_streams();
      result_.cut_streams = end_streams(calls_, loop_, kGraceTime);
    }
  }

  // On the loop's thread: no new calls from now on.
  void end_now() { end_at_ = std::min(end_at_, loop_.now()); }

  const BenchResult& result() const { return result_; }
  const typename Workload::Checker& checker() const { return checker_; }
  // One for each phase of the plan.
  std::span<const bench::PhaseFigures> phases() const { return phases_.figures(); }

  // Any thread.
  BenchSeconds seconds() const {
    const std::lock_guard lock(seconds_mutex_);
    return seconds_;
  }

 private:
  // For calls that are under way at the end: long enough for all but those that hang.
  static constexpr Duration kGraceTime = std::chrono::seconds(1);
  // Without any connection, calls fail at once: a pause keeps them from being counted by millions.
  static constexpr Duration kLostPause = std::chrono::milliseconds(100);

  // The workload has figures of its own.
  static constexpr bool kTallies =
      requires(typename Workload::Checker& checker, const typename Workload::Request& request) {
        checker.record(request, Duration(), true);
      };

  class Call final : public BenchCallOf<Workload>::Type {
   public:
    explicit Call(BenchThread& thread)
      requires(!Streams<Workload>)
        : thread_(thread) {}
    explicit Call(BenchThread& thread)
      requires Streams<Workload>
        : BenchCallOf<Workload>::Type(thread.workload_, thread.checker_, thread.result_.messages),
          thread_(thread) {}
    Time intended{};
    Time sent{};
    bool measured = false;

   private:
    void on_done() override { thread_.ended(*this); }
    BenchThread& thread_;
  };

  void keep(const BenchTimes& times) {
    times_ = times;
    end_at_ = times.end_at;
    schedule_ = bench::Schedule({.start = times.begin,
                                 .rate = options_.arrival_rate(),
                                 .arrivals = options_.arrivals,
                                 .thread = static_cast<uint32_t>(share_.thread),
                                 .threads = static_cast<uint32_t>(options_.threads),
                                 .seed = options_.seed});
    phases_ = bench::PhaseTally(options_.plan.phases(), times.measure_from);
  }

  bool open_loop() const { return open_loop_; }
  // What was due before the end is sent, however late.
  bool may_start() const {
    const Time due = open_loop_ ? schedule_.due() : loop_.now();
    return !stopping_ && started_ < limit_ && due < end_at_;
  }
  bool finished() const {
    if (loop_.now() >= time_after(end_at_, kGraceTime)) return true;
    return in_flight_ == 0 && !may_start();
  }

  // What is due between turns.
  Time next_tick() const {
    Time next = loop_.now() < end_at_ ? end_at_ : time_after(end_at_, kGraceTime);
    next = std::min(next, recorder_.next_cut());
    if (!open_loop() && !measuring_) next = std::min(next, times_.measure_from);
    if (idle_.empty() || !may_start()) return next;
    return std::min(next, open_loop() ? std::max(schedule_.due(), retry_at_) : retry_at_);
  }
  void tick(Time now) {
    if (now >= recorder_.next_cut()) end_second(now);
    if constexpr (Streams<Workload>) {
      if (now >= end_at_) close_streams();
    }
    if (open_loop()) return start_due(now);
    if (measuring_is_due(now)) start_measuring(now);
    while (now >= retry_at_ && !idle_.empty() && may_start()) start(now);
  }

  bool measuring_is_due(Time time) const { return !measuring_ && time >= times_.measure_from; }

  // The schedule, not the turn, says which call is the first measured one: an open loop that is
  // late may start calls of the warm-up and of the measurement in one turn.
  void start(Time intended) {
    if (measuring_is_due(intended)) start_measuring(loop_.now());
    Call& call = *idle_.back();
    idle_.pop_back();
    call.intended = intended;
    call.sent = loop_.now();
    call.measured = measuring_ && intended >= times_.measure_from;
    const bool late = call.sent - std::max(intended, free_since_) >= bench::kLateCall;
    if (late && call.measured) ++result_.late_calls;
    prepare(call, share_.thread + options_.threads * started_, loop_.wall_ns(call.sent));
    ++started_;
    ++in_flight_;
    rpc::CallOptions call_options;
    call_options.metadata = metadata_;
    if (options_.deadline != Duration::zero()) {
      // As with callers of their own clocks: no two neighbours send the same grpc-timeout.
      const auto step = static_cast<int64_t>(started_ % 1024);
      call_options.deadline =
          time_after(call.sent, options_.deadline - options_.deadline / 8192 * step);
    }
    call.start(channel_, workload_.method(), call_options);
  }

  void prepare(Call& call, uint64_t sequence, int64_t wall_ns) {
    if constexpr (Streams<Workload>) {
      call.prepare(sequence, wall_ns);
    } else {
      workload_.prepare(call.request(), sequence, wall_ns);
    }
  }
  const char* what_is_wrong(Call& call) {
    if constexpr (Streams<Workload>) {
      return call.wrong();
    } else {
      return checker_.check(call.request(), call.reply());
    }
  }

  // No more messages where none is under way.
  void close_streams() {
    result_.messages.end_load();
    for (auto& call : calls_) call->close();
  }
  // Open loop: everything that is due and has a free stream;
  // what has none waits, and its latency grows.
  void start_due(Time now) {
    if (now < retry_at_) return;
    while (schedule_.due() <= now && !idle_.empty() && may_start()) {
      const Time due = schedule_.due();
      schedule_.advance();
      start(due);
    }
  }

  void ended(Call& call) {
    --in_flight_;
    if (idle_.empty()) free_since_ = loop_.now();
    idle_.push_back(&call);
    if (stopping_) return;
    const Time now = loop_.now();
    if (call.measured) record(call, now);
    if (!call.status().ok()) [[unlikely]] {
      if (is_server_lost(now)) return;
    }
    if (open_loop()) return start_due(now);
    if (may_start()) start(now);
  }

  void record(Call& call, Time now) {
    if (now >= recorder_.next_cut()) [[unlikely]]
      end_second(now);
    recorder_.see_latency(now - call.intended);
    bump(result_.calls);
    result_.corrected.record(now - call.intended);
    result_.uncorrected.record(now - call.sent);
    result_.max_lag = std::max(result_.max_lag, call.sent - call.intended);
    ++result_.by_code[static_cast<size_t>(call.status().code)];
    const char* wrong = nullptr;
    if (call.status().ok()) wrong = what_is_wrong(call);
    const bool good = wrong == nullptr && call.status().ok();
    if (!phases_.empty()) phases_.record(call.intended, now, good);
    if constexpr (kTallies) checker_.record(call.request(), now - call.intended, good);
    if (!good) record_error(call.status(), wrong);
  }

  void record_error(const grpc::Status& status, const char* wrong) {
    bump(result_.errors);
    if (wrong != nullptr) ++result_.wrong_replies;
    if (!result_.first_error.empty()) return;
    result_.first_error =
        wrong != nullptr ? std::string("a reply with ") + wrong
                         : std::string(grpc::status_code_name(status.code)) + ": " + status.message;
  }

  // After a failed call: is there no connection to try again on? Pauses, and in the end gives up.
  bool is_server_lost(Time now) {
    if (channel_.ready_connections() != 0) {
      lost_at_ = kNever;
      return false;
    }
    lost_at_ = std::min(lost_at_, now);
    retry_at_ = time_after(now, kLostPause);
    if (now - lost_at_ >= options_.connect_timeout) {
      result_.lost_server = true;
      end_now();
    }
    return true;
  }

  void start_measuring(Time now) {
    measuring_ = true;
    if (share_.count != BenchShare::kUnlimited) limit_ = started_ + share_.count;
    result_.started_at = open_loop_ ? times_.measure_from : now;
    result_.bytes_sent = channel_.bytes_sent();
    result_.bytes_received = channel_.bytes_received();
    result_.backends = channel_.backend_calls();
    connects_.begin();
    if constexpr (Streams<Workload>) result_.messages.begin();
    result_.switches = thread_context_switches();
    result_.cpu = thread_cpu_time();
    recorder_.start(times_.measure_from, totals());
  }

  bench::TimelineRecorder::Totals totals() const {
    return {result_.calls.load(std::memory_order_relaxed),
            result_.errors.load(std::memory_order_relaxed), thread_cpu_time()};
  }

  void end_second(Time now) {
    const bench::TimelinePoint& second = recorder_.cut(now, totals(), result_.corrected);
    const std::lock_guard lock(seconds_mutex_);
    seconds_.seconds = static_cast<uint64_t>((recorder_.next_cut() - times_.measure_from) /
                                             bench::Timeline::kFirstInterval) -
                       1;
    seconds_.last = second;
    seconds_.run.merge(second);
    seconds_.by_code = result_.by_code;
  }

  void conclude() {
    const Time now = loop_.now();
    if (!measuring_) start_measuring(now);  // interrupted during the warm-up
    // Calls that hang do not make the run longer.
    result_.ended_at = in_flight_ == 0 ? now : std::min(now, end_at_);
    end_second(now);
    result_.timeline = recorder_.timeline();
    result_.cpu = thread_cpu_time() - result_.cpu;
    const bench::ContextSwitches switches = thread_context_switches();
    result_.switches = {switches.voluntary - result_.switches.voluntary,
                        switches.involuntary - result_.switches.involuntary};
    result_.bytes_sent = channel_.bytes_sent() - result_.bytes_sent;
    result_.bytes_received = channel_.bytes_received() - result_.bytes_received;
    result_.backends = since(result_.backends, channel_.backend_calls());
    result_.connects = connects_.take();
    if constexpr (Streams<Workload>) {
      result_.messages.end();
      result_.messages_sum =
          in_flight_ == 0 ? result_.messages.count() : result_.messages.count_before_end();
    }
    for (const auto& call : calls_) {
      if (call->active() && call->measured) record_unfinished(call->intended);
    }
    for (; open_loop() && schedule_.due() < end_at_ && started_ < limit_; ++started_) {
      if (schedule_.due() >= times_.measure_from) record_unfinished(schedule_.due());
      schedule_.advance();
    }
  }

  void record_unfinished(Time due) {
    ++result_.unfinished;
    if (!phases_.empty()) phases_.record_unfinished(due);
  }

  // What was sent meanwhile; a name may stand for other servers by now.
  static std::vector<rpc::BackendCalls> since(const std::vector<rpc::BackendCalls>& before,
                                              std::vector<rpc::BackendCalls> now) {
    for (rpc::BackendCalls& backend : now) {
      const auto known = std::ranges::find(before, backend.backend, &rpc::BackendCalls::backend);
      if (known != before.end()) backend.calls -= known->calls;
    }
    return now;
  }

  static void bump(std::atomic<uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  const BenchOptions& options_;
  const Workload& workload_;
  const grpc::Metadata* const metadata_ = options_.metadata.empty() ? nullptr : &options_.metadata;
  typename Workload::Checker checker_{workload_};
  net::Loop& loop_;
  rpc::Channel& channel_;
  BenchConnects& connects_;
  const BenchShare share_;
  const bool open_loop_;
  BenchTimes times_;
  Time end_at_ = kNever;
  bench::Schedule schedule_{{}};
  bench::PhaseTally phases_{{}, {}};
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<Call*> idle_;
  uint64_t limit_ = BenchShare::kUnlimited;  // of started_
  uint64_t started_ = 0;
  uint64_t in_flight_ = 0;
  bool measuring_ = false;
  bool stopping_ = false;
  Time free_since_{};  // a stream
  Time retry_at_{};
  Time lost_at_ = kNever;
  bench::TimelineRecorder recorder_;
  BenchResult result_;
  mutable std::mutex seconds_mutex_;
  BenchSeconds seconds_;
};

}  // namespace saker::app

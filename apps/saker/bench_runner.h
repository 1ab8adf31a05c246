// BenchRunner<Workload>: a run of the load generator: makes the connections, gives each thread its
// share of connections and calls, starts all threads at one time, and collects what they found.
// The caller's thread makes the connections, because it is the one that can still say no.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "bench_thread.h"
#include "saker/base/result.h"

namespace saker::app {

struct BenchProgress {
  uint64_t calls = 0;
  uint64_t errors = 0;
  Duration elapsed{};    // of the measured time; negative during the warm-up
  BenchSeconds seconds;  // of all threads, as far as all have come
};

// For all threads to be there when the load begins.
inline constexpr Duration kStartDelay = std::chrono::milliseconds(10);

template <typename Workload>
class BenchRunner {
 public:
  BenchRunner(const BenchOptions& options, const Workload& workload)
      : options_(options), workload_(workload) {}

  // Opens all connections, or those that a run has lost, or says why one of them cannot be had.
  Result<void> connect() {
    for (uint64_t index = units_.size(); index < options_.threads; ++index) {
      auto unit = make_unit(index);
      if (!unit) return std::unexpected(unit.error());
      const std::lock_guard lock(mutex_);
      units_.push_back(*std::move(unit));
    }
    const Time deadline = time_after(units_[0]->loop->read_clock(), options_.connect_timeout);
    for (auto& unit : units_) {
      if (auto connected = connect(*unit, deadline); !connected) return connected;
    }
    return {};
  }

  // Of a run, before it begins: gigabytes of requests take seconds.
  void make_calls() {
    for (uint64_t index = 0; index < units_.size(); ++index) {
      units_[index]->bench = std::make_unique<BenchThread<Workload>>(
          options_, workload_, *units_[index]->loop, *units_[index]->channel,
          units_[index]->connects, share_of(index));
    }
  }
  // To the end; may be done again, after make_calls(). `on_progress` is called every `period`, if that
  // is above 0.
  void run(Duration period, const std::function<void(const BenchProgress&)>& on_progress) {
    times_ = times_from(units_[0]->loop->read_clock() + kStartDelay);
    running_ = units_.size();
    for (auto& unit : units_) unit->thread = std::thread([this, &unit] { run_unit(*unit); });
    wait(period, on_progress);
    for (auto& unit : units_) unit->thread.join();
  }

  // Any thread, once: ends the run early; what was measured is kept.
  void interrupt() {
    interrupted_ = true;
    const std::lock_guard lock(mutex_);
    for (auto& unit : units_) unit->loop->post(*unit);
  }
  bool interrupted() const { return interrupted_; }

  std::vector<const BenchResult*> results() const {
    std::vector<const BenchResult*> all;
    for (const auto& unit : units_) all.push_back(&unit->bench->result());
    return all;
  }
  // Of all threads, with what they tallied.
  std::vector<const typename Workload::Checker*> checkers() const {
    std::vector<const typename Workload::Checker*> all;
    for (const auto& unit : units_) all.push_back(&unit->bench->checker());
    return all;
  }
  // Before its time: interrupted, or the server was lost.
  bool ended_early() const {
    return interrupted_ || std::ranges::any_of(units_, [](const auto& unit) {
             return unit->bench->result().lost_server;
           });
  }
  // What all threads together found out about each phase of the plan.
  std::vector<bench::PhaseFigures> phases() const {
    std::vector<bench::PhaseFigures> sums(options_.plan.phases().size());
    for (const auto& unit : units_) {
      for (size_t i = 0; i < sums.size(); ++i) sums[i].merge(unit->bench->phases()[i]);
    }
    return sums;
  }

 private:
  // A thread with what it works on; posted to its loop to end early.
  struct Unit final : net::PostedTask {
    void run() override {
      if (bench != nullptr) bench->end_now();
    }
    uint64_t connections = 0;
    BenchConnects connects;
    std::unique_ptr<net::Loop> loop;
    std::unique_ptr<rpc::Channel> channel;
    std::unique_ptr<BenchThread<Workload>> bench;
    std::thread thread;
  };

  // `total` in equal parts, the first ones taking what is left over.
  uint64_t part_of(uint64_t total, uint64_t index) const {
    return total / options_.threads + (index < total % options_.threads ? 1 : 0);
  }

  // Between which a unit's connections are shared.
  uint64_t backends() const {
    return options_.channel.picks_first() ? 1 : options_.target.servers.addresses.size();
  }

  Result<std::unique_ptr<Unit>> make_unit(uint64_t index) {
    auto unit = std::make_unique<Unit>();
    net::EpollLoopOptions loop_options;
    loop_options.busy_poll = options_.busy_poll;
    auto loop = net::make_epoll_loop(loop_options);
    if (!loop) return std::unexpected(loop.error());
    unit->loop = *std::move(loop);
    unit->connections = part_of(options_.connections, index);
    rpc::ChannelOptions channel;
    channel.connect.timeout = options_.connect_timeout;
    channel.connections = unit->connections / backends();
    channel.connect_eagerly = true;
    channel.initial_backoff = std::chrono::milliseconds(100);
    channel.max_backoff = std::chrono::seconds(1);
    channel.connection_calls = options_.churn_calls;
    channel.connection_age = options_.churn_every;
    channel.observer = &unit->connects;
    options_.channel.apply(channel);
    const size_t reply_bytes = options_.payload_bytes + 1024;
    channel.max_receive_message_bytes =
        std::max(channel.max_receive_message_bytes, static_cast<uint32_t>(reply_bytes));
    channel.max_connection_memory_bytes =
        std::max(channel.max_connection_memory_bytes, reply_bytes * (options_.streams + 1));
    if (auto used = use_target_tls(options_.target, channel); !used) {
      return std::unexpected(used.error());
    }
    unit->channel = std::make_unique<rpc::Channel>(*unit->loop, options_.target.servers, channel);
    return unit;
  }

  Result<void> connect(Unit& unit, Time deadline) {
    const rpc::Channel& channel = *unit.channel;
    while (channel.ready_connections() < unit.connections && !interrupted_) {
      if (!channel.last_error().empty()) return fail(channel.last_error());
      if (unit.loop->read_clock() >= deadline) {
        return fail(std::to_string(channel.ready_connections()) + " of " +
                    std::to_string(unit.connections) + " connections to " + channel.target_name() +
                    " within the connect timeout");
      }
      unit.loop->run_once(deadline);
    }
    return {};
  }

  BenchShare share_of(uint64_t index) const {
    BenchShare share;
    share.thread = index;
    share.connections = units_[index]->connections;
    if (options_.count != 0) share.count = part_of(options_.count, index);
    return share;
  }

  BenchTimes times_from(Time begin) const {
    BenchTimes times;
    times.begin = begin;
    times.measure_from = time_after(begin, options_.warmup);
    if (options_.count == 0) times.end_at = time_after(times.measure_from, options_.duration);
    return times;
  }

  void run_unit(Unit& unit) {
    make_wake_ups_exact();
    unit.bench->run(times_);
    const std::lock_guard lock(mutex_);
    if (--running_ == 0) all_ended_.notify_one();
  }

  void wait(Duration period, const std::function<void(const BenchProgress&)>& on_progress) {
    std::unique_lock lock(mutex_);
    const auto ended = [this] { return running_ == 0; };
    if (period == Duration::zero()) return all_ended_.wait(lock, ended);
    while (!all_ended_.wait_for(lock, period, ended)) on_progress(progress());
  }

  static void add(const BenchSeconds& unit, bool is_first, BenchSeconds& sum) {
    sum.seconds = is_first ? unit.seconds : std::min(sum.seconds, unit.seconds);
    sum.last.merge(unit.last);
    sum.run.merge(unit.run);
    for (size_t code = 0; code < unit.by_code.size(); ++code) {
      sum.by_code[code] += unit.by_code[code];
    }
  }

  BenchProgress progress() const {
    BenchProgress progress;
    for (const auto& unit : units_) {
      progress.calls += unit->bench->result().calls.load(std::memory_order_relaxed);
      progress.errors += unit->bench->result().errors.load(std::memory_order_relaxed);
      add(unit->bench->seconds(), unit == units_.front(), progress.seconds);
    }
    progress.elapsed = units_[0]->loop->read_clock() - times_.measure_from;
    return progress;
  }

  const BenchOptions& options_;
  const Workload& workload_;
  BenchTimes times_;
  std::mutex mutex_;
  std::condition_variable all_ended_;
  std::vector<std::unique_ptr<Unit>> units_;
  size_t running_ = 0;
  std::atomic<bool> interrupted_{false};
};

}  // namespace saker::app

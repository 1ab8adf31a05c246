// LoadThread: one thread of a worker's client: a loop, some of the client's channels, and a LoadCall
// for every call that may be in flight on them, used again as soon as it is free (closed loop) or
// when the next arrival is due (Poisson).
//
//   kConnecting ──all channels are connected──▶ kRunning ──stop()──▶ kEnded
//        └────── connect timeout ──────▶ kFailed ──stop()──▶ kEnded
//
// A latency counts from the moment when the call was due, which in a closed loop is when it was
// started, to the receipt of the bytes that ended it. Only what went well is in the histogram.
// Thread rule: what others may ask is said so.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "saker/base/intrusive_list.h"
#include "saker/bench/log_histogram.h"
#include "saker/bench/schedule.h"
#include "saker/net/loop.h"
#include "saker/rpc/channel.h"
#include "worker_config.h"

namespace saker::app {

struct LoadStats {
  explicit LoadStats(const bench::LogHistogramShape& shape) : latencies(shape) {}
  void merge(const LoadStats& other);
  void reset();

  bench::LogHistogram latencies;
  std::array<uint64_t, grpc::kStatusCodeCount> by_code{};
};

// One call, or one stream whose messages count as calls. The thread's, free or not: see LoadThread.
class LoadCall : public ListHook<> {
 public:
  virtual ~LoadCall() = default;
  // The call is free and is taken.
  virtual void issue(Time due) = 0;
  // It ends soon.
  virtual void cancel_all() = 0;
  // There is a stream.
  virtual bool is_open() const = 0;
};

class LoadThread {
 public:
  enum class State : uint8_t { kConnecting, kRunning, kFailed, kEnded };

  LoadThread(const ClientPlan& plan, std::unique_ptr<net::Loop> loop, Duration connect_timeout);
  ~LoadThread();  // stops

  // Before start(): a channel of its own with the calls on it.
  void add_channel(const net::Target& target, const rpc::ChannelOptions& options);
  void start();

  // ---- for any thread but the own one; one mark at a time
  State state() const { return state_.load(std::memory_order_acquire); }
  const std::string& failure() const { return failure_; }  // once it has failed
  void begin_mark(bool reset);
  bool is_marked() const { return marked_.load(std::memory_order_acquire); }
  const LoadStats& mark() const { return mark_; }  // once it is marked
  void stop();                                     // state() tells when it has ended

  // ---- for calls
  const ClientPlan& plan() const { return plan_; }
  Time now() const { return loop_->now(); }
  void record(Time due, grpc::StatusCode code);
  // It is free. After a failure without any connection left, it rests a while before.
  void release(LoadCall& call, bool rests);

 private:
  // Without any connection calls fail at once: a pause keeps them from being counted by millions.
  static constexpr Duration kRest = std::chrono::milliseconds(100);

  struct MarkTask final : net::PostedTask {
    explicit MarkTask(LoadThread& owner) : thread(owner) {}
    void run() override { thread.take_mark(reset); }
    LoadThread& thread;
    bool reset = false;
  };
  struct StopTask final : net::PostedTask {
    explicit StopTask(LoadThread& owner) : thread(owner) {}
    void run() override { thread.stopping_ = true; }
    LoadThread& thread;
  };

  void run();
  bool connect();
  std::string why_not_connected() const;
  bool is_connected() const;
  void begin_load();
  void end_calls();
  bool has_open_calls() const;
  Time next_tick() const;
  void tick(Time now);
  void take_mark(bool reset);

  const ClientPlan plan_;
  const Duration connect_timeout_;
  std::unique_ptr<net::Loop> loop_;
  std::vector<std::unique_ptr<rpc::Channel>> channels_;
  std::vector<std::unique_ptr<LoadCall>> calls_;
  IntrusiveList<LoadCall> idle_;
  IntrusiveList<LoadCall> resting_;
  Time rest_until_ = kNever;
  std::unique_ptr<bench::Schedule> schedule_;  // null: closed loop
  LoadStats stats_;
  bool stopping_ = false;

  std::atomic<State> state_{State::kConnecting};
  std::string failure_;
  MarkTask mark_task_{*this};
  StopTask stop_task_{*this};
  bool stop_posted_ = false;
  std::atomic<bool> marked_{true};
  LoadStats mark_;
  std::thread thread_;
};

}  // namespace saker::app

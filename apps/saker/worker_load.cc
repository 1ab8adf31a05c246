#include "worker_load.h"

#include <algorithm>

#include "process.h"
#include "worker_calls.h"

namespace saker::app {

void LoadStats::merge(const LoadStats& other) {
  latencies.merge(other.latencies);
  for (size_t code = 0; code < by_code.size(); ++code) by_code[code] += other.by_code[code];
}

void LoadStats::reset() {
  latencies.reset();
  by_code.fill(0);
}

LoadThread::LoadThread(const ClientPlan& plan, std::unique_ptr<net::Loop> loop,
                       Duration connect_timeout)
    : plan_(plan),
      connect_timeout_(connect_timeout),
      loop_(std::move(loop)),
      stats_(plan.histogram),
      mark_(plan.histogram) {}

LoadThread::~LoadThread() {
  if (!thread_.joinable()) return;
  stop();
  thread_.join();
}

void LoadThread::add_channel(const net::Target& target, const rpc::ChannelOptions& options) {
  channels_.push_back(std::make_unique<rpc::Channel>(*loop_, target, options));
  for (uint32_t call = 0; call < plan_.calls_per_channel; ++call) {
    calls_.push_back(make_load_call(*this, *channels_.back()));
  }
}

void LoadThread::start() {
  thread_ = std::thread([this] { run(); });
}

void LoadThread::begin_mark(bool reset) {
  marked_.store(false, std::memory_order_relaxed);
  mark_task_.reset = reset;
  loop_->post(mark_task_);
}

void LoadThread::take_mark(bool reset) {
  mark_.reset();
  mark_.merge(stats_);
  if (reset) stats_.reset();
  marked_.store(true, std::memory_order_release);
}

void LoadThread::stop() {
  if (stop_posted_) return;
  stop_posted_ = true;
  loop_->post(stop_task_);
}

void LoadThread::run() {
  make_wake_ups_exact();
  if (connect()) {
    state_.store(State::kRunning, std::memory_order_release);
    begin_load();
    for (tick(loop_->now()); !stopping_; tick(loop_->now())) loop_->run_once(next_tick());
  } else {
    state_.store(State::kFailed, std::memory_order_release);
    while (!stopping_) loop_->run_once(kNever);
  }
  end_calls();
  state_.store(State::kEnded, std::memory_order_release);
}

bool LoadThread::is_connected() const {
  return std::ranges::all_of(channels_,
                             [](const auto& channel) { return channel->ready_connections() != 0; });
}

bool LoadThread::connect() {
  const Time deadline = time_after(loop_->read_clock(), connect_timeout_);
  while (!stopping_ && !is_connected()) {
    if (loop_->read_clock() >= deadline) {
      failure_ = why_not_connected();
      return false;
    }
    loop_->run_once(deadline);
  }
  return true;
}

std::string LoadThread::why_not_connected() const {
  for (const auto& channel : channels_) {
    if (channel->ready_connections() != 0) continue;
    if (!channel->last_error().empty()) return channel->last_error();
    return "no connection to " + channel->target_name() + " within the connect timeout";
  }
  return {};
}

// Each thread has arrivals of its own; Poisson processes add up to one.
void LoadThread::begin_load() {
  for (auto& call : calls_) idle_.push_back(*call);
  if (plan_.rate <= 0) return;
  const double share = static_cast<double>(channels_.size()) / plan_.channels;
  schedule_ = std::make_unique<bench::Schedule>(
      bench::ScheduleOptions{.start = loop_->read_clock(),
                             .rate = bench::Rate::constant(plan_.rate * share),
                             .arrivals = bench::Arrivals::kPoisson,
                             .seed = loop_->random()});
  schedule_->advance();  // the first is due at once, of every thread's
}

Time LoadThread::next_tick() const {
  Time next = rest_until_;
  if (!idle_.empty() && schedule_ != nullptr) next = std::min(next, schedule_->due());
  return next;
}

void LoadThread::tick(Time now) {
  if (now >= rest_until_) {
    rest_until_ = kNever;
    while (LoadCall* call = resting_.try_pop_front()) idle_.push_back(*call);
  }
  while (!idle_.empty() && !stopping_) {
    Time due = now;
    if (schedule_ != nullptr) {
      due = schedule_->due();
      if (due > now) return;
      schedule_->advance();
    }
    idle_.try_pop_front()->issue(due);
  }
}

void LoadThread::record(Time due, grpc::StatusCode code) {
  ++stats_.by_code[static_cast<size_t>(code)];
  if (code == grpc::StatusCode::kOk) stats_.latencies.record(now() - due);
}

void LoadThread::release(LoadCall& call, bool rests) {
  if (stopping_) return;
  if (rests) {
    rest_until_ = std::min(rest_until_, time_after(now(), kRest));
    return resting_.push_back(call);
  }
  idle_.push_back(call);
  tick(now());
}

void LoadThread::end_calls() {
  stopping_ = true;
  for (auto& call : calls_) {
    call->unlink();
    call->cancel_all();
  }
  while (has_open_calls()) loop_->run_once(loop_->read_clock() + std::chrono::milliseconds(1));
}

bool LoadThread::has_open_calls() const {
  return std::ranges::any_of(calls_, [](const auto& call) { return call->is_open(); });
}

}  // namespace saker::app

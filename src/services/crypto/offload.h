// Offload: a coroutine's trip from its loop to the worker pool and back. Work that nobody waits for
// any more (cancelled, or past its deadline) is dropped before it starts. Work of many units is done
// in pieces, between which others have their turn, and dropped where it stands.
//
//   loop: co_await offload ──▶ pool lane ──▶ worker: work(worker) ──▶ post ──▶ loop: resumes
//                    │              ▲────units are left────┘
//                    └─ lane full: resumes at once with kRefused
#pragma once

#include <atomic>
#include <coroutine>
#include <type_traits>

#include "saker/rpc/server_context.h"
#include "saker/services/crypto/worker_pool.h"

namespace saker::crypto {

enum class OffloadResult : uint8_t {
  kDone,
  kRefused,  // the lane is full: RESOURCE_EXHAUSTED
  kDropped,  // cancelled, expired, or the pool stopped; of work in pieces some may be done
};

// Whether somebody waits for what is being done. Thread rule: any thread.
class StillWanted {
 public:
  explicit StillWanted(rpc::ServerContext& context)
      : loop_(context.loop()), deadline_(context.deadline()) {}
  bool check() const {
    return !given_up_.load(std::memory_order_relaxed) &&
           (deadline_ == kNever || loop_.read_clock() < deadline_);
  }
  void give_up() { given_up_.store(true, std::memory_order_relaxed); }

 private:
  net::Loop& loop_;
  const Time deadline_;
  std::atomic<bool> given_up_{false};
};

// Work, on a worker's thread: void(size_t worker), or in pieces: size_t(size_t worker, const
// StillWanted&), which does one and returns how many units are left.
template <typename Work>
class Offload final : private Job, private net::PostedTask, private rpc::CancelWaiter {
 public:
  Offload(WorkerPool& pool, Lane lane, rpc::ServerContext& context, Work work, size_t units = 1)
      : pool_(pool),
        lane_(lane),
        units_(units),
        context_(context),
        loop_(context.loop()),
        wanted_(context),
        work_(std::move(work)) {}

  bool await_ready() const { return false; }
  // False: goes on at once.
  bool await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    context_.set_cancel_waiter(this);
    if (pool_.try_submit(*this, lane_, units_)) return true;
    result_ = OffloadResult::kRefused;
    return false;
  }
  OffloadResult await_resume() {
    context_.set_cancel_waiter(nullptr);
    return result_;
  }

 private:
  void run(size_t worker) override {
    if (!wanted_.check()) return cancel();
    if constexpr (std::is_invocable_v<Work, size_t, const StillWanted&>) {
      if (const size_t left = work_(worker, wanted_); left != 0) {
        // Once it waits again, it may run again: nothing here is ours any more.
        if (!wanted_.check() || !pool_.line_up_again(*this, lane_, left)) cancel();
        return;
      }
    } else {
      work_(worker);
    }
    loop_.post(*this);
  }
  void cancel() override {
    result_ = OffloadResult::kDropped;
    loop_.post(*this);
  }
  void run() override { waiter_.resume(); }
  void on_cancelled() override { wanted_.give_up(); }

  WorkerPool& pool_;
  const Lane lane_;
  const size_t units_;
  rpc::ServerContext& context_;
  net::Loop& loop_;
  StillWanted wanted_;
  Work work_;
  std::coroutine_handle<> waiter_;
  OffloadResult result_ = OffloadResult::kDone;
};

}  // namespace saker::crypto

// Offload: a coroutine's trip from its loop to the worker pool and back. Work that nobody waits for
// any more (cancelled, or past its deadline) is dropped before it starts.
//
//   loop: co_await offload ──▶ pool lane ──▶ worker: work(worker) ──▶ post ──▶ loop: resumes
//                    └─ lane full: resumes at once with kRefused
#pragma once

#include <atomic>
#include <coroutine>

#include "saker/rpc/server_context.h"
#include "saker/services/crypto/worker_pool.h"

namespace saker::crypto {

enum class OffloadResult : uint8_t {
  kDone,
  kRefused,  // the lane is full: RESOURCE_EXHAUSTED
  kDropped,  // cancelled, expired, or the pool stopped
};

template <typename Work>  // void(size_t worker), on a worker's thread
class Offload final : private Job, private net::PostedTask, private rpc::CancelWaiter {
 public:
  Offload(WorkerPool& pool, Lane lane, rpc::ServerContext& context, Work work)
      : pool_(pool),
        lane_(lane),
        context_(context),
        loop_(context.loop()),
        work_(std::move(work)) {}

  bool await_ready() const { return false; }
  // False: goes on at once.
  bool await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    context_.set_cancel_waiter(this);
    if (pool_.try_submit(*this, lane_)) return true;
    result_ = OffloadResult::kRefused;
    return false;
  }
  OffloadResult await_resume() {
    context_.set_cancel_waiter(nullptr);
    return result_;
  }

 private:
  void run(size_t worker) override {
    const bool expired = context_.deadline() != kNever && loop_.read_clock() >= context_.deadline();
    if (expired || unwanted_.load(std::memory_order_relaxed)) return cancel();
    work_(worker);
    loop_.post(*this);
  }
  void cancel() override {
    result_ = OffloadResult::kDropped;
    loop_.post(*this);
  }
  void run() override { waiter_.resume(); }
  void on_cancelled() override { unwanted_.store(true, std::memory_order_relaxed); }

  WorkerPool& pool_;
  const Lane lane_;
  rpc::ServerContext& context_;
  net::Loop& loop_;
  Work work_;
  std::coroutine_handle<> waiter_;
  std::atomic<bool> unwanted_{false};
  OffloadResult result_ = OffloadResult::kDone;
};

}  // namespace saker::crypto

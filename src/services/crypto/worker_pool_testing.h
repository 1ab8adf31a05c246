// For tests of the WorkerPool: jobs that do what a test says, one that holds up its worker, and ways to
// wait that end by themselves. From any thread.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "saker/services/crypto/worker_pool.h"

namespace saker::crypto {

class Latch {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  // False after ten seconds, which no test waits for unless it fails.
  [[nodiscard]] bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

struct TestJob : Job {
  explicit TestJob(std::function<void(size_t)> work = [](size_t) {}) : work_(std::move(work)) {}
  void run(size_t worker) override {
    work_(worker);
    ++runs;
  }
  void cancel() override { ++cancels; }

  std::function<void(size_t)> work_;
  std::atomic<int> runs = 0;
  std::atomic<int> cancels = 0;
};

// Occupies a worker until released.
struct Blocker : TestJob {
  Blocker()
      : TestJob([this](size_t) {
          started.open();
          EXPECT_TRUE(released.wait());
        }) {}
  Latch started;
  Latch released;
};

inline bool wait_until(const std::function<bool()>& condition) {
  for (int i = 0; i < 10000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

inline std::unique_ptr<WorkerPool> start_pool(const WorkerPool::Options& options) {
  auto pool = WorkerPool::start(options);
  EXPECT_TRUE(pool) << pool.error().message;
  return std::move(*pool);
}

}  // namespace saker::crypto

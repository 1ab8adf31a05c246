#include "saker/services/crypto/worker_pool.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "saker/services/crypto/worker_pool_testing.h"

namespace saker::crypto {
namespace {

using Stop = WorkerPool::Stop;

// One worker, held while `order` names the lanes ("c" and "e") that are submitted;
// returns the order they ran in.
std::string order_run_by_one_worker(const std::string& lanes) {
  auto pool = start_pool({.threads = 1});
  Blocker blocker;
  EXPECT_TRUE(pool->try_submit(blocker, Lane::kCheap));
  EXPECT_TRUE(blocker.started.wait());
  std::string ran;
  std::deque<TestJob> jobs;
  for (const char lane : lanes) {
    TestJob& job = jobs.emplace_back([&ran, lane](size_t) { ran += lane; });
    EXPECT_TRUE(pool->try_submit(job, lane == 'c' ? Lane::kCheap : Lane::kExpensive));
  }
  blocker.released.open();
  pool->stop(Stop::kDrain);
  return ran;
}

TEST(WorkerPoolTest, OneWorkerRunsCheapJobsFirst) {
  EXPECT_EQ(order_run_by_one_worker("eecec"), "cceee");
}

TEST(WorkerPoolTest, OneWorkerDoesNotStarveExpensiveJobs) {
  const std::string sixteen(16, 'c');
  EXPECT_EQ(order_run_by_one_worker("ee" + sixteen + sixteen + "cc"),
            sixteen + "e" + sixteen + "e" + "cc");
}

TEST(WorkerPoolTest, ALaneIsFirstInFirstOut) {
  auto pool = start_pool({.threads = 1});
  Blocker blocker;
  ASSERT_TRUE(pool->try_submit(blocker, Lane::kExpensive));
  ASSERT_TRUE(blocker.started.wait());
  std::vector<int> ran;
  std::deque<TestJob> jobs;
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(
        pool->try_submit(jobs.emplace_back([&ran, i](size_t) { ran.push_back(i); }), Lane::kCheap));
  blocker.released.open();
  pool->stop(Stop::kDrain);
  ASSERT_EQ(ran.size(), 100u);
  EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
}

TEST(WorkerPoolTest, ACheapJobNeverWaitsBehindExpensiveOnes) {
  for (const size_t threads : {2, 3, 8}) {
    auto pool = start_pool({.threads = threads});
    std::deque<Blocker> blockers(threads + 2);
    for (auto& blocker : blockers) ASSERT_TRUE(pool->try_submit(blocker, Lane::kExpensive));
    ASSERT_TRUE(wait_until([&] { return pool->stats(Lane::kExpensive).running == threads - 1; }));
    Latch ran;
    TestJob cheap([&](size_t) { ran.open(); });
    ASSERT_TRUE(pool->try_submit(cheap, Lane::kCheap));
    EXPECT_TRUE(ran.wait());
    EXPECT_EQ(pool->stats(Lane::kExpensive).running, threads - 1);
    for (auto& blocker : blockers) blocker.released.open();
    pool->stop(Stop::kDrain);
    for (auto& blocker : blockers) EXPECT_EQ(blocker.runs, 1);
  }
}

TEST(WorkerPoolTest, ExpensiveJobsUseAllWorkersButOne) {
  auto pool = start_pool({.threads = 4});
  std::deque<Blocker> blockers(3);
  for (auto& blocker : blockers) ASSERT_TRUE(pool->try_submit(blocker, Lane::kExpensive));
  for (auto& blocker : blockers) EXPECT_TRUE(blocker.started.wait());
  for (auto& blocker : blockers) blocker.released.open();
  pool->stop(Stop::kDrain);
}

TEST(WorkerPoolTest, CheapJobsUseAllWorkers) {
  auto pool = start_pool({.threads = 4});
  std::deque<Blocker> blockers(4);
  for (auto& blocker : blockers) ASSERT_TRUE(pool->try_submit(blocker, Lane::kCheap));
  for (auto& blocker : blockers) EXPECT_TRUE(blocker.started.wait());
  for (auto& blocker : blockers) blocker.released.open();
  pool->stop(Stop::kDrain);
}

TEST(WorkerPoolTest, AFullLaneRefusesAtOnceAndTheOtherDoesNot) {
  auto pool = start_pool({.threads = 1, .cheap_capacity = 3, .expensive_capacity = 1});
  Blocker blocker;
  ASSERT_TRUE(pool->try_submit(blocker, Lane::kCheap));
  ASSERT_TRUE(blocker.started.wait());
  std::deque<TestJob> jobs(6);
  EXPECT_TRUE(pool->try_submit(jobs[0], Lane::kCheap));
  EXPECT_TRUE(pool->try_submit(jobs[1], Lane::kCheap));
  EXPECT_TRUE(pool->try_submit(jobs[2], Lane::kCheap));
  EXPECT_FALSE(pool->try_submit(jobs[3], Lane::kCheap));
  EXPECT_TRUE(pool->try_submit(jobs[4], Lane::kExpensive));
  EXPECT_FALSE(pool->try_submit(jobs[5], Lane::kExpensive));

  const LaneStats cheap = pool->stats(Lane::kCheap);
  EXPECT_EQ(cheap.queued, 3u);
  EXPECT_EQ(cheap.running, 1u);
  EXPECT_EQ(cheap.submitted, 4u);
  EXPECT_EQ(cheap.refused, 1u);
  EXPECT_EQ(pool->stats(Lane::kExpensive).queued, 1u);
  EXPECT_EQ(pool->stats(Lane::kExpensive).refused, 1u);

  blocker.released.open();
  pool->stop(Stop::kDrain);
  for (size_t i = 0; i < jobs.size(); ++i) EXPECT_EQ(jobs[i].runs, i == 3 || i == 5 ? 0 : 1) << i;
  EXPECT_EQ(pool->stats(Lane::kCheap).completed, 4u);
  EXPECT_EQ(pool->stats(Lane::kCheap).queued, 0u);
}

TEST(WorkerPoolTest, CountsTheTimeJobsWait) {
  auto pool = start_pool({.threads = 1});
  Blocker blocker;
  ASSERT_TRUE(pool->try_submit(blocker, Lane::kCheap));
  ASSERT_TRUE(blocker.started.wait());
  TestJob waits;
  ASSERT_TRUE(pool->try_submit(waits, Lane::kExpensive));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  blocker.released.open();
  pool->stop(Stop::kDrain);
  EXPECT_GE(pool->stats(Lane::kExpensive).wait_ns_max, 20'000'000u);
  EXPECT_GE(pool->stats(Lane::kExpensive).wait_ns_total, 20'000'000u);
}

TEST(WorkerPoolTest, StoppingWithCancelRunsNothingThatWaits) {
  auto pool = start_pool({.threads = 1});
  Blocker blocker;
  ASSERT_TRUE(pool->try_submit(blocker, Lane::kCheap));
  ASSERT_TRUE(blocker.started.wait());
  std::deque<TestJob> jobs(10);
  for (size_t i = 0; i < jobs.size(); ++i)
    ASSERT_TRUE(pool->try_submit(jobs[i], i % 2 == 0 ? Lane::kCheap : Lane::kExpensive));
  std::thread stopper([&] { pool->stop(Stop::kCancel); });
  EXPECT_TRUE(wait_until([&] { return jobs.back().cancels == 1; }));
  blocker.released.open();
  stopper.join();
  EXPECT_EQ(blocker.runs, 1);
  for (auto& job : jobs) {
    EXPECT_EQ(job.runs, 0);
    EXPECT_EQ(job.cancels, 1);
  }
  EXPECT_EQ(pool->stats(Lane::kCheap).cancelled, 5u);
  EXPECT_EQ(pool->stats(Lane::kExpensive).cancelled, 5u);
}

TEST(WorkerPoolTest, AStoppedPoolRefusesAndStopsAgain) {
  auto pool = start_pool({.threads = 2});
  pool->stop(Stop::kDrain);
  TestJob job;
  EXPECT_FALSE(pool->try_submit(job, Lane::kCheap));
  EXPECT_EQ(pool->stats(Lane::kCheap).refused, 1u);
  pool->stop(Stop::kCancel);
  EXPECT_EQ(job.runs + job.cancels, 0);
}

TEST(WorkerPoolTest, DestructionCancels) {
  std::deque<TestJob> jobs(200);
  {
    auto pool = start_pool({.threads = 2});
    for (auto& job : jobs) ASSERT_TRUE(pool->try_submit(job, Lane::kExpensive));
  }
  for (auto& job : jobs) EXPECT_EQ(job.runs + job.cancels, 1);
}

TEST(WorkerPoolTest, RefusesAnImpossibleNumberOfThreads) {
  EXPECT_FALSE(WorkerPool::start({.threads = 0}));
  EXPECT_FALSE(WorkerPool::start({.threads = WorkerPool::kMaxThreads + 1}));
}

TEST(WorkerPoolTest, WorkersTakeNoSignals) {
  auto pool = start_pool({.threads = 1});
  sigset_t mask;
  sigemptyset(&mask);
  TestJob job([&](size_t) { pthread_sigmask(SIG_BLOCK, nullptr, &mask); });
  ASSERT_TRUE(pool->try_submit(job, Lane::kCheap));
  pool->stop(Stop::kDrain);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) EXPECT_EQ(sigismember(&mask, signal), 1);
}

// Many submitters, both lanes, small queues, jobs that are destroyed by whoever waits for them:
// every accepted job runs exactly once, and no worker index is used twice at the same time.
TEST(WorkerPoolTest, ManyThreadsSubmit) {
  constexpr size_t kWorkers = 3;
  constexpr int kSubmitters = 4;
  constexpr int kJobsEach = 3000;
  auto pool = start_pool({.threads = kWorkers, .cheap_capacity = 8, .expensive_capacity = 4});
  std::atomic<int> in_use[kWorkers] = {};
  std::atomic<int> expensive_at_once = 0;
  std::atomic<uint64_t> accepted = 0;
  std::atomic<uint64_t> ran = 0;
  const auto submit_all = [&](int seed) {
    for (int i = 0; i < kJobsEach; ++i) {
      const Lane lane = (i + seed) % 3 == 0 ? Lane::kExpensive : Lane::kCheap;
      Latch done;
      TestJob job([&](size_t worker) {
        EXPECT_EQ(in_use[worker].fetch_add(1), 0);
        if (lane == Lane::kExpensive) {
          EXPECT_LT(expensive_at_once.fetch_add(1), 2);
          expensive_at_once.fetch_sub(1);
        }
        in_use[worker].fetch_sub(1);
        ran.fetch_add(1);
      });
      struct Notify : Job {
        Notify(TestJob& inner, Latch& latch) : inner_(inner), latch_(latch) {}
        void run(size_t worker) override {
          inner_.run(worker);
          latch_.open();
        }
        void cancel() override { latch_.open(); }
        TestJob& inner_;
        Latch& latch_;
      } notify(job, done);
      if (!pool->try_submit(notify, lane)) continue;
      accepted.fetch_add(1);
      ASSERT_TRUE(done.wait());
    }
  };
  std::vector<std::thread> submitters;
  for (int i = 0; i < kSubmitters; ++i) submitters.emplace_back(submit_all, i);
  for (auto& submitter : submitters) submitter.join();
  pool->stop(Stop::kDrain);
  EXPECT_EQ(ran, accepted);
  EXPECT_EQ(pool->stats(Lane::kCheap).completed + pool->stats(Lane::kExpensive).completed,
            accepted);
}

}  // namespace
}  // namespace saker::crypto

// Jobs of several units in a WorkerPool: what fills a lane, and who takes turns.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <string>
#include <thread>

#include "saker/services/crypto/worker_pool_testing.h"

namespace saker::crypto {
namespace {

using Stop = WorkerPool::Stop;

TEST(WorkerPoolTest, ALaneIsFullOfUnits) {
  auto pool = start_pool({.threads = 1, .cheap_capacity = 3, .expensive_capacity = 1});
  Blocker blocker;
  ASSERT_TRUE(pool->try_submit(blocker, Lane::kCheap));
  ASSERT_TRUE(blocker.started.wait());
  std::deque<TestJob> jobs(4);
  EXPECT_TRUE(pool->try_submit(jobs[0], Lane::kCheap, 2));
  EXPECT_TRUE(pool->try_submit(jobs[1], Lane::kCheap, 1000));
  EXPECT_FALSE(pool->try_submit(jobs[2], Lane::kCheap));
  EXPECT_FALSE(pool->try_submit(jobs[2], Lane::kCheap, 1000));
  EXPECT_EQ(pool->stats(Lane::kCheap).queued, 2u);
  blocker.released.open();
  ASSERT_TRUE(wait_until([&] { return pool->stats(Lane::kCheap).completed == 3; }));
  EXPECT_TRUE(pool->try_submit(jobs[3], Lane::kCheap, 3)) << "what is done makes room";
  pool->stop(Stop::kDrain);
  EXPECT_EQ(jobs[3].runs, 1);
}

// Does its units one at a time, and writes down its name for each.
struct PiecewiseJob : Job {
  PiecewiseJob(WorkerPool& pool, char name, size_t units, std::string& ran)
      : pool_(pool), name_(name), left_(units), ran_(ran) {}
  void run(size_t) override {
    ran_ += name_;
    if (--left_ == 0) return;
    if (!pool_.line_up_again(*this, Lane::kCheap, left_)) ++cancels;
  }
  void cancel() override { ++cancels; }

  WorkerPool& pool_;
  const char name_;
  size_t left_;
  std::string& ran_;
  std::atomic<int> cancels = 0;
};

TEST(WorkerPoolTest, AJobOfManyUnitsTakesTurnsWithTheOthers) {
  auto pool = start_pool({.threads = 1});
  Blocker blocker;
  ASSERT_TRUE(pool->try_submit(blocker, Lane::kCheap));
  ASSERT_TRUE(blocker.started.wait());
  std::string ran;
  PiecewiseJob large(*pool, 'L', 4, ran);
  PiecewiseJob other(*pool, 'M', 2, ran);
  TestJob small([&](size_t) { ran += 's'; });
  ASSERT_TRUE(pool->try_submit(large, Lane::kCheap, 4));
  ASSERT_TRUE(pool->try_submit(other, Lane::kCheap, 2));
  ASSERT_TRUE(pool->try_submit(small, Lane::kCheap));
  blocker.released.open();
  pool->stop(Stop::kDrain);
  EXPECT_EQ(ran, "LMsLMLL");
  EXPECT_EQ(large.cancels + other.cancels, 0);
}

// What waits between two pieces counts, and so does what a running one will leave.
TEST(WorkerPoolTest, UnitsThatAreLeftKeepTheLaneFull) {
  auto pool = start_pool({.threads = 1, .cheap_capacity = 4});
  Blocker first;
  Blocker second;
  struct TwoPieces : Job {
    TwoPieces(WorkerPool& pool, Blocker& first, Blocker& second)
        : pool_(pool), pieces_{&first, &second} {}
    void run(size_t worker) override {
      pieces_[at_++]->run(worker);
      if (at_ == 2) return;
      EXPECT_TRUE(pool_.line_up_again(*this, Lane::kCheap, 4));
    }
    void cancel() override {}
    WorkerPool& pool_;
    Blocker* pieces_[2];
    int at_ = 0;
  } job(*pool, first, second);
  TestJob refused;
  ASSERT_TRUE(pool->try_submit(job, Lane::kCheap, 8));
  ASSERT_TRUE(first.started.wait());
  EXPECT_FALSE(pool->try_submit(refused, Lane::kCheap));
  first.released.open();
  ASSERT_TRUE(second.started.wait());
  EXPECT_FALSE(pool->try_submit(refused, Lane::kCheap));
  second.released.open();
  pool->stop(Stop::kDrain);
  EXPECT_EQ(refused.runs, 0);
}

TEST(WorkerPoolTest, AStoppedPoolTakesNoJobBack) {
  auto pool = start_pool({.threads = 1});
  std::string ran;
  Latch started;
  Latch released;
  struct Waiting : PiecewiseJob {
    Waiting(WorkerPool& pool, std::string& ran, Latch& started, Latch& released)
        : PiecewiseJob(pool, 'L', 3, ran), started_(started), released_(released) {}
    void run(size_t worker) override {
      started_.open();
      EXPECT_TRUE(released_.wait());
      PiecewiseJob::run(worker);
    }
    Latch& started_;
    Latch& released_;
  } job(*pool, ran, started, released);
  ASSERT_TRUE(pool->try_submit(job, Lane::kCheap, 3));
  ASSERT_TRUE(started.wait());
  TestJob waits;
  ASSERT_TRUE(pool->try_submit(waits, Lane::kCheap));
  std::thread stopper([&] { pool->stop(Stop::kCancel); });
  EXPECT_TRUE(wait_until([&] { return waits.cancels == 1; }));
  released.open();
  stopper.join();
  EXPECT_EQ(ran, "L");
  EXPECT_EQ(job.cancels, 1);
}

}  // namespace
}  // namespace saker::crypto

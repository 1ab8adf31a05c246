#include "saker/net/epoll_loop.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "saker/net/transport_harness.h"

namespace saker::net {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::unique_ptr<Loop> make_loop(const EpollLoopOptions& options = {}) {
  return test::must(make_epoll_loop(options), "loop");
}

struct Task final : PostedTask {
  void run() override {
    ++runs;
    if (action) action();
  }
  int runs = 0;
  std::function<void()> action;
};

struct EndTask final : TurnTask {
  void run_at_turn_end() override { action(); }
  std::function<void()> action;
};

struct AlarmTimer final : Timer {
  void on_timer(Time now) override {
    fired_at = now;
    if (action) action();
  }
  Time fired_at{};
  std::function<void()> action;
};

TEST(EpollLoop, TasksOfManyThreadsRunOnceEachAndInOrder) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 2000;
  const auto loop = make_loop();
  std::vector<std::vector<Task>> tasks;
  std::vector<int> order(kThreads, 0);
  int total = 0;
  for (int t = 0; t < kThreads; ++t) {
    tasks.emplace_back(kTasks);
    for (int i = 0; i < kTasks; ++i) {
      tasks[t][i].action = [&, t, i] {
        EXPECT_EQ(order[t]++, i);
        if (++total == kThreads * kTasks) loop->stop();
      };
    }
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i) {
        loop->post(tasks[t][i]);
        if (i % 64 == 0)
          std::this_thread::sleep_for(microseconds(200));  // lets the loop fall asleep
      }
    });
  }
  loop->run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(total, kThreads * kTasks);
}

// One task at a time, and always to a loop that is about to sleep: a lost wake-up would hang here.
TEST(EpollLoop, NoWakeUpIsLost) {
  constexpr int kPosts = 20'000;
  const auto loop = make_loop();
  std::atomic<int> done{0};
  Task task;
  task.action = [&] { done.fetch_add(1, std::memory_order_release); };
  std::thread runner([&] { loop->run(); });
  for (int i = 0; i < kPosts; ++i) {
    loop->post(task);
    for (int tries = 0; done.load(std::memory_order_acquire) <= i; ++tries) {
      if (tries > 1000) std::this_thread::yield();
    }
    // Some time more, to hit every moment of falling asleep.
    for (int spin = i % 512; spin > 0; --spin) std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  loop->stop();
  runner.join();
  EXPECT_EQ(task.runs, kPosts);
}

TEST(EpollLoop, ATaskMayPostItselfAgainAndDie) {
  const auto loop = make_loop();
  Task again;
  again.action = [&] {
    if (again.runs < 3) loop->post(again);
  };
  auto mortal = std::make_unique<Task>();
  mortal->action = [&] { mortal.reset(); };
  loop->post(again);
  loop->post(*mortal);
  loop->run_once(Time{});
  EXPECT_EQ(again.runs, 1);  // once a turn: what is posted in a turn waits for the next
  EXPECT_EQ(mortal, nullptr);
  loop->run_once(kNever);
  loop->run_once(kNever);
  EXPECT_EQ(again.runs, 3);
}

TEST(EpollLoop, StopEndsARunFromAnotherThreadAndBeforeItBegins) {
  const auto loop = make_loop();
  for (int i = 0; i < 50; ++i) {
    std::thread runner([&] { loop->run(); });
    if (i % 2 == 0) std::this_thread::sleep_for(microseconds(100));
    loop->stop();
    runner.join();
  }
  loop->stop();
  loop->run();
}

TEST(EpollLoop, TurnTasksRunOnceATurnAndARestlessOneTwice) {
  const auto loop = make_loop();
  int runs = 0;
  EndTask once;
  once.action = [&] { ++runs; };
  loop->at_turn_end(once);
  loop->at_turn_end(once);
  loop->run_once(kNever);  // does not sleep: there is something to do
  EXPECT_EQ(runs, 1);
  loop->run_once(Time{});
  EXPECT_EQ(runs, 1);

  EndTask restless;
  restless.action = [&] {
    ++runs;
    loop->at_turn_end(restless);
  };
  loop->at_turn_end(restless);
  loop->run_once(kNever);
  EXPECT_EQ(runs, 3);
  loop->run_once(kNever);
  EXPECT_EQ(runs, 5);
}

TEST(EpollLoop, ATurnTaskThatDiesIsForgotten) {
  const auto loop = make_loop();
  EndTask first;
  auto second = std::make_unique<EndTask>();
  second->action = [] { ADD_FAILURE() << "ran"; };
  first.action = [&] { second.reset(); };
  loop->at_turn_end(first);
  loop->at_turn_end(*second);
  loop->run_once(Time{});
  EXPECT_EQ(second, nullptr);
}

TEST(EpollLoop, TheOrderOfATurnIsPostedTasksThenTimersThenTurnEnd) {
  const auto loop = make_loop();
  std::string order;
  EndTask end;
  end.action = [&] { order += "e"; };
  AlarmTimer timer;
  timer.action = [&] { order += "t"; };
  Task task;
  task.action = [&] { order += "p"; };
  loop->at_turn_end(end);
  loop->arm(timer, loop->now());
  std::this_thread::sleep_for(milliseconds(3));
  loop->post(task);
  loop->run_once(Time{});
  EXPECT_EQ(order, "pte");
}

TEST(EpollLoop, TimersAreNeverEarlyAndTheLoopSleepsUntilThem) {
  const auto loop = make_loop();
  for (const Duration delay : {Duration(microseconds(1500)), Duration(milliseconds(7))}) {
    AlarmTimer timer;
    const Time deadline = loop->read_clock() + delay;
    loop->arm(timer, deadline);
    int turns = 0;
    while (timer.fired_at == Time{}) {
      loop->run_once(kNever);
      ++turns;
    }
    EXPECT_GE(timer.fired_at, deadline);
    EXPECT_LE(turns, 3);
  }
}

// Near and far deadlines wait in different ways; what was waited for before must not matter.
TEST(EpollLoop, DeadlinesMayComeNearerAndGoFarther) {
  const auto loop = make_loop();
  AlarmTimer timer;
  const auto fires_on_time = [&](Duration after) {
    const Time due = loop->read_clock() + after;
    timer.fired_at = {};
    loop->arm(timer, due);
    while (timer.fired_at == Time{}) loop->run_once(due + seconds(5));
    EXPECT_GE(timer.fired_at, due);
    EXPECT_LT(timer.fired_at, due + seconds(3));
  };
  loop->arm(timer, loop->now() + seconds(60));
  loop->run_once(Time{});
  for (const int ms : {50, 5, 120, 25, 21, 20, 19, 60}) fires_on_time(milliseconds(ms));
  loop->arm(timer, loop->read_clock() + milliseconds(40));
  loop->run_once(loop->read_clock() + milliseconds(30));  // waits, but not for the timer
  loop->cancel(timer);
  fires_on_time(milliseconds(100));
  EXPECT_LT(loop->read_clock(), loop->now() + seconds(1));
}

TEST(EpollLoop, RunOnceReturnsAtItsLimit) {
  const auto loop = make_loop();
  const Time before = loop->read_clock();
  loop->run_once(before + milliseconds(5));
  EXPECT_GE(loop->read_clock() - before, milliseconds(5));
  EXPECT_GE(loop->now() - before, milliseconds(5));
}

TEST(EpollLoop, AnIdleLoopSleeps) {
  const auto loop = make_loop();
  std::thread runner([&] { loop->run(); });
  std::this_thread::sleep_for(milliseconds(20));
  timespec before{};
  timespec after{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  std::this_thread::sleep_for(milliseconds(200));
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  loop->stop();
  runner.join();
  const int64_t cpu_ns =
      (after.tv_sec - before.tv_sec) * 1'000'000'000 + after.tv_nsec - before.tv_nsec;
  EXPECT_LT(cpu_ns, 20'000'000);
}

TEST(EpollLoop, BusyPollLooksForWorkBeforeItSleepsAndStillSleeps) {
  const auto loop = make_loop({.busy_poll = milliseconds(20)});
  const Time before = loop->read_clock();
  loop->run_once(before + milliseconds(60));
  EXPECT_GE(loop->read_clock() - before, milliseconds(60));

  std::atomic<bool> done{false};
  Task task;
  task.action = [&] { done = true; };
  std::thread runner([&] { loop->run(); });
  for (int i = 0; i < 50; ++i) {
    done = false;
    loop->post(task);
    while (!done) std::this_thread::yield();
    if (i % 10 == 0) std::this_thread::sleep_for(milliseconds(30));
  }
  loop->stop();
  runner.join();
}

TEST(EpollLoop, WallTimeIsTheSystemsAndMovesWithTheArgument) {
  const auto loop = make_loop();
  timespec wall{};
  clock_gettime(CLOCK_REALTIME, &wall);
  const int64_t expected = int64_t{wall.tv_sec} * 1'000'000'000 + wall.tv_nsec;
  const Time now = loop->read_clock();
  EXPECT_NEAR(static_cast<double>(loop->wall_ns(now) - expected), 0, 100e6);
  EXPECT_EQ(loop->wall_ns(now + seconds(5)) - loop->wall_ns(now), 5'000'000'000);
}

TEST(EpollLoop, RandomNumbersDiffer) {
  const auto one = make_loop();
  const auto two = make_loop();
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    seen.insert(one->random());
    seen.insert(two->random());
  }
  EXPECT_EQ(seen.size(), 2000u);
}

}  // namespace
}  // namespace saker::net

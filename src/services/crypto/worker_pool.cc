#include "saker/services/crypto/worker_pool.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "saker/base/check.h"

namespace saker::crypto {
namespace {

int64_t monotonic_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

struct WorkerPool::State {
  // A FIFO through the jobs' own links.
  struct Queue {
    Job* head = nullptr;
    Job* tail = nullptr;
    size_t capacity = 0;
    size_t units = 0;  // waiting, and of running jobs of several
    LaneStats stats;

    void push(Job& job, int64_t now_ns, size_t job_units) {
      job.next_ = nullptr;
      job.submitted_ns_ = now_ns;
      job.units_ = job_units;
      units += job_units;
      (tail == nullptr ? head : tail->next_) = &job;
      tail = &job;
      ++stats.queued;
      ++stats.submitted;
    }
    Job* pop() {
      Job* const job = head;
      head = job->next_;
      if (head == nullptr) tail = nullptr;
      --stats.queued;
      return job;
    }
  };

  // What a worker took: after run() the job may be gone.
  struct Taken {
    Job* job = nullptr;
    Lane lane = Lane::kCheap;
    uint64_t wait_ns = 0;
    size_t units = 0;  // that count until it is finished
  };

  struct Worker {
    State* state = nullptr;
    size_t index = 0;
    pthread_t thread{};
  };

  Queue& lane(Lane which) { return lanes[static_cast<size_t>(which)]; }

  bool may_start_cheap() { return lane(Lane::kCheap).head != nullptr; }
  bool may_start_expensive() {
    const Queue& expensive = lane(Lane::kExpensive);
    return expensive.head != nullptr && expensive.stats.running < expensive_limit;
  }
  bool may_start() { return may_start_cheap() || may_start_expensive(); }

  Lane choose_lane();
  Taken take();
  void finish(const Taken& taken);
  void work(size_t worker);
  Result<void> start_threads(const std::string& name);
  void stop(Stop how);
  static void* thread_main(void* argument);

  std::mutex mutex;
  std::condition_variable work_available;
  Queue lanes[kLanes];
  size_t expensive_limit = 1;
  size_t idle = 0;            // workers that sleep, or were signalled and are not yet awake
  unsigned cheap_in_row = 0;  // started while an expensive job could have been
  bool stopping = false;
  bool cancelling = false;

  std::mutex stop_mutex;  // serialises stop(): threads are joined once
  std::vector<Worker> workers;
  size_t threads = 0;
};

// Call with the mutex held and may_start().
Lane WorkerPool::State::choose_lane() {
  if (!may_start_expensive()) return Lane::kCheap;
  if (!may_start_cheap() || cheap_in_row >= kCheapRun) {
    cheap_in_row = 0;
    return Lane::kExpensive;
  }
  ++cheap_in_row;
  return Lane::kCheap;
}

// Call with the mutex held and may_start().
WorkerPool::State::Taken WorkerPool::State::take() {
  const Lane which = choose_lane();
  Queue& queue = lane(which);
  Taken taken{.job = queue.pop(), .lane = which};
  if (taken.job->units_ > 1) {
    taken.units = taken.job->units_;
  } else {
    queue.units -= taken.job->units_;
  }
  ++queue.stats.running;
  taken.wait_ns =
      static_cast<uint64_t>(std::max<int64_t>(0, monotonic_ns() - taken.job->submitted_ns_));
  queue.stats.wait_ns_total += taken.wait_ns;
  queue.stats.wait_ns_max = std::max(queue.stats.wait_ns_max, taken.wait_ns);
  // A signal is per submission and may have gone to a worker that found another job: whoever leaves
  // work behind passes it on.
  if (idle > 0 && may_start()) work_available.notify_one();
  return taken;
}

// What the job has lined up again with counts already: for a moment too much is counted, never too
// little.
void WorkerPool::State::finish(const Taken& taken) {
  lane(taken.lane).units -= taken.units;
  --lane(taken.lane).stats.running;
  ++lane(taken.lane).stats.completed;
}

void WorkerPool::State::work(size_t worker) {
  std::unique_lock lock(mutex);
  for (;;) {
    if (may_start()) {
      const Taken taken = take();
      lock.unlock();
      taken.job->run(worker);
      lock.lock();
      finish(taken);
    } else if (stopping) {
      // Expensive jobs left behind are taken by the workers that make them wait.
      return;
    } else {
      ++idle;
      work_available.wait(lock);
      --idle;
    }
  }
}

void* WorkerPool::State::thread_main(void* argument) {
  const Worker& worker = *static_cast<const Worker*>(argument);
  worker.state->work(worker.index);
  return nullptr;
}

// Workers block all signals, so that those of the process go to the thread that expects them.
// pthread_create rather than std::thread: running out of threads
// is an error here, not an exception.
Result<void> WorkerPool::State::start_threads(const std::string& name) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);  // fails only for another `how`
  int error = 0;
  size_t started = 0;
  for (; started < workers.size() && error == 0; ++started) {
    Worker& worker = workers[started];
    worker.state = this;
    worker.index = started;
    error = pthread_create(&worker.thread, nullptr, thread_main, &worker);
    if (error != 0) break;
    const std::string thread_name = (name + "-" + std::to_string(started)).substr(0, 15);
    (void)pthread_setname_np(worker.thread, thread_name.c_str());  // for top(1) only
  }
  (void)pthread_sigmask(SIG_SETMASK, &before, nullptr);  // as above
  if (error == 0) return {};
  workers.resize(started);
  return fail_errno("cannot start worker thread " + std::to_string(started), error);
}

void WorkerPool::State::stop(Stop how) {
  const std::lock_guard once(stop_mutex);
  Job* dropped[kLanes] = {};
  {
    const std::lock_guard lock(mutex);
    stopping = true;
    if (how == Stop::kCancel) cancelling = true;
    for (size_t i = 0; how == Stop::kCancel && i < kLanes; ++i) {
      dropped[i] = std::exchange(lanes[i].head, nullptr);
      lanes[i].tail = nullptr;
      lanes[i].stats.cancelled += std::exchange(lanes[i].stats.queued, 0);
    }
    work_available.notify_all();
  }
  for (Job* job : dropped) {
    while (job != nullptr) std::exchange(job, job->next_)->cancel();
  }
  for (const Worker& worker : workers) {
    (void)pthread_join(worker.thread, nullptr);  // fails only for what is no thread of ours
  }
  workers.clear();
}

Result<std::unique_ptr<WorkerPool>> WorkerPool::start(const Options& options) {
  if (options.threads < 1 || options.threads > kMaxThreads)
    return fail("a worker pool has 1 to " + std::to_string(kMaxThreads) + " threads");
  auto state = std::make_unique<State>();
  state->lane(Lane::kCheap).capacity = options.cheap_capacity;
  state->lane(Lane::kExpensive).capacity = options.expensive_capacity;
  state->expensive_limit = std::max<size_t>(1, options.threads - 1);
  state->workers.resize(options.threads);
  state->threads = options.threads;
  std::unique_ptr<WorkerPool> pool(new WorkerPool(std::move(state)));
  if (auto started = pool->state_->start_threads(options.thread_name); !started)
    return std::unexpected(started.error());
  return pool;
}

WorkerPool::WorkerPool(std::unique_ptr<State> state) : state_(std::move(state)) {}

WorkerPool::~WorkerPool() {
  stop(Stop::kCancel);
}

bool WorkerPool::try_submit(Job& job, Lane lane, size_t units) {
  const int64_t now_ns = monotonic_ns();
  bool wake = false;
  {
    const std::lock_guard lock(state_->mutex);
    auto& queue = state_->lane(lane);
    if (state_->stopping || queue.units >= queue.capacity) {
      ++queue.stats.refused;
      return false;
    }
    queue.push(job, now_ns, units);
    wake = state_->idle > 0 && state_->may_start();
  }
  if (wake) state_->work_available.notify_one();
  return true;
}

// Wakes nobody: the worker that runs the job looks for work when it returns.
bool WorkerPool::line_up_again(Job& job, Lane lane, size_t units) {
  const int64_t now_ns = monotonic_ns();
  const std::lock_guard lock(state_->mutex);
  if (state_->cancelling) return false;
  state_->lane(lane).push(job, now_ns, units);
  return true;
}

void WorkerPool::stop(Stop how) {
  state_->stop(how);
}

size_t WorkerPool::threads() const {
  return state_->threads;
}

LaneStats WorkerPool::stats(Lane lane) const {
  const std::lock_guard lock(state_->mutex);
  return state_->lane(lane).stats;
}

}  // namespace saker::crypto

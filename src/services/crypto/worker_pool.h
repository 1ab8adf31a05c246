// WorkerPool: a fixed number of threads for jobs that would hold up an event loop. Two lanes, each
// a bounded queue: cheap jobs never wait behind expensive ones where there is more than one worker
// (one worker never takes an expensive job while all others run one), and go first otherwise,
// though of every seventeen jobs one is expensive while any waits. A job says how many units of work
// it is, which is what a lane is full of; one of many units is to do them in pieces, and to line up
// again in between. Knows nothing of what a job does, of loops or of rpc: a job brings its own way home.
//
//   loops --try_submit--> [cheap lane]----\                         job.run(worker)
//                         [expensive lane]-+--> worker 0..N-1 ----> (posts itself back to its loop)
//
// Thread rule: everything is callable from any thread. One mutex, held for the time of a few
// assignments and never while a job runs; idle workers sleep on a condition variable, which is
// signalled only if one sleeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "saker/base/result.h"

namespace saker::crypto {

enum class Lane : uint8_t { kCheap, kExpensive };
inline constexpr size_t kLanes = 2;

// Owned by whoever submits it, and alive until run() or cancel() was entered: the pool does not
// touch it afterwards, unless run() has given it back by line_up_again().
class Job {
 public:
  virtual ~Job() = default;
  // On a worker's thread; `worker` < threads, and no two jobs run at once with the same one.
  virtual void run(size_t worker) = 0;
  // Instead of run(), on the thread that calls stop(): the pool stopped before the job's turn.
  virtual void cancel() = 0;

 private:
  friend class WorkerPool;
  Job* next_ = nullptr;
  int64_t submitted_ns_ = 0;
  size_t units_ = 1;
};

// A job that lines up again is another one to these numbers.
struct LaneStats {
  uint64_t queued = 0;     // waiting now
  uint64_t running = 0;    // now
  uint64_t submitted = 0;  // accepted since the start
  uint64_t completed = 0;
  uint64_t cancelled = 0;
  uint64_t refused = 0;        // the lane was full, or the pool stopped
  uint64_t wait_ns_total = 0;  // from submission to start, of all jobs started
  uint64_t wait_ns_max = 0;
};

class WorkerPool {
 public:
  struct Options {
    size_t threads = 1;  // 1 to kMaxThreads
    // Units waiting, at which no further job is accepted. Those of a job of several count while it
    // runs, too: most of them wait.
    size_t cheap_capacity = 4096;
    size_t expensive_capacity = 1024;
    const char* thread_name = "saker-crypto";  // "-<worker>" is appended; the kernel shows 15 bytes
  };
  static constexpr size_t kMaxThreads = 1024;
  static constexpr unsigned kCheapRun = 16;  // cheap jobs in a row while an expensive one waits

  static Result<std::unique_ptr<WorkerPool>> start(const Options& options);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();  // stop(Stop::kCancel)

  // False at once where the lane is full or the pool stops; the job is then untouched.
  [[nodiscard]] bool try_submit(Job& job, Lane lane, size_t units = 1);
  // From within its run(), as the last thing there: the job waits once more, behind the others of its
  // lane, with so many units left; accepted though the lane is full. False: the pool is being stopped
  // with kCancel, and does not touch it.
  [[nodiscard]] bool line_up_again(Job& job, Lane lane, size_t units);

  enum class Stop { kDrain, kCancel };
  // Accepts no more jobs, runs (kDrain) or cancels (kCancel) those that wait, and returns when no
  // worker runs. Jobs that run are always waited for. May be called again; not from a job.
  void stop(Stop how);

  LaneStats stats(Lane lane) const;
  size_t threads() const;

 private:
  struct State;
  explicit WorkerPool(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace saker::crypto

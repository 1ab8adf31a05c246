// ServerWatch: what the server's process costs while a run loads it: CPU time by the second, context
// switches, memory. Reads /proc of a process of this machine; best effort, since it may end. Belongs
// to the thread that waits for the run.
#pragma once

#include <cstdint>

#include "saker/base/result.h"
#include "saker/bench/report.h"
#include "saker/bench/timeline.h"

namespace saker::app {

// How often this thread has left its CPU so far (getrusage(2)): the other end's figure.
bench::ContextSwitches thread_context_switches();

class ServerWatch {
 public:
  static constexpr Duration kPeriod = std::chrono::milliseconds(100);

  // `pid` 0: there is none to watch.
  explicit ServerWatch(uint64_t pid) : pid_(pid) {}
  bool is_on() const { return pid_ != 0; }
  // Is there such a process, and may we look?
  Result<void> check() const;

  // Every kPeriod or so; `elapsed` of the measured time, negative before it begins.
  void look(Duration elapsed);
  // After the run.
  void finish();

  // Of the measured time; nothing where there was no process to watch.
  std::optional<bench::ServerLoad> load() const;
  const bench::Timeline& timeline() const { return timeline_; }

 private:
  void add_cpu(Duration from, Duration to, Duration cpu);

  const uint64_t pid_;
  bool began_ = false;
  Duration last_elapsed_{};
  bench::ServerLoad at_start_;
  bench::ServerLoad last_;
  bench::Timeline timeline_;
};

}  // namespace saker::app

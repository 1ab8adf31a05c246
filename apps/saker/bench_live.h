// LiveDisplay: how a run goes, on stderr: on a terminal a block that is redrawn in place and wiped at
// the end, elsewhere a line for each second. Belongs to the thread that waits for the run.
#pragma once

#include "bench_options.h"
#include "bench_runner.h"
#include "saker/bench/live_text.h"
#include "server_watch.h"

namespace saker::app {

class LiveDisplay {
 public:
  explicit LiveDisplay(const BenchOptions& options);
  // How often to show(). Zero: nobody is looking.
  Duration period() const { return period_; }
  // In front of all: which of several rounds this is.
  void set_note(std::string note) { note_ = std::move(note); }
  void show(const BenchProgress& progress, const ServerWatch& server);
  void clear();

 private:
  void redraw(const bench::LiveView& view);

  const BenchOptions& options_;
  bool is_terminal_ = false;
  std::string note_;
  Duration period_{0};
  size_t lines_ = 0;      // that are on the screen
  uint64_t seconds_ = 0;  // that a line has told of
};

}  // namespace saker::app

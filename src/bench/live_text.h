// What a run shows of itself while it lasts: a block of lines for a terminal, redrawn in place, or one
// line a second for a log. Only words and columns are made here; when, and where the cursor goes, is
// the display's business. Values only: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "saker/base/time.h"
#include "saker/bench/report.h"
#include "saker/bench/timeline.h"

namespace saker::bench {

struct LiveView {
  std::string note;    // in front of all, like "at 16k/s"; mostly empty
  Duration elapsed{};  // of the measured time; negative: the warm-up
  double done = 0;     // share of the run that is over, 0 to 1
  Duration left{};     // as long as it will take, or may take; negative: nobody knows
  uint64_t calls = 0;
  uint64_t errors = 0;
  uint64_t seconds = 0;       // whole ones that the following is of
  TimelinePoint last;         // the last of them
  TimelinePoint run;          // all of them
  bool knows_server = false;  // its CPU time is in the points
  std::vector<StatusCount> by_status;
};

// ASCII, none longer than `columns` (40 at least), the same number of lines whatever there is to say.
std::vector<std::string> live_block(const LiveView& view, size_t columns);
// Of the last whole second, and by what statuses the run's calls have failed; no newline.
std::string live_line(const LiveView& view);

}  // namespace saker::bench

// PhaseTally: what happened in each phase of a RatePlan. A call belongs to the phase in which it was
// due, with its latency and its error; that it has ended is counted for the phase in which it did,
// so that a server which falls behind in one phase does not look as if it had kept up.
// Thread rule: one writer; merge after it is done.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saker/base/time.h"
#include "saker/bench/histogram.h"
#include "saker/bench/rate_plan.h"

namespace saker::bench {

struct PhaseFigures {
  // Of calls that were due in it:
  uint64_t calls = 0;  // have ended, whenever
  uint64_t errors = 0;
  uint64_t unfinished = 0;  // never ended, or were not even sent
  Histogram corrected;
  // Of any calls:
  uint64_t ended = 0;  // in it

  uint64_t due() const { return calls + unfinished; }
  void merge(const PhaseFigures& other);
};

class PhaseTally {
 public:
  // `phases` lie one behind the other, the first at `begin`, and outlive the tally; may be none.
  PhaseTally(std::span<const Phase> phases, Time begin);

  bool empty() const { return phases_.empty(); }
  void record(Time due, Time ended, bool ok);
  void record_unfinished(Time due);
  std::span<const PhaseFigures> figures() const { return figures_; }

 private:
  // The one that `time` lies in; the first and the last for what lies before and behind all.
  size_t phase_at(Time time);

  std::span<const Phase> phases_;
  Time begin_;
  std::vector<PhaseFigures> figures_;
  size_t last_ = 0;  // the one that was asked for last
};

}  // namespace saker::bench

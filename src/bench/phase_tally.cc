#include "saker/bench/phase_tally.h"

#include <algorithm>

namespace saker::bench {

void PhaseFigures::merge(const PhaseFigures& other) {
  calls += other.calls;
  errors += other.errors;
  unfinished += other.unfinished;
  corrected.merge(other.corrected);
  ended += other.ended;
}

PhaseTally::PhaseTally(std::span<const Phase> phases, Time begin)
    : phases_(phases), begin_(begin), figures_(phases.size()) {}

// Neighbours in time ask for the same phase, mostly.
size_t PhaseTally::phase_at(Time time) {
  const Duration at = time - begin_;
  if (at >= phases_[last_].begin && at < phases_[last_].end()) return last_;
  const auto behind = std::ranges::upper_bound(phases_, at, {}, &Phase::begin);
  last_ = behind == phases_.begin() ? 0 : static_cast<size_t>(behind - phases_.begin()) - 1;
  return last_;
}

void PhaseTally::record(Time due, Time ended, bool ok) {
  PhaseFigures& figures = figures_[phase_at(due)];
  ++figures.calls;
  if (!ok) ++figures.errors;
  figures.corrected.record(ended - due);
  if (ended - begin_ < phases_.back().end()) ++figures_[phase_at(ended)].ended;
}

void PhaseTally::record_unfinished(Time due) {
  ++figures_[phase_at(due)].unfinished;
}

}  // namespace saker::bench

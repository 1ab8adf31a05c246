#include "saker/bench/knee_search.h"

#include <cmath>

#include "saker/bench/rate_plan.h"

namespace saker::bench {
namespace {

// Whole numbers where that is precise enough to be read.
double readable(double rate) {
  constexpr double kWholeFrom = 1000;
  return rate >= kWholeFrom ? std::round(rate) : rate;
}

}  // namespace

KneeSearch::KneeSearch(const KneeOptions& options) : options_(options) {
  try_rate(options.start_rate);
}

void KneeSearch::record(bool holds) {
  if (done()) return;
  ++(holds ? held_ : broke_);
  if (held_ == kEnough || broke_ == kEnough) decide(held_ == kEnough);
}

void KneeSearch::decide(bool holds) {
  (holds ? good_ : bad_) = rate_;
  if (state_ == State::kGrowing && holds) return try_rate(rate_ * 2);
  if (good_ > 0) return narrow();
  state_ = State::kShrinking;
  if (rate_ / 2 < options_.start_rate * kLowestShare) {
    state_ = State::kDone;
    return;
  }
  try_rate(rate_ / 2);
}

// The mean of ratios: each step halves what is left of the ratio of both ends.
void KneeSearch::narrow() {
  state_ = State::kNarrowing;
  const double middle = readable(std::sqrt(good_ * bad_));
  const bool close = bad_ <= good_ * (1 + options_.resolution);
  if (close || middle <= good_ || middle >= bad_) {
    state_ = State::kDone;
    return;
  }
  try_rate(middle);
}

void KneeSearch::try_rate(double rate) {
  held_ = broke_ = 0;
  if (rate > kMaxRate || ++rates_ > kMostRates) {
    state_ = State::kDone;
    return;
  }
  rate_ = rate;
}

}  // namespace saker::bench

// Arrival times. Gap k of a Poisson process comes from a counter-based generator, not from a stream
// of random numbers, so that every thread can sum up the gaps of arrivals that are not its own and
// all agree. Rounding the sums costs a few nanoseconds in an hour at a million calls
// a second, once and not per call.
#include "saker/bench/schedule.h"

#include <algorithm>
#include <cmath>

namespace saker::bench {
namespace {

// SplitMix64's output function: the k-th number of the sequence `seed` without those before it.
uint64_t random_at(uint64_t seed, uint64_t k) {
  uint64_t z = seed + (k + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

// The k-th gap of a Poisson process of rate 1: -ln u, u in (0, 1].
double exponential_gap(uint64_t seed, uint64_t k) {
  const double u = static_cast<double>((random_at(seed, k) >> 11) + 1) * 0x1p-53;
  return -std::log(u);
}

}  // namespace

Duration Rate::time_of(double arrivals) const {
  const double ns = arrivals * 1e9 / per_second_;
  const auto longest_ns = static_cast<double>(Duration::max().count());
  return per_second_ > 0 && ns < longest_ns ? Duration(static_cast<int64_t>(ns)) : Duration::max();
}

Schedule::Schedule(const ScheduleOptions& options) : options_(options) {
  options_.threads = std::max(options_.threads, 1u);
  skip(options_.thread);
}

void Schedule::advance() {
  skip(options_.threads);
}

void Schedule::skip(uint64_t arrivals) {
  if (options_.arrivals == Arrivals::kPoisson) {
    for (uint64_t k = 0; k < arrivals; ++k)
      operational_ += exponential_gap(options_.seed, index_ + k);
  } else {
    operational_ = static_cast<double>(index_ + arrivals);
  }
  index_ += arrivals;
  due_ = time_after(options_.start, options_.rate.time_of(operational_));
}

}  // namespace saker::bench

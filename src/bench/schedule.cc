// Arrival times. Gap k of a Poisson process comes from a counter-based generator, not from a stream
// of random numbers, so that every thread can sum up the gaps of arrivals that are not its own and
// all agree. Rounding the sums costs a few nanoseconds in an hour at a million calls
// a second, once and not per call.
#include "saker/bench/schedule.h"

#include <algorithm>
#include <cmath>
#include <iterator>

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

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

Rate Rate::changing(std::span<const Piece> pieces) {
  Rate rate(0);
  PlacedPiece next;
  for (const Piece& piece : pieces) {
    static_cast<Piece&>(next) = piece;
    rate.pieces_.push_back(next);
    next.begin += piece.length;
    next.arrivals_before += (piece.from + piece.to) / 2 * seconds(piece.length);
  }
  static_cast<Piece&>(next) = Piece();
  rate.pieces_.push_back(next);
  return rate;
}

Duration Rate::time_of(double arrivals) const {
  if (!pieces_.empty()) return time_among_pieces(arrivals);
  const double ns = arrivals * 1e9 / per_second_;
  const auto longest_ns = static_cast<double>(Duration::max().count());
  return per_second_ > 0 && ns < longest_ns ? Duration(static_cast<int64_t>(ns)) : Duration::max();
}

// Where a piece ends, the next begins: what is expected then arrives in the next. Within a piece,
// after t seconds, from * t + (to - from) / length * t * t / 2 arrivals are expected; solved for t
// in the form that loses no digits where the rate hardly changes.
Duration Rate::time_among_pieces(double arrivals) const {
  const auto behind =
      std::ranges::upper_bound(pieces_, arrivals, {}, &PlacedPiece::arrivals_before);
  const PlacedPiece& piece = behind == pieces_.begin() ? *behind : *std::prev(behind);
  if (&piece == &pieces_.back()) return Duration::max();
  const double count = std::max(arrivals - piece.arrivals_before, 0.0);
  if (count == 0) return piece.begin;
  const double growth = (piece.to - piece.from) / seconds(piece.length);
  const double root = std::sqrt(std::max(piece.from * piece.from + 2 * growth * count, 0.0));
  const auto ns = static_cast<int64_t>(2 * count / (piece.from + root) * 1e9);
  return piece.begin + std::min(Duration(ns), piece.length - Duration(1));
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

// KneeSearch: which rate to try next, on the way to the highest one that holds. A rate holds when
// two of at most three rounds at it do, so that one round of noise decides nothing. Knows no call,
// no clock and no criterion: it is told of each round whether it held.
//
//   growing (x 2) ──breaks──▶ narrowing (the mean of both ends) ──close enough──▶ done
//      │ the first one breaks     ▲
//      ▼                          │ holds
//   shrinking (/ 2) ──────────────┘
//      └─ the lowest one breaks ──▶ done, without a knee
//
// Values only: any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace saker::bench {

struct KneeOptions {
  double start_rate = 1000;  // calls a second
  double resolution = 0.02;  // of the answer: what breaks is at most so much above what holds
};

class KneeSearch {
 public:
  static constexpr unsigned kMostRounds = 3;        // at one rate …
  static constexpr unsigned kEnough = 2;            // … of which so many decide
  static constexpr double kLowestShare = 1.0 / 64;  // of the start rate: nothing below is tried
  static constexpr size_t kMostRates = 64;          // limit: rates that are tried

  explicit KneeSearch(const KneeOptions& options);

  bool done() const { return state_ == State::kDone; }
  // Of the next round.
  double rate() const { return rate_; }
  void record(bool holds);

  // The highest rate that held; 0: none did.
  double knee() const { return good_; }
  // The lowest rate that broke; 0: none did.
  double first_broken() const { return bad_; }

 private:
  enum class State : uint8_t { kGrowing, kShrinking, kNarrowing, kDone };

  void decide(bool holds);
  void try_rate(double rate);
  void narrow();

  const KneeOptions options_;
  State state_ = State::kGrowing;
  double rate_ = 0;
  unsigned held_ = 0;
  unsigned broke_ = 0;
  double good_ = 0;
  double bad_ = 0;
  size_t rates_ = 0;
};

}  // namespace saker::bench

// RatePlan: an open loop's rates over time, as `--schedule` takes them: phases one after the other,
// each with a row of its own in the report. Says how many calls should have started by when; which
// moment that is for each single one is Schedule's business.
//
//   plan  = phase { ";" phase }
//   phase = "ramp" rate ".." rate duration         from the one to the other, evenly
//         | "hold" [ rate ] duration               without a rate: the one before it
//         | "step" rate { "," rate } duration      a phase for each rate, each so long
//   rate  = a number with k or M behind it, or without: calls a second, 0 to 1e9
//
// Values only: any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saker/base/result.h"
#include "saker/base/time.h"
#include "saker/bench/schedule.h"

namespace saker::bench {

inline constexpr double kMaxRate = 1e9;  // calls a second

enum class PhaseKind : uint8_t { kRamp, kHold, kStep };

struct Phase {
  PhaseKind kind = PhaseKind::kHold;
  double from = 0;   // calls a second at its beginning …
  double to = 0;     // … and at its end
  Duration begin{};  // since the beginning of the plan
  Duration length{};

  Duration end() const { return begin + length; }
  double mean_rate() const { return (from + to) / 2; }
  double arrivals() const;
};

// "ramp 1k..50k", "hold 50k".
std::string phase_name(const Phase& phase);
// "50k", "1.5M", "1,234".
std::string format_rate(double per_second);
// "50k", "1.5M", "2000", "1e5": above 0, up to kMaxRate.
Result<double> parse_rate(std::string_view text);

class RatePlan {
 public:
  static constexpr size_t kMaxPhases = 100;  // limit: each has a histogram a thread

  // An empty one: no plan.
  RatePlan() = default;
  // An error says at which character, from 1, the text is wrong, and why.
  static Result<RatePlan> parse(std::string_view text);

  bool empty() const { return phases_.empty(); }
  const std::string& text() const { return text_; }  // as written
  std::span<const Phase> phases() const { return phases_; }
  Duration length() const { return empty() ? Duration::zero() : phases_.back().end(); }
  // How many calls start in all of it.
  double arrivals() const;
  double mean_rate() const;
  // The plan behind a warm-up of that length, at the rate that the plan begins with.
  Rate rate(Duration warmup) const;

 private:
  std::string text_;
  std::vector<Phase> phases_;
};

}  // namespace saker::bench

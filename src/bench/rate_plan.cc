#include "saker/bench/rate_plan.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "saker/base/quantity.h"

namespace saker::bench {
namespace {

constexpr Duration kLongestPlan = std::chrono::hours(24 * 365);

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::optional<double> read_rate(std::string_view text) {
  double factor = 1;
  if (text.ends_with('k')) factor = 1e3;
  if (text.ends_with('M')) factor = 1e6;
  if (factor > 1) text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole =
      !text.starts_with('-') && error == std::errc() && end == text.data() + text.size();
  const double rate = value * factor;
  if (whole && rate >= 0 && rate <= kMaxRate) return rate;
  return std::nullopt;
}

std::string plain(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

// Takes the plan's text apart from left to right and knows where it is.
class PlanParser {
 public:
  explicit PlanParser(std::string_view text) : text_(text) {}

  Result<std::vector<Phase>> parse() {
    for (;;) {
      if (auto phase = take_phase(); !phase) return std::unexpected(phase.error());
      if (peek().empty()) return std::move(phases_);
      if (peek() != ";") return refuse("the next phase begins behind a ';'");
      take();
    }
  }

 private:
  using Taken = Result<void>;
  struct Change {
    double from = 0;
    double to = 0;
  };

  // The word at the cursor: a ';', a ',' or what stands up to a separator; empty at the end.
  std::string_view peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    const std::string_view rest = text_.substr(at_);
    const size_t length = rest.find_first_of(" \t;,");
    return rest.substr(0, length == 0 ? 1 : length);
  }
  std::string_view take() {
    const std::string_view word = peek();
    at_ += word.size();
    return word;
  }

  // At the word that is not taken yet.
  std::unexpected<Error> refuse(const std::string& why) {
    const std::string_view word = peek();
    std::string message = "at character " + std::to_string(at_ + 1) + ", ";
    if (word.empty()) {
      message += "the end";
    } else {
      message.append("'").append(word).append("'");
    }
    return fail(message + ": " + why);
  }

  Taken take_phase() {
    const std::string_view kind = peek();
    if (kind == "ramp") return take(), take_ramp();
    if (kind == "hold") return take(), take_hold();
    if (kind == "step") return take(), take_steps();
    return refuse("a phase is 'ramp 1k..50k 30s', 'hold 50k 1m' or 'step 10k,20k 10s'");
  }

  Taken take_ramp() {
    const std::string_view range = peek();
    const size_t dots = range.find("..");
    if (dots == std::string_view::npos)
      return refuse("a ramp goes from one rate to another: 1k..50k");
    const auto from = read_rate(range.substr(0, dots));
    const auto to = read_rate(range.substr(dots + 2));
    if (!from || !to) return refuse("not two rates of 0 to 1e9 calls a second, like 1k..50k");
    take();
    return take_length(PhaseKind::kRamp, {*from, *to});
  }

  Taken take_hold() {
    const auto rate = read_rate(peek());
    if (rate) {
      take();
      return take_length(PhaseKind::kHold, {*rate, *rate});
    }
    if (!parse_duration(peek()))
      return refuse("hold takes a rate and a duration, like hold 50k 1m");
    if (phases_.empty()) return refuse("the first phase has to name its rate, like hold 50k 1m");
    const double before = phases_.back().to;
    return take_length(PhaseKind::kHold, {before, before});
  }

  Taken take_steps() {
    std::vector<Change> rates;
    for (;;) {
      const auto rate = read_rate(peek());
      if (!rate) return refuse("not a rate of 0 to 1e9 calls a second, like 10k");
      take();
      rates.push_back({*rate, *rate});
      if (peek() != ",") return take_lengths(PhaseKind::kStep, rates);
      take();
    }
  }

  Taken take_length(PhaseKind kind, Change rate) { return take_lengths(kind, {&rate, 1}); }

  // One length for a phase of each rate.
  Taken take_lengths(PhaseKind kind, std::span<const Change> rates) {
    if (peek().empty() || peek() == ";") return refuse("a duration is missing, like 30s");
    const auto length = parse_duration(peek());
    if (!length) return refuse("not a duration: a number and a unit (us, ms, s, m, h), like 30s");
    if (*length == Duration::zero()) return refuse("a phase lasts longer than 0");
    for (const auto& [from, to] : rates) {
      const Duration begin = phases_.empty() ? Duration::zero() : phases_.back().end();
      if (phases_.size() == RatePlan::kMaxPhases) {
        return refuse("more than " + std::to_string(RatePlan::kMaxPhases) + " phases");
      }
      if (*length > kLongestPlan - begin) return refuse("longer than a year");
      phases_.push_back({kind, from, to, begin, *length});
    }
    take();
    return {};
  }

  const std::string_view text_;
  size_t at_ = 0;
  std::vector<Phase> phases_;
};

}  // namespace

double Phase::arrivals() const {
  return mean_rate() * seconds(length);
}

std::string format_rate(double per_second) {
  if (per_second >= 1e6 && std::fmod(per_second, 1e4) == 0) return plain(per_second / 1e6) + "M";
  if (per_second >= 1e3 && std::fmod(per_second, 100) == 0) return plain(per_second / 1e3) + "k";
  if (per_second == std::floor(per_second)) return format_count(static_cast<uint64_t>(per_second));
  char text[32];
  const auto general = std::chars_format::general;
  return {text, std::to_chars(text, text + sizeof text, per_second, general, 4).ptr};
}

std::string phase_name(const Phase& phase) {
  if (phase.kind == PhaseKind::kRamp) {
    return "ramp " + format_rate(phase.from) + ".." + format_rate(phase.to);
  }
  return (phase.kind == PhaseKind::kHold ? "hold " : "step ") + format_rate(phase.to);
}

Result<double> parse_rate(std::string_view text) {
  const auto rate = read_rate(text);
  if (rate && *rate > 0) return *rate;
  return fail("'" + std::string(text) +
              "' is not a rate: calls a second, up to 1e9, like 500 or 50k");
}

Result<RatePlan> RatePlan::parse(std::string_view text) {
  auto phases = PlanParser(text).parse();
  if (!phases) return std::unexpected(phases.error());
  RatePlan plan;
  plan.text_ = text;
  plan.phases_ = *std::move(phases);
  if (plan.arrivals() < 1) return fail("no call would start in all of it");
  return plan;
}

double RatePlan::arrivals() const {
  double sum = 0;
  for (const Phase& phase : phases_) sum += phase.arrivals();
  return sum;
}

double RatePlan::mean_rate() const {
  return empty() ? 0 : arrivals() / seconds(length());
}

Rate RatePlan::rate(Duration warmup) const {
  std::vector<Rate::Piece> pieces;
  if (warmup > Duration::zero() && !empty()) {
    pieces.push_back({phases_.front().from, phases_.front().from, warmup});
  }
  for (const Phase& phase : phases_) pieces.push_back({phase.from, phase.to, phase.length});
  return Rate::changing(pieces);
}

}  // namespace saker::bench

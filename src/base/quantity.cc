// One number parser for durations and sizes: digits, a fraction, a unit from a table, computed in
// 128 bits so that overflow is seen and no binary rounding creeps in. Formatting rounds in integers
// for the same reason: 999.6us becomes 1ms, never 1000us.
#include "saker/base/quantity.h"

#include <algorithm>
#include <span>
#include <utility>

namespace saker {
namespace {

using Wide = unsigned __int128;

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr uint64_t kMinuteNs = 60'000'000'000;
constexpr uint64_t kHourNs = 60 * kMinuteNs;
constexpr Unit kDurationUnits[] = {
    {"ns", 1},        {"us", 1'000},  {"ms", 1'000'000}, {"s", 1'000'000'000},
    {"m", kMinuteNs}, {"h", kHourNs},
};
constexpr Unit kSizeUnits[] = {
    {"", 1},
    {"B", 1},
    {"KiB", 1ull << 10},
    {"MiB", 1ull << 20},
    {"GiB", 1ull << 30},
    {"TiB", 1ull << 40},
    {"KB", 1'000},
    {"kB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
};
constexpr std::string_view kDurationHelp =
    "a duration is a number and a unit (ns, us, ms, s, m, h), like 250ms or 1.5s";
constexpr std::string_view kSizeHelp =
    "a size is a number of bytes, or one with a unit (KiB, MiB, GiB, KB, MB, GB), like 4KiB";

constexpr size_t kMaxFractionDigits = 18;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A decimal number taken from the front of a text: value / scale, scale a power of ten.
struct Decimal {
  Wide value = 0;
  uint64_t scale = 1;
};

enum class Taken : uint8_t { kNumber, kNoNumber, kTooLarge };

Taken take_digits(std::string_view& text, size_t most, Decimal& out, bool fraction) {
  size_t digits = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    if (++digits > most) return Taken::kTooLarge;
    out.value = out.value * 10 + static_cast<unsigned>(text.front() - '0');
    if (fraction) out.scale *= 10;
  }
  return digits == 0 ? Taken::kNoNumber : Taken::kNumber;
}

// The number of the longest leading "12" or "12.5".
Taken take_number(std::string_view& text, Decimal& out) {
  constexpr size_t kMaxWholeDigits = 20;  // of 2^64; with the fraction still within 128 bits
  while (text.size() > 1 && text[0] == '0' && is_digit(text[1])) text.remove_prefix(1);
  if (const Taken whole = take_digits(text, kMaxWholeDigits, out, false); whole != Taken::kNumber)
    return whole;
  if (!text.starts_with('.')) return Taken::kNumber;
  text.remove_prefix(1);
  return take_digits(text, kMaxFractionDigits, out, true);
}

std::string_view take_unit(std::string_view& text) {
  const auto end = std::ranges::find_if(text, [](char c) { return is_digit(c) || c == '.'; });
  const std::string_view name = text.substr(0, static_cast<size_t>(end - text.begin()));
  text.remove_prefix(name.size());
  return name;
}

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  const auto unit = std::ranges::find(units, name, &Unit::name);
  return unit == units.end() ? nullptr : &*unit;
}

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  std::string message = "'";
  message.append(text).append("': ").append(why);
  return fail_in_one_line(std::move(message));
}

// decimal * factor without its fraction; `exact` says whether there was none. Saturates at 2^64.
Wide multiplied(const Decimal& decimal, uint64_t factor, bool& exact) {
  const Wide whole = decimal.value / decimal.scale;
  const Wide rest = decimal.value % decimal.scale * factor;  // < 10^18 * 2^42
  exact = rest % decimal.scale == 0;
  return std::min<Wide>(whole * factor + rest / decimal.scale, Wide{UINT64_MAX} + 1);
}

// `value` / 10^decimals, without zeros at the end.
std::string format_decimal(uint64_t value, int decimals) {
  for (; decimals > 0 && value % 10 == 0; --decimals) value /= 10;
  std::string text = std::to_string(value);
  if (decimals == 0) return text;
  const auto places = static_cast<size_t>(decimals);
  if (text.size() <= places) text.insert(0, places + 1 - text.size(), '0');
  return text.insert(text.size() - places, 1, '.');
}

// Rounded half up to three significant digits.
uint64_t round_to_three_digits(uint64_t value) {
  uint64_t step = 1;
  while (value / step >= 1000) step *= 10;
  return (value + step / 2) / step * step;
}

std::string format_below_a_minute(uint64_t ns) {
  if (ns < 1'000) return std::to_string(ns) + "ns";
  if (ns < 1'000'000) return format_decimal(ns, 3) + "us";
  if (ns < 1'000'000'000) return format_decimal(ns, 6) + "ms";
  return format_decimal(ns, 9) + "s";
}

std::string format_minutes(uint64_t seconds) {
  std::string text;
  if (const uint64_t hours = seconds / 3600; hours > 0) text += std::to_string(hours) + "h";
  if (const uint64_t minutes = seconds / 60 % 60; minutes > 0)
    text += std::to_string(minutes) + "m";
  if (const uint64_t rest = seconds % 60; rest > 0) text += std::to_string(rest) + "s";
  return text;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration::zero();
  Wide total_ns = 0;
  uint64_t last_factor = UINT64_MAX;
  std::string_view rest = text;
  do {
    Decimal number;
    const Taken taken = take_number(rest, number);
    if (taken == Taken::kNoNumber) return refuse(text, kDurationHelp);
    if (taken == Taken::kTooLarge) return refuse(text, "too many digits");
    const std::string_view name = take_unit(rest);
    if (name.empty()) return refuse(text, "a unit is missing: ns, us, ms, s, m or h");
    const Unit* unit = find_unit(kDurationUnits, name);
    if (unit == nullptr)
      return refuse(text, "unknown unit '" + std::string(name) + "'; known: ns, us, ms, s, m, h");
    if (unit->factor >= last_factor)
      return refuse(text, "units must go from large to small, each once");
    last_factor = unit->factor;
    bool exact = false;
    total_ns += multiplied(number, unit->factor, exact);
    if (total_ns > static_cast<Wide>(INT64_MAX)) return refuse(text, "too long: at most 292 years");
  } while (!rest.empty());
  return Duration(static_cast<int64_t>(total_ns));
}

Result<uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  Decimal number;
  const Taken taken = take_number(rest, number);
  if (taken == Taken::kNoNumber) return refuse(text, kSizeHelp);
  if (taken == Taken::kTooLarge) return refuse(text, "too many digits");
  const Unit* unit = find_unit(kSizeUnits, rest);
  if (unit == nullptr) {
    return refuse(text, "unknown unit '" + std::string(rest) +
                            "'; known: B, KiB, MiB, GiB, TiB, KB, MB, GB, TB");
  }
  bool exact = false;
  const Wide bytes = multiplied(number, unit->factor, exact);
  if (!exact) return refuse(text, "not a whole number of bytes");
  if (bytes > UINT64_MAX) return refuse(text, "too large: at most 2^64 - 1 bytes");
  return static_cast<uint64_t>(bytes);
}

std::string format_duration(Duration duration) {
  const bool negative = duration < Duration::zero();
  const auto count = static_cast<uint64_t>(duration.count());
  const uint64_t ns = negative ? 0 - count : count;
  const uint64_t rounded_ns = round_to_three_digits(ns);
  constexpr uint64_t kSecondNs = 1'000'000'000;
  std::string text(negative ? 1 : 0, '-');
  text += rounded_ns < kMinuteNs ? format_below_a_minute(rounded_ns)
                                 : format_minutes((ns + kSecondNs / 2) / kSecondNs);
  return text;
}

std::string format_size(uint64_t bytes) {
  constexpr std::string_view kNames[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + "B";
  // Hundredths of the unit, rounded to three significant digits;
  // 1023.6 of one unit is 1 of the next.
  size_t unit = 1;
  for (;; ++unit) {
    const auto factor = uint64_t{1} << (10 * unit);
    const auto hundredths = static_cast<uint64_t>((Wide{bytes} * 100 + factor / 2) / factor);
    const uint64_t step = hundredths < 1'000 ? 1 : hundredths < 10'000 ? 10 : 100;
    const uint64_t rounded = (hundredths + step / 2) / step * step;
    if (rounded < 102'400 || unit + 1 == std::size(kNames))
      return format_decimal(rounded, 2).append(kNames[unit]);
  }
}

std::string format_count(uint64_t count) {
  std::string text = std::to_string(count);
  for (size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

}  // namespace saker

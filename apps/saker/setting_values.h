// How the values of settings are read from text and shown again: numbers, sizes, durations, switches and
// names. What a reader refuses it says in words that follow the setting's name; what is shown is what was
// meant, unrounded.
#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command_line.h"
#include "saker/base/quantity.h"
#include "saker/base/result.h"
#include "saker/base/time.h"

namespace saker::app {

using Values = std::span<const std::string>;
using Shown = std::vector<std::string>;

inline constexpr Duration kOff = Duration::max();

// ---- readers: the last of several values counts

template <typename T>
Result<void> set_number(Values values, T& out, uint64_t lowest,
                        uint64_t highest = std::numeric_limits<T>::max()) {
  const auto value = parse_count(values.back(), lowest, highest);
  if (!value) return std::unexpected(value.error());
  out = static_cast<T>(*value);
  return {};
}

template <typename T>
Result<void> set_size(Values values, T& out, uint64_t lowest,
                      uint64_t highest = std::numeric_limits<T>::max()) {
  const auto value = parse_size(values.back());
  if (!value) return std::unexpected(value.error());
  if (*value < lowest || *value > highest) {
    return fail("'" + values.back() + "' is not between " + format_size(lowest) + " and " +
                format_size(highest));
  }
  out = static_cast<T>(*value);
  return {};
}

// "off" is 0.
Result<void> set_size_or_off(Values values, uint64_t& out);
Result<void> set_duration(Values values, Duration& out);
// More than 0, or "off".
Result<void> set_interval(Values values, Duration& out);
Result<void> set_switch(Values values, bool& out);  // "on", "off"

template <typename T>
struct Named {
  std::string_view name;
  T value;
};

template <typename T, size_t kCount>
Result<void> set_choice(Values values, T& out, const Named<T> (&choices)[kCount]) {
  std::string known;
  for (const auto& choice : choices) {
    if (choice.name == values.back()) {
      out = choice.value;
      return {};
    }
    known.append(known.empty() ? "" : ", ").append(choice.name);
  }
  return fail_in_one_line("'" + values.back() + "' is none of " + known);
}

// ---- what is shown

template <typename T, size_t kCount>
Shown show_choice(T value, const Named<T> (&choices)[kCount]) {
  const auto at = std::ranges::find(choices, value, &Named<T>::value);
  return {std::string(at->name)};
}

Shown show(uint64_t number);
Shown show_switch(bool on);
Shown show_size(uint64_t bytes);
Shown show_size_or_off(uint64_t bytes);
Shown show_duration(Duration duration);

}  // namespace saker::app

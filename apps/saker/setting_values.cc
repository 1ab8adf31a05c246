#include "setting_values.h"

#include <utility>

namespace saker::app {

Result<void> set_size_or_off(Values values, uint64_t& out) {
  if (values.back() != "off") return set_size(values, out, 0);
  out = 0;
  return {};
}

Result<void> set_duration(Values values, Duration& out) {
  const auto value = parse_duration(values.back());
  if (!value) return std::unexpected(value.error());
  if (*value == kOff) return fail("'" + values.back() + "' is too long");  // it means "off" inside
  out = *value;
  return {};
}

Result<void> set_interval(Values values, Duration& out) {
  if (values.back() == "off") {
    out = kOff;
    return {};
  }
  auto set = set_duration(values, out);
  if (set && out == Duration::zero()) return fail("must be more than 0, or off");
  return set;
}

Result<void> set_switch(Values values, bool& out) {
  const std::string& text = values.back();
  if (text != "on" && text != "off")
    return fail_in_one_line("'" + text + "' is neither on nor off");
  out = text == "on";
  return {};
}

Shown show(uint64_t number) {
  return {std::to_string(number)};
}

Shown show_switch(bool on) {
  return {on ? "on" : "off"};
}

// format_size() and format_duration() round; these do not.
Shown show_size(uint64_t bytes) {
  constexpr std::pair<uint64_t, const char*> kUnits[] = {
      {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}};
  for (const auto& [factor, unit] : kUnits) {
    if (bytes != 0 && bytes % factor == 0) return {std::to_string(bytes / factor) + unit};
  }
  return {std::to_string(bytes) + "B"};
}

Shown show_size_or_off(uint64_t bytes) {
  return bytes == 0 ? Shown{"off"} : show_size(bytes);
}

Shown show_duration(Duration duration) {
  if (duration == kOff) return {"off"};
  constexpr std::pair<int64_t, const char*> kUnits[] = {
      {3'600'000'000'000, "h"}, {60'000'000'000, "m"}, {1'000'000'000, "s"},
      {1'000'000, "ms"},        {1'000, "us"},         {1, "ns"}};
  if (duration == Duration::zero()) return {"0s"};
  for (const auto& [factor, unit] : kUnits) {
    if (duration.count() % factor == 0) return {std::to_string(duration.count() / factor) + unit};
  }
  return {};
}

}  // namespace saker::app

// Parsing and writing grpc-timeout. A client deadline differs on every call, so both run on every
// call: no allocation, no locale, divisions by constants only. gRPC PROTOCOL-HTTP2.md: TimeoutValue
// is 1 to 8 digits, TimeoutUnit one of H M S m u n.
#include "saker/grpc/timeout.h"

#include <charconv>
#include <cstdint>

namespace saker::grpc {
namespace {

constexpr size_t kMaxDigits = 8;
constexpr int64_t kMicrosecondNs = 1'000;
constexpr int64_t kMillisecondNs = 1'000'000;
constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kMinuteNs = 60 * kSecondNs;
constexpr int64_t kHourNs = 60 * kMinuteNs;

// Nanoseconds in a unit, 0 for no unit.
constexpr int64_t unit_ns(char unit) {
  switch (unit) {
    case 'n':
      return 1;
    case 'u':
      return kMicrosecondNs;
    case 'm':
      return kMillisecondNs;
    case 'S':
      return kSecondNs;
    case 'M':
      return kMinuteNs;
    case 'H':
      return kHourNs;
    default:
      return 0;
  }
}

// From this many units on, rounding up to a whole one loses less than 0.1 %.
constexpr int64_t kPreciseUnits = 1000;

template <int64_t kUnitNs>
bool try_unit(int64_t ns, int64_t& count) {
  count = ns / kUnitNs;
  const bool exact = count * kUnitNs == ns;
  if (!exact) ++count;
  return exact || count > kPreciseUnits;
}

}  // namespace

std::optional<Duration> parse_timeout(std::string_view value) {
  if (value.size() < 2 || value.size() > kMaxDigits + 1) return std::nullopt;
  const int64_t unit = unit_ns(value.back());
  if (unit == 0) return std::nullopt;
  int64_t count = 0;
  for (const char c : value.substr(0, value.size() - 1)) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit > 9) return std::nullopt;
    count = count * 10 + digit;
  }
  int64_t ns = 0;
  if (__builtin_mul_overflow(count, unit, &ns)) return Duration::max();
  return Duration(ns);
}

size_t encode_timeout(Duration timeout, char* out) {
  const int64_t ns = timeout.count();
  int64_t count = 0;
  char unit = 'n';
  if (ns > 0) {
    if (try_unit<kHourNs>(ns, count)) {
      unit = 'H';
    } else if (try_unit<kMinuteNs>(ns, count)) {
      unit = 'M';
    } else if (try_unit<kSecondNs>(ns, count)) {
      unit = 'S';
    } else if (try_unit<kMillisecondNs>(ns, count)) {
      unit = 'm';
    } else if (try_unit<kMicrosecondNs>(ns, count)) {
      unit = 'u';
    } else {
      count = ns;
    }
  }
  char* end = std::to_chars(out, out + kMaxDigits, count).ptr;
  *end++ = unit;
  return static_cast<size_t>(end - out);
}

}  // namespace saker::grpc

// Quantities as people write and read them: durations ("250ms", "1.5s", "1m30s"), sizes ("4KiB",
// "1MB") and counts ("1,234,567"), for options, assertions and reports. Parsing is exact and
// refuses what it doesn't know with a message fit for a command line; formatting is for eyes and
// rounds to three significant digits. Values only: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "saker/base/result.h"
#include "saker/base/time.h"

namespace saker {

// Numbers with units ns, us, ms, s, m, h, largest unit first, the number with a fraction if need be
// (parts below 1 ns are cut off). "0" needs no unit. Never negative; refused above 292 years.
Result<Duration> parse_duration(std::string_view text);

// A whole number of bytes: a number with a unit B, KiB, MiB, GiB, TiB (powers of 1024), KB or kB,
// MB, GB, TB (powers of 1000), or without one. "1.5KiB" is whole; "1.5B" is refused,
// as is what exceeds 64 bits.
Result<uint64_t> parse_size(std::string_view text);

// "850ns" "1.32ms" "10s" "1m30s" "2h5m"; three significant digits below
// a minute, whole seconds above.
std::string format_duration(Duration duration);

// "16B" "4KiB" "1.5MiB": binary units, three significant digits.
std::string format_size(uint64_t bytes);

// "1,234,567".
std::string format_count(uint64_t count);

}  // namespace saker

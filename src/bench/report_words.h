// Words that several reports use. Not for other layers.
#pragma once

#include <cmath>
#include <string>
#include <string_view>

#include "saker/base/quantity.h"
#include "saker/bench/rate_plan.h"

namespace saker::bench {

// A rate: "15.62", "1,000".
inline std::string whole(double value) {
  return value < 100 ? format_rate(value)
                     : format_count(static_cast<uint64_t>(std::llround(value)));
}

// "1 call", "2,000 calls".
inline std::string plural(uint64_t count, std::string_view noun) {
  std::string text = format_count(count);
  return text.append(" ").append(noun).append(count == 1 ? "" : "s");
}

}  // namespace saker::bench

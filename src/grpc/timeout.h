// grpc-timeout: a call's remaining time as at most 8 digits and a unit (gRPC PROTOCOL-HTTP2.md
// "Requests", Timeout). Knows no clock: turning the duration into a deadline is the caller's.
// Values only: any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "saker/base/time.h"

namespace saker::grpc {

inline constexpr size_t kMaxTimeoutBytes = 9;  // 8 digits and the unit

// "250m" is 250 ms: units H M S m u n. Saturates at Duration::max() (hours can exceed 64 bits of
// nanoseconds). Zero is legal and means expired. Nothing for no digit,
// more than 8, or an unknown unit.
std::optional<Duration> parse_timeout(std::string_view value);

// Writes at most kMaxTimeoutBytes to `out`, returns how many. The unit is the coarsest that loses
// less than 0.1 %, rounding up, so that values stay short and a positive timeout never becomes
// zero; zero and less is "0n".
size_t encode_timeout(Duration timeout, char* out);

}  // namespace saker::grpc

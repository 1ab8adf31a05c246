// The Echo service (proto/saker/echo/v1/echo.proto): payloads back unchanged, with the times in
// between.
#pragma once

#include "saker/rpc/dispatcher.h"

namespace saker::echo {

// Replies that one EchoExpand may ask for.
inline constexpr uint32_t kMaxExpandCount = 10'000'000;

void register_echo_service(rpc::Dispatcher& dispatcher);

}  // namespace saker::echo

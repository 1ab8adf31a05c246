// The Echo service (proto/saker/echo/v1/echo.proto): payloads back unchanged,
// with the times in between.
#pragma once

#include "saker/rpc/dispatcher.h"

namespace saker::echo::v1 {
class EchoReply;
class EchoRequest;
}  // namespace saker::echo::v1

namespace saker::echo {

// Replies that one EchoExpand may ask for.
inline constexpr uint32_t kMaxExpandCount = 10'000'000;

// What every reply to one request says: its payload, which changes hands, its fields, and the times
// of this moment. For handlers of one's own, too.
void answer(rpc::ServerContext& context, v1::EchoRequest& request, v1::EchoReply& reply);

void register_echo_service(rpc::Dispatcher& dispatcher);

}  // namespace saker::echo

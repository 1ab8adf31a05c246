// grpc.testing.TestService (proto/grpc/testing/test.proto): the server of gRPC's official
// interoperability tests (grpc/doc/interop-test-descriptions.md, "Server features"): payloads of the
// size that is asked for, at the interval that is asked for, compressed or not, echoed metadata and
// echoed status. UnimplementedCall and UnimplementedService are not registered, as the tests want.
#pragma once

#include "saker/rpc/dispatcher.h"

namespace saker::interop {

// Bytes of one reply's payload that a request may ask for; more is INVALID_ARGUMENT.
inline constexpr int32_t kMaxResponseBytes = 64 << 20;  // limit: one reply of the interop server

void register_interop_service(rpc::Dispatcher& dispatcher);

}  // namespace saker::interop

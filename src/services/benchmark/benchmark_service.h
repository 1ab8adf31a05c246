// grpc.testing.BenchmarkService (proto/grpc/testing/benchmark_service.proto): what gRPC's performance
// tests put under load, as the server of `saker worker`. Two of them, with the same paths: one of
// protobuf, whose replies are as long as requests ask for, and one of bare bytes ("bytebuf", "generic"
// in gRPC's words), which does not look at requests and answers with so many bytes as it was told.
// StreamingBothWays answers request by request, as StreamingCall does.
#pragma once

#include <cstddef>

#include "saker/rpc/dispatcher.h"

namespace saker::benchmark {

// Bytes of one payload, either way; a request that asks for more is INVALID_ARGUMENT.
inline constexpr int32_t kMaxPayloadBytes = 64 << 20;  // limit: one reply of the benchmark service
// What protobuf adds to a payload.
inline constexpr uint32_t kMessageExtraBytes = 1024;

void register_protobuf_service(rpc::Dispatcher& dispatcher);
void register_bytebuf_service(rpc::Dispatcher& dispatcher, size_t reply_bytes);

}  // namespace saker::benchmark

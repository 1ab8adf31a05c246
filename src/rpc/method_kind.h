// MethodKind: gRPC's four kinds of method.
#pragma once

#include <cstdint>

namespace saker::rpc {

enum class MethodKind : uint8_t { kUnary, kClientStreaming, kServerStreaming, kBidiStreaming };

}  // namespace saker::rpc

// within(): options for the calls that a handler makes on behalf of the one it serves. They must not
// outlive it: the deadline that its client set, counted from its arrival, is theirs too (gRPC
// doc "Deadlines", propagation). awaitable_call.h does the same by itself, and passes cancellation
// on besides.
#pragma once

#include <algorithm>

#include "saker/rpc/client_call.h"
#include "saker/rpc/server_context.h"

namespace saker::rpc {

inline CallOptions within(const ServerContext& context, CallOptions options = {}) {
  options.deadline = std::min(options.deadline, context.deadline());
  return options;
}

// How much of the deadline is left, not below 0; max: there is none.
inline Duration time_left(const ServerContext& context) {
  if (context.deadline() == kNever) return Duration::max();
  return std::max(Duration{}, context.deadline() - context.loop().now());
}

}  // namespace saker::rpc

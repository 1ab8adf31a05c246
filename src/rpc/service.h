// What generated service glue (protoc-gen-saker) stands on beside the Dispatcher: which results a
// handler may have, the compiler's complaint about a missing one,
// and the answer of methods that nobody implements.
#pragma once

#include <concepts>
#include <string_view>

#include "saker/grpc/status.h"
#include "saker/rpc/task.h"

namespace saker::rpc {

// A unary handler runs inline, or is a coroutine; a streaming one is always a coroutine.
template <typename T>
concept UnaryResult = std::same_as<T, grpc::Status> || std::same_as<T, Task<grpc::Status>>;
template <typename T>
concept StreamingResult = std::same_as<T, Task<grpc::Status>>;

// Always false, and dependent, so that a static_assert fires only where the handler is missing.
template <typename Impl>
inline constexpr bool kMissingHandler = false;

// UNIMPLEMENTED. `path` is a literal: "/package.Service/Method".
grpc::Status unimplemented(std::string_view path);
Task<grpc::Status> unimplemented_task(std::string_view path);

}  // namespace saker::rpc

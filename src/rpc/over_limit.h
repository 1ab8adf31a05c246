// What is said of a message that its reader refused with kTooLarge: which of the two limits it was.
#pragma once

#include <string>
#include <string_view>

#include "saker/grpc/message.h"

namespace saker::rpc {

inline constexpr const char* kMemoryForMessages =
    "what is left of the connection's memory for messages";

// "request of 5242880 bytes is over the limit"; `size`: what its prefix claims.
inline std::string over_limit_text(std::string_view what, size_t size,
                                   const grpc::MessageReader& reader) {
  return std::string(what) + " of " + std::to_string(size) + " bytes is over " +
         (reader.budget_refused() ? kMemoryForMessages : "the limit");
}

}  // namespace saker::rpc

// How much memory a protobuf message takes once it is parsed, estimated from its bytes before that is
// done: two bytes on the wire may be an object of a hundred. From above for what peers can make many of:
// strings and messages in messages, numbers in lists, unknown fields.
#pragma once

#include <google/protobuf/descriptor.h>

#include <cstddef>

#include "saker/grpc/message.h"

namespace saker::rpc {

// Messages up to this size are parsed unseen.
inline constexpr size_t kFreeMessageBytes = 2048;

// Stops as soon as it is more than `most`. What is malformed counts up to there: parsing refuses it.
size_t parsed_bytes(const google::protobuf::Descriptor& type, const grpc::ReceivedMessage& message,
                    size_t most);

// Types that are no protobuf messages take what they are.
template <typename T>
size_t parsed_bytes_of(const grpc::ReceivedMessage& message, size_t most) {
  if constexpr (requires { T::descriptor(); }) {
    return parsed_bytes(*T::descriptor(), message, most);
  } else {
    return message.size;
  }
}

}  // namespace saker::rpc

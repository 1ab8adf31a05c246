// TypedMethod: a ClientMethod that knows its messages, so that a call can be made from it alone.
// Generated code has one for every method of a service.
#pragma once

#include "saker/rpc/client_method.h"

namespace saker::rpc {

template <typename RequestType, typename ReplyType, MethodKind kMethodKind>
class TypedMethod final : public ClientMethod {
 public:
  using Request = RequestType;
  using Reply = ReplyType;
  static constexpr MethodKind kKind = kMethodKind;

  explicit TypedMethod(std::string path) : ClientMethod(std::move(path), kKind) {}
};

}  // namespace saker::rpc

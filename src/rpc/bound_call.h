// BoundCall<&method>: a call type made for one method, so that neither its messages nor its kind
// can be mistaken. Derive and implement what UnaryClientCall or StreamingClientCall leave open.
// Belongs to its channel's loop.
//
//   class MyCall : public EchoStub::EchoCall { void on_done() override … };
//   my_call.start(channel);
#pragma once

#include <type_traits>

#include "saker/rpc/channel.h"
#include "saker/rpc/streaming_client_call.h"
#include "saker/rpc/typed_method.h"
#include "saker/rpc/unary_client_call.h"

namespace saker::rpc {

template <typename Method>
using CallOf =
    std::conditional_t<Method::kKind == MethodKind::kUnary,
                       UnaryClientCall<typename Method::Request, typename Method::Reply>,
                       StreamingClientCall<typename Method::Request, typename Method::Reply>>;

// Who names the call type of a deprecated method has been told already.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

// `kMethod` is a function: const TypedMethod<…>& (*)().
template <auto kMethod>
class BoundCall : public CallOf<std::remove_cvref_t<decltype(kMethod())>> {
 public:
  void start(Channel& channel, const CallOptions& options = {}) {
    ClientCall::start(channel, kMethod(), options);
  }
};

#pragma GCC diagnostic pop

}  // namespace saker::rpc

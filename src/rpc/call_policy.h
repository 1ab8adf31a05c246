// CallPolicy: what a service config asks of one call beside its options: limits on its messages,
// and more than one attempt. Made when a method has a config, and kept with the call's object, so
// that calls which are made again allocate nothing. Its channel's loop.
#pragma once

#include <memory>

#include "saker/grpc/message.h"
#include "saker/rpc/call_hedging.h"
#include "saker/rpc/call_retry.h"
#include "saker/rpc/service_config.h"

namespace saker::rpc {

class Channel;

class CallPolicy {
 public:
  CallPolicy(ClientCall& call, Channel& channel) : call_(call), channel_(channel) {}

  // Its buffers are the channel's loop's.
  bool belongs_to(const Channel& channel) const { return &channel == &channel_; }

  // The call is prepared; submits it.
  void start(const MethodConfig& config);
  // The call has its end.
  void end();

  // How replies are assembled on a connection that assembles them as `of_connection` says.
  const grpc::MessageContext& messages(const grpc::MessageContext& of_connection);

 private:
  bool start_hedging(const HedgingPolicy& policy);

  ClientCall& call_;
  Channel& channel_;
  const MethodConfig* config_ = nullptr;
  grpc::MessageContext messages_{};
  std::unique_ptr<CallRetry> retry_;
  std::unique_ptr<CallHedging> hedging_;
};

}  // namespace saker::rpc

#include "saker/rpc/call_policy.h"

#include <algorithm>

#include "saker/rpc/channel.h"
#include "saker/rpc/client_call.h"

namespace saker::rpc {

void CallPolicy::start(const MethodConfig& config) {
  config_ = &config;
  if (config.retry) {
    if (retry_ == nullptr) retry_ = std::make_unique<CallRetry>(call_);
    retry_->start(*config.retry);
    call_.hooks_ = retry_.get();
  } else if (config.hedging && start_hedging(*config.hedging)) {
    return;
  }
  channel_.submit(call_);
}

// False: the call has more requests than one, or none yet.
bool CallPolicy::start_hedging(const HedgingPolicy& policy) {
  ChunkQueue request(call_.chunks());
  if (!call_.encode_request(request)) return false;
  if (call_.phase_ != ClientCall::Phase::kPending) return true;  // it is over the limit
  if (hedging_ == nullptr) hedging_ = std::make_unique<CallHedging>(call_);
  hedging_->start(policy, request);
  return true;
}

void CallPolicy::end() {
  if (retry_ != nullptr) retry_->end();
  if (hedging_ != nullptr) hedging_->end();
}

const grpc::MessageContext& CallPolicy::messages(const grpc::MessageContext& of_connection) {
  messages_ = of_connection;
  if (config_->max_response_bytes) {
    messages_.max_bytes = std::min(messages_.max_bytes, *config_->max_response_bytes);
  }
  return messages_;
}

}  // namespace saker::rpc

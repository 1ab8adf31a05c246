#include "saker/rpc/call_retry.h"

#include "saker/rpc/channel.h"
#include "saker/rpc/client_call.h"

namespace saker::rpc {

using grpc::StatusCode;

CallRetry::CallRetry(ClientCall& call) : call_(call), buffer_(call.chunks()) {}

CallRetry::~CallRetry() = default;

void CallRetry::start(const RetryPolicy& policy) {
  policy_ = &policy;
  attempts_ = 1;
  backoffs_ = 0;
  committed_ = false;
  keeps_ = true;
}

void CallRetry::end() {
  if (armed()) call_.channel_->loop().cancel(*this);
  buffer_.clear();
  keeps_ = false;
}

// Between two attempts what was written is still to be sent.
void CallRetry::commit() {
  committed_ = true;
  if (!call_.open()) return;
  keeps_ = false;
  buffer_.clear();
}

void CallRetry::on_kept() {
  if (committed_ || buffer_.bytes() > call_.channel_->options().retry_buffer_bytes) commit();
}

bool CallRetry::on_response_head(ClientCall&, const h2::HeadersEvent&) {
  commit();
  return false;
}

bool CallRetry::on_attempt_ended(ClientCall&) {
  Channel& channel = *call_.channel_;
  const StatusCode code = call_.status_.code;
  if (code == StatusCode::kOk) {
    channel.throttle().on_success();
    return false;
  }
  const Pushback pushback = read_pushback(call_.trailing_metadata_);
  const bool is_retryable = policy_->retryable.contains(code);
  if (is_retryable || pushback.stops) channel.throttle().on_failure();
  const bool ends = !is_retryable || pushback.stops || committed_ ||
                    attempts_ >= policy_->max_attempts || !channel.throttle().allows();
  if (ends) return false;
  if (pushback.given) backoffs_ = 0;
  const Duration delay = pushback.given
                             ? pushback.delay
                             : retry_backoff(*policy_, backoffs_++, channel.loop().random());
  call_.previous_attempts_ = attempts_++;
  call_.rewind();
  channel.delay(call_);
  channel.loop().arm(*this, time_after(channel.loop().now(), delay));
  return true;
}

// The call may have ended in this very tick, by its deadline or its caller.
void CallRetry::on_timer(Time) {
  if (call_.phase_ != ClientCall::Phase::kPending) return;
  call_.unlink();
  call_.channel_->submit(call_);
}

}  // namespace saker::rpc

// CallRetry: one call under a retryPolicy (gRFC A6). Each attempt is the call itself on another
// stream; what it has sent is kept until the call is committed: by a response head, or by more
// requests than the buffer takes. Its channel's loop.
//
//   attempt ──head──▶ committed: ends as it ends
//           ──retryable status, attempts and tokens left──▶ back-off ──▶ next attempt
//           ──any other end──▶ the call's
#pragma once

#include "saker/net/loop.h"
#include "saker/rpc/attempt_hooks.h"
#include "saker/rpc/replay_buffer.h"
#include "saker/rpc/service_config.h"

namespace saker::rpc {

class CallRetry final : public AttemptHooks, private net::Timer {
 public:
  explicit CallRetry(ClientCall& call);
  ~CallRetry();

  void start(const RetryPolicy& policy);
  void end();

  bool on_response_head(ClientCall& attempt, const h2::HeadersEvent& event) override;
  bool on_attempt_ended(ClientCall& attempt) override;
  ReplayBuffer* replay() override { return keeps_ ? &buffer_ : nullptr; }
  void on_kept() override;

 private:
  void on_timer(Time now) override;
  void commit();

  ClientCall& call_;
  const RetryPolicy* policy_ = nullptr;
  ReplayBuffer buffer_;
  uint32_t attempts_ = 1;  // begun
  uint32_t backoffs_ = 0;  // in a row, without a pushback between
  bool committed_ = false;
  bool keeps_ = false;  // what is written
};

}  // namespace saker::rpc

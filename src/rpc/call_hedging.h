// CallHedging: one unary call under a hedgingPolicy (gRFC A6). The call itself has no stream until
// an attempt's response head commits it to that one; then it takes that stream over and the other
// attempts are cancelled. Its channel's loop.
//
//   start ─▶ attempt 0, and another one after each delay, up to max_attempts
//     head ─────────────────────────▶ the call goes on with that attempt
//     non-fatal status ─────────────▶ the next attempt at once, or when the server says
//     any other status, or the last ▶ the call's
#pragma once

#include <memory>
#include <vector>

#include "saker/net/loop.h"
#include "saker/rpc/attempt_hooks.h"
#include "saker/rpc/replay_buffer.h"
#include "saker/rpc/service_config.h"

namespace saker::rpc {

class CallHedging final : public AttemptHooks, private net::Timer {
 public:
  explicit CallHedging(ClientCall& call);
  ~CallHedging();

  // The call is pending. `request`: the one message, with its prefix.
  void start(const HedgingPolicy& policy, const ChunkQueue& request);
  // The call has its end: the attempts that are left are reset.
  void end();

  bool on_response_head(ClientCall& attempt, const h2::HeadersEvent& event) override;
  bool on_attempt_ended(ClientCall& attempt) override;
  ReplayBuffer* replay() override { return &request_; }
  void on_kept() override {}

 private:
  class Attempt;

  void on_timer(Time now) override;
  void launch_due();
  void launch();
  bool is_decided() const;
  void end_call(const ClientCall& attempt);
  void cancel_others(const ClientCall& winner);

  ClientCall& call_;
  const HedgingPolicy* policy_ = nullptr;
  ReplayBuffer request_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  size_t under_way_ = 0;
  uint32_t most_ = 0;  // attempts, in all; fewer once a server says no more
  const Attempt* last_failed_ = nullptr;
  bool committed_ = false;
};

}  // namespace saker::rpc

#include "saker/rpc/call_hedging.h"

#include "saker/rpc/channel.h"
#include "saker/rpc/client_call.h"

namespace saker::rpc {

using grpc::StatusCode;

// An attempt knows how to send the request; whatever answers it is the call's business.
class CallHedging::Attempt final : public ClientCall {
 public:
  explicit Attempt(CallHedging& hedging) : hedging_(hedging) {}
  bool is_told = false;  // its end, to the hedging

 private:
  void on_open() override {
    ChunkQueue request(chunks());
    hedging_.request_.copy_to(request);
    send_chunks(std::move(request), true);
  }
  void on_data(Bytes, bool) override {}
  // An end that was not the stream's: its request's metadata was too large, say.
  void on_done() override {
    if (!is_told) hedging_.on_attempt_ended(*this);
  }

  CallHedging& hedging_;
};

CallHedging::CallHedging(ClientCall& call) : call_(call), request_(call.chunks()) {}

CallHedging::~CallHedging() = default;

void CallHedging::start(const HedgingPolicy& policy, const ChunkQueue& request) {
  policy_ = &policy;
  request_.keep(request, true);
  under_way_ = 0;
  most_ = policy.max_attempts;
  last_failed_ = nullptr;
  committed_ = false;
  call_.channel_->delay(call_);
  launch_due();
}

// Destroying an attempt resets its stream; no attempt's event is on the stack.
void CallHedging::end() {
  if (!attempts_.empty() && call_.status_.ok()) call_.channel_->throttle().on_success();
  if (armed()) call_.channel_->loop().cancel(*this);
  attempts_.clear();
  last_failed_ = nullptr;
  request_.clear();
}

bool CallHedging::is_decided() const {
  return committed_ || call_.phase_ != ClientCall::Phase::kPending;
}

// The first attempt is always sent; the throttle decides about all others.
void CallHedging::launch_due() {
  do {
    launch();
  } while (!is_decided() && policy_->delay == Duration{} && attempts_.size() < most_ &&
           call_.channel_->throttle().allows());
  if (is_decided() || armed() || attempts_.size() >= most_) return;
  net::Loop& loop = call_.channel_->loop();
  loop.arm(*this, time_after(loop.now(), policy_->delay));
}

void CallHedging::launch() {
  attempts_.push_back(std::make_unique<Attempt>(*this));
  ++under_way_;
  attempts_.back()->start_attempt(call_, *this, static_cast<uint32_t>(attempts_.size() - 1));
}

void CallHedging::on_timer(Time) {
  if (is_decided()) return;
  if (attempts_.size() < most_ && call_.channel_->throttle().allows()) return launch_due();
  if (under_way_ == 0) end_call(*last_failed_);
}

// Of two heads in one turn the first counts.
bool CallHedging::on_response_head(ClientCall& attempt, const h2::HeadersEvent& event) {
  if (is_decided()) return true;
  committed_ = true;
  if (armed()) call_.channel_->loop().cancel(*this);
  cancel_others(attempt);
  call_.adopt(attempt);
  call_.recv_headers(event);
  return true;
}

void CallHedging::cancel_others(const ClientCall& winner) {
  for (const auto& attempt : attempts_) {
    if (attempt.get() != &winner) attempt->cancel();
  }
}

bool CallHedging::on_attempt_ended(ClientCall& attempt) {
  static_cast<Attempt&>(attempt).is_told = true;
  --under_way_;
  if (is_decided()) return false;
  RetryThrottle& throttle = call_.channel_->throttle();
  const StatusCode code = attempt.status_.code;
  const Pushback pushback = read_pushback(attempt.trailing_metadata_);
  const bool is_fatal = code == StatusCode::kOk || !policy_->non_fatal.contains(code);
  if (!is_fatal || pushback.stops) throttle.on_failure();
  if (is_fatal) {
    end_call(attempt);
    return false;
  }
  last_failed_ = static_cast<Attempt*>(&attempt);
  if (pushback.stops) most_ = static_cast<uint32_t>(attempts_.size());
  if (attempts_.size() < most_ && throttle.allows()) {
    net::Loop& loop = call_.channel_->loop();
    loop.arm(*this, time_after(loop.now(), pushback.delay));
  } else if (under_way_ == 0) {
    end_call(attempt);
  }
  return false;
}

void CallHedging::end_call(const ClientCall& attempt) {
  if (armed()) call_.channel_->loop().cancel(*this);
  call_.end_as(attempt);
}

}  // namespace saker::rpc

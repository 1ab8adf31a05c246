#include "caller.h"

#include "client.h"

namespace saker::simulation {
namespace {

using rpc::ClientMethod;
using rpc::MethodKind;

const ClientMethod& method_of(CallKind kind) {
  static const ClientMethod methods[] = {
      ClientMethod("/sim.S/Unary"),
      ClientMethod("/sim.S/Later"),
      ClientMethod("/sim.S/Collect", MethodKind::kClientStreaming),
      ClientMethod("/sim.S/Expand", MethodKind::kServerStreaming),
      ClientMethod("/sim.S/Bidi", MethodKind::kBidiStreaming),
      ClientMethod("/sim.S/Unknown")};
  return methods[static_cast<size_t>(kind)];
}

}  // namespace

Caller::Caller(Client& client)
    : client_(client),
      unary_(std::make_unique<Unary>(*this)),
      stream_(std::make_unique<Stream>(*this)) {}

Caller::~Caller() = default;

rpc::ClientCall& Caller::object() {
  if (spec().is_unary()) return *unary_;
  return *stream_;
}

// ---- one call after the other

void Caller::rest() {
  net::Loop& loop = client_.loop();
  loop.arm(next_alarm_, loop.now() + client_.draw_think_time());
}

void Caller::next() {
  if (call_ != nullptr || client_.is_closed()) return;
  call_ = client_.draw_call();
  if (call_ == nullptr) return;
  start();
}

void Caller::start() {
  written_ = 0;
  writes_done_ = false;
  metadata_.clear();
  if (spec().has_metadata) {
    const bool added =
        metadata_.add("x-call", std::to_string(spec().id)) == grpc::AddResult::kOk &&
        metadata_.add("x-note", note(spec().id, spec().note_bytes)) == grpc::AddResult::kOk;
    if (!added) client_.ledger().violate("metadata was refused");
  }
  rpc::CallOptions options;
  options.deadline = call_->deadline;
  options.wait_for_ready = spec().wait_for_ready;
  options.metadata = spec().has_metadata ? &metadata_ : nullptr;
  if (spec().compressed) options.compression = grpc::Compression::kGzip;
  const bool is_unary = spec().is_unary();
  if (is_unary) fill(unary_->request().bytes, spec().id, Side::kRequest, 0, spec().request_size(0));
  net::Loop& loop = client_.loop();
  if (spec().intent != Intent::kWait) loop.arm(act_alarm_, loop.now() + spec().intent_after);
  const ClientMethod& method = method_of(spec().kind);
  if (is_unary) return unary_->start(client_.channel(), method, options);
  stream_->pause(false);
  stream_->start(client_.channel(), method, options);
}

// Its caller changes its mind. Outside of the call's events.
void Caller::act() {
  if (call_ == nullptr) return;
  CallRecord& call = *call_;
  client_.ledger().note_intent(call);
  if (spec().intent == Intent::kCancel) return object().cancel();
  const bool is_unary = spec().is_unary();
  forget();
  if (is_unary) {
    unary_ = std::make_unique<Unary>(*this);
  } else {
    stream_ = std::make_unique<Stream>(*this);
  }
  rest();
}

void Caller::forget() {
  client_.loop().cancel(act_alarm_);
  client_.loop().cancel(resume_alarm_);
  call_ = nullptr;
}

void Caller::unary_done() {
  if (unary_->status().ok()) client_.ledger().note_reply(*call_, unary_->reply().bytes);
  ended(*unary_);
}

// Half of the callers go on at once, inside the end of the last call.
void Caller::ended(rpc::ClientCall& object) {
  client_.ledger().note_end(*call_, object.status(), object.trailing_metadata());
  forget();
  if (client_.is_closed()) return;
  if (client_.flips_coin()) return next();
  rest();
}

// ---- streams

bool Caller::may_write() {
  if (spec().floods) return true;
  if (spec().ping_pong && written_ > call_->replies) return false;
  return stream_->writable();
}

void Caller::write() {
  const uint32_t requests = spec().kind == CallKind::kExpand ? 1 : spec().requests;
  while (written_ < requests && may_write()) {
    fill(request_.bytes, spec().id, Side::kRequest, written_, spec().request_size(written_));
    const bool is_last = written_ + 1 == requests && !spec().ends_apart;
    if (!stream_->write(request_, is_last)) return;
    ++written_;
    writes_done_ = is_last;
  }
  if (written_ == requests && !writes_done_) {
    writes_done_ = true;
    stream_->writes_done();
  }
}

void Caller::recv_reply(rpc::RawMessage& reply) {
  client_.ledger().note_reply(*call_, reply.bytes);
  if (spec().ping_pong) write();
  if (!spec().pauses || !client_.flips_coin()) return;
  stream_->pause(true);
  net::Loop& loop = client_.loop();
  loop.arm(resume_alarm_, loop.now() + client_.draw_think_time());
}

void Caller::resume() {
  stream_->pause(false);
}

}  // namespace saker::simulation

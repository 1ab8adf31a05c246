#include "saker/rpc/server_call.h"

#include <array>
#include <charconv>

#include "saker/grpc/base64.h"
#include "saker/grpc/percent.h"
#include "saker/rpc/server_connection.h"

namespace saker::rpc {
namespace {

using hpack::OutField;

constexpr OutField kResponseHead[] = {{":status", "200"}, {"content-type", "application/grpc"}};
constexpr int kHttpMethodNotAllowed = 405;
constexpr OutField kOkTrailers[] = {{"grpc-status", "0"}};

// Metadata as fields. `scratch` holds the base64 of binary values and must outlive the fields.
void append_fields(const grpc::Metadata& metadata, std::string& scratch,
                   std::vector<OutField>& fields) {
  metadata.each_wire(scratch, [&](std::string_view name, std::string_view value) {
    fields.push_back({name, value});
  });
}

}  // namespace

void ServerCall::make_ready() {
  if (!ListHook<ReadyTag>::linked()) connection_->add_ready(*this);
}

void ServerCall::make_ready_first() {
  ListHook<ReadyTag>::unlink();
  connection_->add_ready_first(*this);
}

void ServerCall::refuse(grpc::StatusCode code, std::string message) {
  refusal_ = std::make_unique<grpc::Status>(grpc::Status{code, std::move(message), {}});
  awaits_request_ = false;
  stop_unpacking();
  drop_unpacked();
  make_ready();
}

// Ready all the same: run_now() arms the timer where no event of the connection is under way.
void ServerCall::await_request(bool awaits) {
  awaits_request_ = awaits;
  if (awaits && context_.deadline_ != kNever) make_ready();
}

bool ServerCall::keep_request() {
  return charged_bytes_ != 0 || connection_->charge_request(*this);
}

void ServerCall::release_charge() {
  connection_->release_charge(*this);
}

void ServerCall::run_refusal() {
  if (!stream_open() || finished_) return;
  if (http_status_ == 200) return finish(*refusal_);
  char digits[4];
  const auto end = std::to_chars(digits, digits + sizeof digits, http_status_).ptr;
  const OutField fields[] = {{":status", std::string_view(digits, end)}, {"allow", "POST"}};
  // RFC 9110 section 15.5.6: 405 says which methods are.
  const size_t count_of_fields = http_status_ == kHttpMethodNotAllowed ? 2 : 1;
  hpack::CachedBlock unused;
  finished_ = true;
  count(grpc::StatusCode::kInternal);
  connection_->touch();
  connection_->note_sent();
  connection_->engine().send_headers(*stream_, std::span(fields, count_of_fields), unused, {},
                                     true);
}

// ---- replies

grpc::Status ServerCall::reply_too_large(size_t bytes) const {
  return {grpc::StatusCode::kResourceExhausted,
          "reply of " + std::to_string(bytes) + " bytes is over the limit of " +
              std::to_string(max_reply_bytes_),
          {}};
}

void ServerCall::send_head() {
  h2::Connection& engine = connection_->engine();
  context_.head_sent_ = true;
  const grpc::Compression compression = context_.compression_.replies;
  const bool has_metadata = context_.extras_ != nullptr && !context_.extras_->initial.empty();
  if (!has_metadata && compression == grpc::Compression::kIdentity) {
    return engine.send_headers(*stream_, kResponseHead, connection_->head_cache(), {}, false);
  }
  std::string scratch;
  std::vector<OutField> custom;
  if (compression != grpc::Compression::kIdentity) {
    custom.push_back({"grpc-encoding", grpc::compression_name(compression)});
  }
  if (has_metadata) append_fields(context_.extras_->initial, scratch, custom);
  engine.send_headers(*stream_, kResponseHead, connection_->head_cache(), custom, false);
}

uint8_t* ServerCall::begin_message(size_t size) {
  connection_->touch();
  connection_->note_sent();
  if (!stream_->head_sent) send_head();
  if (size > ChunkPool::kLargeBytes) return nullptr;
  const size_t framed = size + grpc::kMessagePrefixBytes;
  uint8_t* out =
      connection_->engine().try_begin_data(*stream_, static_cast<uint32_t>(framed), false);
  if (out == nullptr) return nullptr;
  reply_wire_bytes_ += framed;
  grpc::write_message_prefix(out, false, static_cast<uint32_t>(size));
  return out + grpc::kMessagePrefixBytes;
}

void ServerCall::send_chunks(ChunkQueue&& prefixed_message) {
  reply_wire_bytes_ += prefixed_message.size();
  connection_->engine().send_data(*stream_, std::move(prefixed_message), false);
}

void ServerCall::send_packed(Bytes message) {
  connection_->touch();
  connection_->note_sent();
  if (!stream_->head_sent) send_head();
  ChunkQueue packed(context_.loop().chunks());
  connection_->packer().append(context_.compression_.replies, message, packed);
  send_chunks(std::move(packed));
}

void ServerCall::unpack(const grpc::ReceivedMessage& message) {
  const grpc::Compression compression = context_.compression_.requests;
  if (compression == grpc::Compression::kIdentity) {
    return on_unpacked(
        {grpc::StatusCode::kInternal, "compressed message without a grpc-encoding", {}}, message);
  }
  unpacked_ = std::make_unique<std::string>();
  unpacking_ = std::make_unique<Unpacking>(connection_->packer(), compression, message,
                                           connection_->max_message_bytes(), *unpacked_);
  connection_->begin_unpacking(*this);
  go_on_unpacking();
  if (unpacking_ != nullptr) unpacking_->keep_input();
}

void ServerCall::go_on_unpacking() {
  const Unpacked result = connection_->unpack_some(*unpacking_);
  if (result == Unpacked::kNotYet) return;
  stop_unpacking();
  grpc::ReceivedMessage message;
  message.contiguous = as_bytes(*unpacked_);
  message.size = unpacked_->size();
  grpc::Status status;
  if (result == Unpacked::kTooLarge) {
    const std::string limit = std::to_string(connection_->max_message_bytes());
    status = {grpc::StatusCode::kResourceExhausted,
              "request of more than " + limit + " bytes, unpacked, is over the limit",
              {}};
  } else if (result == Unpacked::kBroken) {
    status = {
        grpc::StatusCode::kInternal, "a request message is not what its grpc-encoding says", {}};
  }
  on_unpacked(status, message);
}

void ServerCall::stop_unpacking() {
  if (unpacking_ == nullptr) return;
  unpacking_.reset();
  connection_->end_unpacking();
}

void ServerCall::finish_ok() {
  if (!stream_open()) return;
  if (context_.extras_ != nullptr || !stream_->head_sent) return finish(grpc::Status{});
  connection_->touch();
  connection_->note_sent();
  finished_ = true;
  count(grpc::StatusCode::kOk);
  connection_->engine().send_headers(*stream_, kOkTrailers, connection_->trailers_cache(), {},
                                     true);
}

// Status and trailing metadata; as Trailers-Only when no head has been sent (gRPC
// PROTOCOL-HTTP2.md "Responses").
void ServerCall::finish(const grpc::Status& status) {
  if (!stream_open()) return;
  connection_->touch();
  connection_->note_sent();
  finished_ = true;
  count(status.code);
  std::vector<OutField> fields;
  std::string initial_scratch;
  std::string trailing_scratch;
  if (!stream_->head_sent) {
    fields.assign(std::begin(kResponseHead), std::end(kResponseHead));
    if (context_.extras_ != nullptr)
      append_fields(context_.extras_->initial, initial_scratch, fields);
  }
  fields.push_back({"grpc-status", grpc::encode_grpc_status(status.code)});
  std::string message;
  grpc::append_percent_encoded(status.message, message);
  if (!message.empty()) fields.push_back({"grpc-message", message});
  std::string details(grpc::base64_encoded_size(status.details_bin.size()), '\0');
  grpc::base64_encode(as_bytes(status.details_bin), details.data());
  if (!details.empty()) fields.push_back({"grpc-status-details-bin", details});
  if (context_.extras_ != nullptr)
    append_fields(context_.extras_->trailing, trailing_scratch, fields);
  hpack::CachedBlock unused;
  connection_->engine().send_headers(*stream_, fields, unused, {}, true);
}

bool ServerCall::congested() const {
  const h2::Connection& engine = connection_->engine();
  return stream_->sending() || engine.output_full() || engine.unsent_full();
}

// While the stream's own data waits, on_drained() tells; when only the connection has enough, the
// connection does.
void ServerCall::await_output() {
  if (!stream_->sending() && !ListHook<ReadyTag>::linked()) connection_->add_blocked(*this);
}

void ServerCall::consume(size_t bytes) {
  if (!stream_open()) return;
  connection_->touch();
  connection_->engine().consume(*stream_, static_cast<uint32_t>(bytes));
}

// ---- life

void ServerCall::count(grpc::StatusCode code) {
  if (std::exchange(counted_, true)) return;
  // A handler that has just looked at the clock saves us the same.
  const bool fresh = context_.clock_read_at_ >= context_.loop_->now();
  const Time ended = fresh ? context_.clock_read_at_ : context_.read_clock();
  connection_->count(*this, code, ended - context_.started_at_);
}

// From the ready list. A call whose deadline has passed never reaches its handler.
void ServerCall::run_now(Time now) {
  if (context_.deadline_ == kNever) return run();
  if (context_.deadline_ <= now && stream_open() && !running_) return connection_->expire(*this);
  if (awaits_request_) return arm_deadline();
  run();
}

void ServerCall::handler_suspends() {
  connection_->track_running(*this);
  arm_deadline();
}

void ServerCall::handler_done() {
  running_ = false;
  ListHook<RunningTag>::unlink();
  if (!stream_open()) release();
}

// The loop ends: the handler never will. Its coroutine is destroyed where it waits.
void ServerCall::abandon_handler() {
  running_ = false;
  if (!stream_open()) release();
}

void ServerCall::arm_deadline() {
  if (context_.deadline_ != kNever && stream_open() && !deadline_timer_.armed()) {
    context_.loop_->arm(deadline_timer_, context_.deadline_);
  }
}

void ServerCall::DeadlineTimer::on_timer(Time) {
  if (!call.stream_open() || call.finished_) return;
  call.connection_->expire(call);
}

// The stream is gone. A handler that still runs keeps the slot until it ends,
// and keeps counting against the limit.
void ServerCall::close(h2::CloseCause cause) {
  count(grpc::StatusCode::kCancelled);
  stream_ = nullptr;
  ListHook<ReadyTag>::unlink();
  let_request_go();
  stop_unpacking();
  if (!running_) return release();
  if (finished_) return;  // inside its own finish(): handler_done() follows
  context_.cancelled_ = true;
  if (cause != h2::CloseCause::kConnectionLost) connection_->hold_slot(*this);
  if (context_.cancel_waiter_ != nullptr) context_.cancel_waiter_->on_cancelled();
  on_cancel();
}

void ServerCall::release() {
  if (deadline_timer_.armed()) context_.loop_->cancel(deadline_timer_);
  ServerConnection& connection = *connection_;
  reader_.reset();
  refusal_.reset();
  drop_unpacked();
  http_status_ = 200;
  finished_ = counted_ = awaits_request_ = false;
  request_wire_bytes_ = reply_wire_bytes_ = 0;
  const bool held = std::exchange(holds_slot_, false);
  context_.recycle();
  recycle();
  connection.call_released(held);
}

}  // namespace saker::rpc

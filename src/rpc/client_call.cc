#include "saker/rpc/client_call.h"

#include <algorithm>

#include "saker/grpc/base64.h"
#include "saker/grpc/http.h"
#include "saker/grpc/percent.h"
#include "saker/rpc/call_policy.h"
#include "saker/rpc/channel.h"
#include "saker/rpc/client_connection.h"

namespace saker::rpc {

using grpc::StatusCode;

namespace {

constexpr const char* kMetadataOverLimit = "response metadata is over the limit";

}  // namespace

ClientCall::ClientCall() : deadline_timer_(*this) {}

ClientCall::~ClientCall() {
  reader_.reset();  // what it holds goes back by way of the policy, and of the connection
  if (phase_ != Phase::kIdle) channel_->forget(*this);
}

void ClientCall::start(Channel& channel, const ClientMethod& method, const CallOptions& options) {
  prepare(channel, method, options);
  previous_attempts_ = 0;
  hooks_ = nullptr;
  if (const MethodConfig* config = channel.config_of(method)) [[unlikely]] {
    return start_with(*config);
  }
  if (policy_ != nullptr) policy_.reset();
  if (options.deadline != kNever) channel.loop().arm(deadline_timer_, options.deadline);
  channel.submit(*this);
}

void ClientCall::prepare(Channel& channel, const ClientMethod& method, const CallOptions& options) {
  SAKER_DCHECK(phase_ == Phase::kIdle);
  channel_ = &channel;
  method_ = &method;
  options_ = options;
  status_.code = StatusCode::kOk;
  if (!status_.message.empty()) status_ = {};
  if (!initial_metadata_.empty()) initial_metadata_.clear();
  if (!trailing_metadata_.empty()) trailing_metadata_.clear();
  status_set_ = reset_due_ = retried_ = started_over_ = reply_was_compressed_ = false;
  packs_ = true;
  encoding_ = grpc::Compression::kIdentity;
  http_status_ = 0;
  max_send_bytes_ = channel.options().max_send_message_bytes;
  phase_ = Phase::kPending;
}

void ClientCall::start_with(const MethodConfig& config) {
  net::Loop& loop = channel_->loop();
  if (config.timeout) {
    options_.deadline = std::min(options_.deadline, time_after(loop.now(), *config.timeout));
  }
  options_.wait_for_ready = options_.wait_for_ready || config.wait_for_ready.value_or(false);
  if (config.max_request_bytes) {
    max_send_bytes_ = std::min(max_send_bytes_, *config.max_request_bytes);
  }
  if (policy_ == nullptr || !policy_->belongs_to(*channel_)) {
    policy_ = std::make_unique<CallPolicy>(*this, *channel_);
  }
  if (options_.deadline != kNever) loop.arm(deadline_timer_, options_.deadline);
  policy_->start(config);
}

// The deadline is the call's to watch.
void ClientCall::start_attempt(ClientCall& call, AttemptHooks& hooks, uint32_t previous_attempts) {
  prepare(*call.channel_, *call.method_, call.options_);
  hooks_ = &hooks;
  previous_attempts_ = previous_attempts;
  channel_->submit(*this);
}

void ClientCall::cancel() {
  if (phase_ == Phase::kPending || phase_ == Phase::kOpen) {
    fail(StatusCode::kCancelled, "cancelled by the caller");
  }
}

void ClientCall::DeadlineTimer::on_timer(Time) {
  if (call.phase_ == Phase::kPending || call.phase_ == Phase::kOpen) {
    call.fail(StatusCode::kDeadlineExceeded, "deadline exceeded");
  }
}

void ClientCall::set_status(StatusCode code, std::string message) {
  if (status_set_) return;
  status_set_ = true;
  status_.code = code;
  status_.message = std::move(message);
}

// Never resets at once: this may be an event of the connection.
void ClientCall::fail(StatusCode code, std::string message) {
  if (phase_ == Phase::kDone) {
    if (status_.ok()) status_ = {code, std::move(message), {}};
    return;
  }
  if (reset_due_) return;  // what came behind the first mistake, in the same bytes
  status_set_ = false;
  set_status(code, std::move(message));
  if (phase_ == Phase::kPending) return channel_->end_pending(*this);
  reset_due_ = true;
  make_ready();
}

void ClientCall::finish() {
  if (deadline_timer_.armed()) channel_->loop().cancel(deadline_timer_);
  if (status_.code == StatusCode::kOk) {
    on_complete();
  } else {
    on_failed(reset_due_);
  }
  reader_.reset();
  drop_unpacked();
  if (policy_ != nullptr) [[unlikely]]
    policy_->end();
  connection_ = nullptr;
  phase_ = Phase::kIdle;
  on_done();
}

void ClientCall::drop() {
  if (deadline_timer_.armed()) channel_->loop().cancel(deadline_timer_);
  if (policy_ != nullptr) policy_->end();
  phase_ = Phase::kIdle;
}

// ---- attempts

void ClientCall::fail_attempt(StatusCode code, const std::string& message) {
  if (hooks_ != nullptr) {
    set_status(code, message);
    if (hooks_->on_attempt_ended(*this)) return;
  }
  fail(code, message);
}

void ClientCall::rewind() {
  unlink();
  status_ = {};
  initial_metadata_.clear();
  trailing_metadata_.clear();
  status_set_ = reply_was_compressed_ = false;
  encoding_ = grpc::Compression::kIdentity;
  http_status_ = 0;
  reader_.reset();
  drop_unpacked();
  connection_ = nullptr;
  started_over_ = true;
  phase_ = Phase::kPending;
}

void ClientCall::adopt(ClientCall& attempt) {
  unlink();
  attempt.unlink();
  stream_ = std::exchange(attempt.stream_, nullptr);
  stream_->user = this;
  connection_ = std::exchange(attempt.connection_, nullptr);
  peer_name_ = attempt.peer_name_;
  attempt.phase_ = Phase::kIdle;
  phase_ = Phase::kOpen;
  reader_.bind(policy_->messages(connection_->messages()));
}

void ClientCall::end_as(const ClientCall& attempt) {
  status_ = attempt.status_;
  status_set_ = true;
  trailing_metadata_ = attempt.trailing_metadata_;
  peer_name_ = attempt.peer_name_;
  channel_->end_pending(*this);
}

void ClientCall::refuse_request(size_t bytes) {
  fail(StatusCode::kResourceExhausted, "request of " + std::to_string(bytes) +
                                           " bytes is over the limit of " +
                                           std::to_string(max_send_bytes_));
}

// ---- output

uint8_t* ClientCall::begin_message(size_t size, bool last) {
  if (size > ChunkPool::kLargeBytes) return nullptr;
  const auto framed = static_cast<uint32_t>(size + grpc::kMessagePrefixBytes);
  connection_->touch();
  uint8_t* out = connection_->engine().try_begin_data(*stream_, framed, last);
  if (out == nullptr) return nullptr;
  grpc::write_message_prefix(out, false, static_cast<uint32_t>(size));
  return out + grpc::kMessagePrefixBytes;
}

void ClientCall::send_chunks(ChunkQueue&& prefixed_message, bool last) {
  connection_->touch();
  connection_->engine().send_data(*stream_, std::move(prefixed_message), last);
}

void ClientCall::send_packed(Bytes message, bool last) {
  ChunkQueue packed(chunks());
  pack(message, packed);
  send_chunks(std::move(packed), last);
}

void ClientCall::pack(Bytes message, ChunkQueue& out) {
  channel_->packer().append(options_.compression, message, out);
}

bool ClientCall::unpack(grpc::ReceivedMessage& message) {
  if (encoding_ == grpc::Compression::kIdentity) {
    fail(StatusCode::kInternal, "compressed reply without a grpc-encoding");
    return false;
  }
  const size_t limit = reader_.max_bytes();
  if (unpacked_ == nullptr) unpacked_ = std::make_unique<std::string>();
  const Unpacked result = channel_->packer().unpack(encoding_, message, limit, *unpacked_);
  if (result == Unpacked::kTooLarge) {
    fail(StatusCode::kResourceExhausted,
         "reply of more than " + std::to_string(limit) + " bytes, unpacked, is over the limit");
  } else if (result == Unpacked::kBroken) {
    fail(StatusCode::kInternal, "a reply is not what its grpc-encoding says");
  }
  message.contiguous = as_bytes(*unpacked_);
  message.chunks = nullptr;
  message.size = unpacked_->size();
  return result == Unpacked::kOk;
}

// It may be waiting for output meanwhile.
void ClientCall::make_ready() {
  unlink();
  connection_->add_ready(*this);
}

// While the stream's own data waits, on_drained() tells; when only the connection's output is full,
// its next flush does.
void ClientCall::await_output() {
  if (!stream_->sending() && !linked()) connection_->add_blocked(*this);
}

void ClientCall::consume(size_t bytes) {
  if (!open()) return;
  connection_->touch();
  connection_->engine().consume(*stream_, static_cast<uint32_t>(bytes));
}

bool ClientCall::congested() const {
  return stream_->sending() || connection_->engine().output_full();
}

ChunkPool& ClientCall::chunks() const {
  return channel_->loop().chunks();
}

// ---- events of the stream

void ClientCall::recv_headers(const h2::HeadersEvent& event) {
  if (event.kind == h2::HeadersKind::kInformational) return;
  const bool is_head = event.kind == h2::HeadersKind::kResponse;
  if (hooks_ != nullptr && is_head && !event.end_stream) [[unlikely]] {
    if (hooks_->on_response_head(*this, event)) return;
  }
  if (event.truncated) {
    return fail(StatusCode::kResourceExhausted, kMetadataOverLimit);
  }
  bool is_grpc = true;
  if (is_head) {
    http_status_ = event.status;
    is_grpc = false;
  }
  grpc::Metadata& metadata = event.end_stream ? trailing_metadata_ : initial_metadata_;
  const size_t limit = channel_->options().connection.max_header_list_bytes;
  bool has_status = false;
  std::optional<grpc::Compression> encoding = encoding_;  // nothing: unknown
  for (const hpack::Field& field : event.fields) {
    switch (field.token) {
      case hpack::Token::kContentType:
        is_grpc = grpc::classify_content_type(field.value) != grpc::ContentType::kNotGrpc;
        break;
      case hpack::Token::kGrpcStatus:
        has_status = true;
        break;
      case hpack::Token::kGrpcEncoding:
        encoding = grpc::parse_compression(field.value);
        break;
      case hpack::Token::kOther:
      case hpack::Token::kGrpcRetryPushbackMs:
        (void)metadata.add_received(field.name, field.value, limit);
        if (metadata.list_bytes() <= limit) break;
        return fail(StatusCode::kResourceExhausted, kMetadataOverLimit);
      default:
        break;
    }
  }
  if (has_status && event.end_stream) return recv_status(event);
  if (http_status_ != 200) {
    const std::string why = "the peer answered HTTP status " + std::to_string(http_status_);
    // Where nothing follows, it is an end like others, after which the call may be tried again.
    if (hooks_ != nullptr && event.end_stream) {
      return set_status(grpc::status_from_http(http_status_), why);
    }
    return fail(grpc::status_from_http(http_status_), why);
  }
  if (!is_grpc) return fail(StatusCode::kUnknown, "the response's content-type is not gRPC");
  if (!encoding) return fail(StatusCode::kInternal, "the reply's grpc-encoding is not known");
  encoding_ = *encoding;
  if (event.end_stream) {
    fail(grpc::status_from_http(http_status_), "the response ended without a grpc-status");
  }
}

void ClientCall::recv_status(const h2::HeadersEvent& event) {
  if (status_set_) return;
  status_set_ = true;
  for (const hpack::Field& field : event.fields) {
    if (field.token == hpack::Token::kGrpcStatus) {
      status_.code = grpc::parse_grpc_status(field.value);
    } else if (field.token == hpack::Token::kGrpcMessage) {
      status_.message.clear();
      grpc::append_percent_decoded(field.value, status_.message);
    } else if (field.token == hpack::Token::kGrpcStatusDetailsBin) {
      std::string details(grpc::base64_max_decoded_size(field.value.size()), '\0');
      const auto size =
          grpc::base64_decode(field.value, reinterpret_cast<uint8_t*>(details.data()));
      if (size) status_.details_bin.assign(details, 0, *size);
    }
  }
}

void ClientCall::stream_closed(h2::CloseCause cause, h2::ErrorCode code) {
  const h2::StreamId id = std::exchange(stream_, nullptr)->id;
  if (starts_over(id, cause, code)) return connection_->resubmit(*this);
  if (!status_set_) set_closed_status(cause, code);  // the words would be made for nothing
  if (hooks_ != nullptr && !reset_due_ && hooks_->on_attempt_ended(*this)) return;
  phase_ = Phase::kDone;
  make_ready();
}

// A transparent retry (gRFC A6): once where the server has not processed it, as often as needed
// where it has never left this process. A response head commits the call: whatever the server says
// of its stream later, it has been seen, and so has the beginning of the response.
bool ClientCall::starts_over(h2::StreamId id, h2::CloseCause cause, h2::ErrorCode code) {
  if (status_set_ || http_status_ != 0) return false;
  using h2::CloseCause;
  // Where we have ended the connection ourselves, what was ready still goes out in front of our GOAWAY.
  const bool ended_by_us = code != h2::ErrorCode::kNoError;
  const bool unsent =
      cause == CloseCause::kConnectionLost && !ended_by_us && id > connection_->submitted_id();
  const bool refused = cause == CloseCause::kRefused ||
                       (cause == CloseCause::kResetByPeer && code == h2::ErrorCode::kRefusedStream);
  if (!(unsent || refused) || !replayable()) return false;
  return unsent || !std::exchange(retried_, true);
}

void ClientCall::set_closed_status(h2::CloseCause cause, h2::ErrorCode code) {
  using h2::CloseCause;
  switch (cause) {
    case CloseCause::kCompleted:
      set_status(StatusCode::kInternal, "the response ended without a grpc-status");
      break;
    case CloseCause::kResetByPeer:
      // The server's clock, which ends the call for the same reason, may be ahead of our timer.
      if (code == h2::ErrorCode::kCancel && options_.deadline <= channel_->loop().now()) {
        set_status(StatusCode::kDeadlineExceeded, "deadline exceeded");
      }
      set_status(grpc::status_from_reset(static_cast<uint32_t>(code)),
                 "the server reset the stream with " + std::string(h2::error_code_name(code)));
      break;
    case CloseCause::kResetByUs:
      set_status(StatusCode::kInternal, "the server's response was malformed");
      break;
    case CloseCause::kRefused:
      set_status(StatusCode::kUnavailable, "the server is shutting down");
      break;
    case CloseCause::kConnectionLost:
      set_status(StatusCode::kUnavailable, connection_->loss_message());
      break;
  }
}

}  // namespace saker::rpc

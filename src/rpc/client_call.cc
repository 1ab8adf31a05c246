#include "saker/rpc/client_call.h"

#include "saker/grpc/base64.h"
#include "saker/grpc/http.h"
#include "saker/grpc/percent.h"
#include "saker/rpc/channel.h"
#include "saker/rpc/client_connection.h"

namespace saker::rpc {

using grpc::StatusCode;

ClientCall::~ClientCall() {
  if (phase_ != Phase::kIdle) channel_->forget(*this);
}

void ClientCall::start(Channel& channel, const ClientMethod& method, const CallOptions& options) {
  SAKER_DCHECK(phase_ == Phase::kIdle);
  channel_ = &channel;
  method_ = &method;
  options_ = options;
  status_.code = StatusCode::kOk;
  if (!status_.message.empty()) status_ = {};
  if (!initial_metadata_.empty()) initial_metadata_.clear();
  if (!trailing_metadata_.empty()) trailing_metadata_.clear();
  status_set_ = reset_due_ = retried_ = reply_was_compressed_ = false;
  packs_ = true;
  encoding_ = grpc::Compression::kIdentity;
  http_status_ = 0;
  phase_ = Phase::kPending;
  if (options.deadline != kNever) channel.loop().arm(deadline_timer_, options.deadline);
  channel.submit(*this);
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
  connection_ = nullptr;
  phase_ = Phase::kIdle;
  on_done();
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
  channel_->packer().append(options_.compression, message, packed);
  send_chunks(std::move(packed), last);
}

bool ClientCall::request_fits(size_t bytes) {
  const uint32_t limit = channel_->options().max_send_message_bytes;
  if (bytes <= limit) return true;
  fail(StatusCode::kResourceExhausted, "request of " + std::to_string(bytes) +
                                           " bytes is over the limit of " + std::to_string(limit));
  return false;
}

bool ClientCall::unpack(grpc::ReceivedMessage& message) {
  if (encoding_ == grpc::Compression::kIdentity) {
    fail(StatusCode::kInternal, "compressed reply without a grpc-encoding");
    return false;
  }
  const size_t limit = channel_->options().max_receive_message_bytes;
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
  if (event.truncated) {
    return fail(StatusCode::kResourceExhausted, "response metadata is over the limit");
  }
  bool is_grpc = true;
  if (event.kind == h2::HeadersKind::kResponse) {
    http_status_ = event.status;
    is_grpc = false;
  }
  grpc::Metadata& metadata = event.end_stream ? trailing_metadata_ : initial_metadata_;
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
        (void)metadata.add_received(field.name, field.value);
        break;
      default:
        break;
    }
  }
  if (has_status && event.end_stream) return recv_status(event);
  if (http_status_ != 200) {
    return fail(grpc::status_from_http(http_status_),
                "the peer answered HTTP status " + std::to_string(http_status_));
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
  stream_ = nullptr;
  using h2::CloseCause;
  const bool refused = cause == CloseCause::kRefused ||
                       (cause == CloseCause::kResetByPeer && code == h2::ErrorCode::kRefusedStream);
  if (refused && !retried_ && !status_set_ && replayable()) {
    retried_ = true;  // the server never saw it (gRFC A6, transparent retry)
    return connection_->resubmit(*this);
  }
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
  phase_ = Phase::kDone;
  make_ready();
}

}  // namespace saker::rpc

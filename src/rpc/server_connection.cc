#include "saker/rpc/server_connection.h"

#include "saker/grpc/http.h"
#include "saker/grpc/path.h"
#include "saker/grpc/timeout.h"
#include "saker/rpc/dispatcher.h"
#include "saker/rpc/server_loop.h"

namespace saker::rpc {

using grpc::StatusCode;

ServerConnection::ServerConnection(ServerLoop& loop, std::unique_ptr<net::Stream> stream)
    : loop_(loop),
      stream_(std::move(stream)),
      engine_(h2::Role::kServer, loop.options().connection, loop.resources(), *this,
              loop.loop().now()),
      budget_(loop.options().max_connection_memory_bytes),
      messages_{&loop.loop().chunks(), &budget_, loop.options().max_receive_message_bytes} {}

ServerConnection::~ServerConnection() {
  loop_.loop().cancel(*this);
}

void ServerConnection::start() {
  stream_->start(*this);
  schedule();
}

size_t ServerConnection::memory_bytes() const {
  return sizeof *this - sizeof engine_ + engine_.memory_bytes() + stream_->memory_bytes();
}

// ---- turns

void ServerConnection::on_data(Bytes bytes) {
  loop_.counters().bytes_received += bytes.size();
  in_turn_ = true;
  engine_.handle_input(bytes, loop_.loop().now());
  turn();
}

void ServerConnection::on_sent() {
  in_turn_ = true;
  turn();
}

void ServerConnection::run_at_turn_end() {
  in_turn_ = true;
  turn();
}

void ServerConnection::schedule() {
  loop_.loop().at_turn_end(*this);
}

// What follows every input: calls, output, and what the new state asks for. May destroy this.
void ServerConnection::turn() {
  run_ready();
  flush();
  in_turn_ = false;
  arm_timer();
  maybe_destroy();
}

void ServerConnection::run_ready() {
  while (!ready_.empty() && (ended_ || !engine_.output_full())) {
    ServerCall& call = *ready_.try_pop_front();
    call.run_now(loop_.loop().now());
  }
}

void ServerConnection::flush() {
  if (ended_ || stream_->write_in_flight()) return;
  ChunkQueue out(loop_.loop().chunks());
  engine_.take_output(out);
  if (!out.empty()) {
    loop_.counters().bytes_sent += out.size();
    stream_->submit(std::move(out));
  } else if (!engine_.alive() || (engine_.draining() && engine_.open_streams() == 0)) {
    return close_stream();
  } else if (!ready_.empty()) {
    schedule();
  }
  const bool pause = !engine_.wants_read() || engine_.output_full() || !ready_.empty();
  if (pause != reading_paused_) stream_->pause_reading(reading_paused_ = pause);
}

// A timer that fires too early is cheaper than one that is moved on every call.
void ServerConnection::arm_timer() {
  const Time due = engine_.poll_timeout();
  if (ended_ || due == kNever) return;
  if (!armed() || due < deadline()) loop_.loop().arm(*this, due);
}

void ServerConnection::on_timer(Time now) {
  in_turn_ = true;
  engine_.handle_timeout(now);
  turn();
}

// ---- the end

void ServerConnection::on_end(const Error&) {
  ended_ = true;
  engine_.handle_transport_end();
  schedule();
}

void ServerConnection::close_stream() {
  stream_->close();
  ended_ = true;
  engine_.handle_transport_end();
  schedule();
}

void ServerConnection::drain() {
  engine_.start_drain(loop_.loop().now());
  schedule();
}

void ServerConnection::abort(h2::ErrorCode code, const char* why) {
  engine_.shut_down(code, why);
  schedule();
}

void ServerConnection::maybe_destroy() {
  if (ended_ && calls_ == 0) loop_.destroy(*this);
}

// ---- calls

void ServerConnection::add_ready(ServerCall& call) {
  ready_.push_back(call);
  touch();
}

void ServerConnection::count(const ServerCall& call, StatusCode code) {
  loop_.counters().count_call(call.method_ == nullptr ? kNoMethod : call.method_->index(), code);
}

void ServerConnection::expire(ServerCall& call) {
  call.count(StatusCode::kDeadlineExceeded);
  engine_.reset(*call.stream_, h2::ErrorCode::kCancel);
  touch();
}

void ServerConnection::hold_slot(ServerCall& call) {
  call.holds_slot_ = true;
  engine_.hold_slot();
}

void ServerConnection::call_released(bool held_slot) {
  --calls_;
  ++released_calls_;
  if (held_slot) engine_.release_slot();
  if (ended_) schedule();
}

// ---- events of the engine: state changes only

struct ServerConnection::RequestHead {
  const Method* method = nullptr;
  std::string_view path;
  bool is_post = false;
  bool is_grpc = false;
  bool bad_timeout = false;
  bool unsupported_encoding = false;
  Time deadline = kNever;
};

void ServerConnection::on_headers(h2::Stream& stream, const h2::HeadersEvent& event) {
  using hpack::Token;
  if (event.kind == h2::HeadersKind::kTrailers) {  // a client may end its side so; nothing in them is for us
    return static_cast<ServerCall*>(stream.user)->on_data({}, true);
  }
  RequestHead head;
  bool has_metadata = false;
  for (const hpack::Field& field : event.fields) {
    switch (field.token) {
      case Token::kPath:
        head.path = field.value;
        break;
      case Token::kMethod:
        head.is_post = field.value == "POST";
        break;
      case Token::kContentType:
        head.is_grpc = grpc::classify_content_type(field.value) != grpc::ContentType::kNotGrpc;
        break;
      case Token::kGrpcTimeout: {
        const auto timeout = grpc::parse_timeout(field.value);
        head.bad_timeout = !timeout;
        if (timeout) head.deadline = time_after(loop_.loop().now(), *timeout);
        break;
      }
      case Token::kGrpcEncoding:
        head.unsupported_encoding = field.value != "identity";
        break;
      case Token::kOther:
        has_metadata = true;
        break;
      default:
        break;
    }
  }
  if (!head.path.empty()) head.method = loop_.dispatcher().find(head.path);
  ServerCall& call = bind_call(stream, head.method);
  call.context_.deadline_ = head.deadline;
  if (has_metadata) add_metadata(call.context_.metadata_, event.fields);
  refuse_head(call, head, event);
  if (!call.refused()) call.on_head(event.end_stream);
}

void ServerConnection::add_metadata(grpc::Metadata& metadata,
                                    std::span<const hpack::Field> fields) {
  for (const hpack::Field& field : fields) {
    if (field.token == hpack::Token::kOther) {
      (void)metadata.add_received(field.name, field.value);  // a bad -bin value spoils itself only
    }
  }
}

ServerCall& ServerConnection::bind_call(h2::Stream& stream, const Method* method) {
  ServerCall& call = method != nullptr ? *method->get_call(loop_.index()) : loop_.get_refused_call();
  call.method_ = method;
  call.connection_ = this;
  call.stream_ = &stream;
  call.reader_.bind(messages_);
  ServerContext& context = call.context_;
  context.loop_ = &loop_.loop();
  context.peer_ = &stream_->peer();
  context.method_ = method != nullptr ? std::string_view(method->path()) : std::string_view();
  context.received_at_ = loop_.loop().now();
  stream.user = &call;
  stream.credit_on_receipt = method == nullptr || method->kind() == MethodKind::kUnary;
  ++calls_;
  return call;
}

// What HTTP and gRPC forbid in a head, most basic first (gRPC PROTOCOL-HTTP2.md, "Requests" and "Errors").
void ServerConnection::refuse_head(ServerCall& call, const RequestHead& head,
                                   const h2::HeadersEvent& event) {
  const auto refuse_http = [&](int status) {
    call.http_status_ = status;
    call.refuse(StatusCode::kInternal, "");
  };
  if (event.truncated) {
    return call.refuse(StatusCode::kResourceExhausted, "request metadata is over the limit");
  }
  if (!head.is_post) return refuse_http(405);
  if (!head.is_grpc) return refuse_http(415);
  if (head.bad_timeout) return call.refuse(StatusCode::kInternal, "malformed grpc-timeout");
  if (head.method == nullptr) {
    const auto path = grpc::split_path(head.path);
    if (!path) return call.refuse(StatusCode::kUnimplemented, "malformed :path");
    const bool known = loop_.dispatcher().has_service(path->service);
    return call.refuse(StatusCode::kUnimplemented,
                       known ? "unknown method " + std::string(path->method) + " of service " +
                                   std::string(path->service)
                             : "unknown service " + std::string(path->service));
  }
  if (head.unsupported_encoding) {
    (void)call.context_.initial_metadata().add_received("grpc-accept-encoding", "identity");
    return call.refuse(StatusCode::kUnimplemented, "unsupported grpc-encoding");
  }
}

void ServerConnection::on_data(h2::Stream& stream, Bytes data, bool end_stream) {
  auto& call = *static_cast<ServerCall*>(stream.user);
  call.context_.received_at_ = loop_.loop().now();
  call.on_data(data, end_stream);
}

void ServerConnection::on_stream_closed(h2::Stream& stream, h2::CloseCause cause, h2::ErrorCode) {
  static_cast<ServerCall*>(stream.user)->close(cause);
}

void ServerConnection::on_stream_drained(h2::Stream& stream) {
  static_cast<ServerCall*>(stream.user)->on_drained();
}

void ServerConnection::on_ping(uint64_t) {}
void ServerConnection::on_ping_ack(uint64_t) {}

}  // namespace saker::rpc

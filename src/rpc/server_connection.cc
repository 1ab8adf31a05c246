#include "saker/rpc/server_connection.h"

#include <cerrno>

#include "saker/net/failure_text.h"
#include "saker/rpc/dispatcher.h"
#include "saker/rpc/request_head.h"
#include "saker/rpc/server_loop.h"

namespace saker::rpc {
namespace {

constexpr size_t kNoMethod = SIZE_MAX;
constexpr Duration kLastWords = std::chrono::seconds(1);  // for a GOAWAY to be taken

}  // namespace

using grpc::StatusCode;

ServerConnection::ServerConnection(ServerLoop& loop, std::unique_ptr<net::Stream> stream)
    : loop_(loop),
      stream_(std::move(stream)),
      engine_(h2::Role::kServer, loop.options().connection, loop.resources(), *this,
              loop.loop().now()),
      input_(loop.options().turn),
      budget_(loop.options().max_connection_memory_bytes),
      messages_{&loop.loop().chunks(), &budget_, loop.options().max_receive_message_bytes},
      transport_(counted_transport(stream_->peer().transport)),
      keepalive_(loop.options().keepalive, loop.loop().now()),
      ping_policy_(loop.options().pings),
      age_(loop.options().age, loop.loop().now(), loop.loop().random()),
      active_at_(loop.loop().now()) {}

ServerConnection::~ServerConnection() {
  engine_.handle_transport_end();
  loop_.counters().invariants_broken += engine_.counters().invariants_broken;
  loop_.loop().cancel(*this);
}

void ServerConnection::start() {
  stream_->start(*this);
  schedule();
}

// ---- turns

void ServerConnection::on_data(Bytes bytes) {
  if (!has_received_) note_first_bytes(bytes);
  loop_.counters().bytes_received += bytes.size();
  active_at_ = loop_.loop().now();
  keepalive_.on_activity(active_at_);
  in_turn_ = true;
  input_.begin(loop_.loop().turn_number());
  input_.take(engine_, bytes, loop_.loop().chunks(), loop_.loop().now());
  turn();
}

// The engine refuses what is no HTTP/2; that it is TLS is worth a word to whoever has set it up so.
void ServerConnection::note_first_bytes(Bytes first) {
  has_received_ = true;
  if (peer().is_tls || !net::begins_tls(first)) return;
  loop_.report_peer(peer(), net::unexpected_tls_text("the client"));
}

// Most often nothing has gathered meanwhile, and that is the end of it.
void ServerConnection::on_sent() {
  close_by_ = kNever;
  const bool has_more =
      engine_.wants_write() || !ready_.empty() || !blocked_.empty() || !held_back_.empty();
  if (!has_more && !reading_paused_ && engine_.alive() && !engine_.draining()) return;
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
  if (too_many_pings_) engine_.shut_down(h2::ErrorCode::kEnhanceYourCalm, "too_many_pings");
  if (input_.begin(loop_.loop().turn_number()) && is_behind()) [[unlikely]]
    catch_up();
  run_ready();
  flush();
  if (input_.has_enough() || is_behind()) [[unlikely]]
    continue_in_next_turn();
  in_turn_ = false;
  arm_timer();
  maybe_destroy();
}

// What earlier turns have left.
void ServerConnection::catch_up() {
  if (unpacking_ != nullptr) unpacking_->go_on_unpacking();
  if (input_.has_rest() && may_take_input()) input_.take_rest(engine_, loop_.loop().now());
}

// After the other connections have had theirs.
void ServerConnection::continue_in_next_turn() {
  if (ended_ || engine_.output_full()) return;  // on_sent() goes on
  const bool has_input = unpacking_ != nullptr || (input_.has_rest() && may_take_input());
  if (!ready_.empty() || has_input) loop_.loop().at_next_turn_end(*this);
}

Unpacked ServerConnection::unpack_some(Unpacking& unpacking) {
  size_t most = input_.bytes_left();
  const Unpacked result = unpacking.go_on(most);
  input_.count_bytes(engine_, input_.bytes_left() - most);
  return result;
}

bool ServerConnection::may_take_input() const {
  return engine_.wants_read() && !engine_.output_full() && ready_.empty() && unpacking_ == nullptr;
}

void ServerConnection::run_ready() {
  if (!held_back_.empty() && !engine_.unsent_full()) release_held_back();
  while (!ready_.empty() && (ended_ || (!engine_.output_full() && !input_.has_enough()))) {
    ServerCall& call = *ready_.try_pop_front();
    if (engine_.unsent_full() && call.is_new() && !ended_) [[unlikely]] {
      hold_back(call);
    } else {
      call.run_now(loop_.loop().now());
    }
  }
}

void ServerConnection::flush() {
  if (ended_) return;
  if (!stream_->write_in_flight() && !write_output()) return close_stream();
  const bool pause = !may_take_input() || input_.has_rest();
  if (pause != reading_paused_) pause_reading(pause);
}

// False: all has been said.
bool ServerConnection::write_output() {
  ChunkQueue out(loop_.loop().chunks());
  engine_.take_output(out, loop_.loop().now());
  ready_.splice_back(blocked_);
  if (!out.empty()) {
    loop_.counters().bytes_sent += out.size();
    stream_->submit(std::move(out));
    unsent_then_ = stream_->unsent_bytes();
    const Duration patience = engine_.alive() ? loop_.options().write_stall_timeout : kLastWords;
    close_by_ = time_after(loop_.loop().now(), patience);
  } else if (!engine_.alive() || (engine_.draining() && engine_.open_streams() == 0)) {
    return false;
  } else if (!ready_.empty()) {
    schedule();
  }
  return true;
}

// ---- the end

void ServerConnection::on_end(const Error& error) {
  if (peer().is_tls && error.system_error == EPROTO) {
    loop_.counters().tls_failures += 1;
    loop_.report_peer(peer(), error.message);
  }
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
  age_.stop();
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

void ServerConnection::add_ready_first(ServerCall& call) {
  ready_.push_front(call);
  touch();
}

void ServerConnection::track_running(ServerCall& call) {
  loop_.track_running(call);
}

void ServerConnection::count(const ServerCall& call, StatusCode code, Duration duration) {
  const size_t method = call.method_ == nullptr ? kNoMethod : call.method_->index();
  loop_.counters().calls(method, transport_).count(code, duration);
  if (loop_.should_log()) log_call(call, code, duration);
}

void ServerConnection::log_call(const ServerCall& call, StatusCode code, Duration duration) {
  CallRecord* record = loop_.call_ring().try_begin();
  if (record == nullptr) {
    loop_.counters().records_dropped += 1;
    return;
  }
  record->received_wall_ns = loop_.loop().wall_ns(call.context_.started_at_);
  record->duration_ns = static_cast<uint64_t>(std::max<int64_t>(duration.count(), 0));
  record->request_bytes = call.request_wire_bytes_;
  record->reply_bytes = call.reply_wire_bytes_;
  record->method = call.method_ == nullptr ? UINT32_MAX : call.method_->index();
  record->loop = static_cast<uint32_t>(loop_.index());
  record->code = code;
  record->transport = peer().transport;
  record->peer.assign(peer().name);
  const tls::PeerIdentity* identity = peer().identity;
  record->identity.assign(identity == nullptr ? std::string_view() : identity->name());
  record->traceparent.assign(call.context_.metadata_.find("traceparent").value_or(""));
  loop_.call_ring().publish();
  loop_.counters().records_logged += 1;
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
  if (--calls_ == 0) age_.on_idle(loop_.loop().now());
  loop_.counters().calls_open -= 1;
  if (held_slot) engine_.release_slot();
  // A handler may end outside of any turn: idleness begins with the last one.
  if (ended_ || calls_ == 0) touch();
}

// ---- events of the engine: state changes only

void ServerConnection::on_headers(h2::Stream& stream, const h2::HeadersEvent& event) {
  // A client may end its side so; nothing in them is for us.
  if (event.kind == h2::HeadersKind::kTrailers) {
    return static_cast<ServerCall*>(stream.user)->on_data({}, true);
  }
  if (loop_.memory().refuses_calls()) [[unlikely]] {
    return refuse_for_memory(stream);
  }
  if (event.memo != nullptr && event.memo->user != nullptr) {
    const auto* method = static_cast<const Method*>(event.memo->user);
    return bind_call(stream, method).on_head(event.end_stream);
  }
  const RequestHead head = read_request_head(event.fields, loop_.loop().now());
  const Method* method = head.path.empty() ? nullptr : loop_.dispatcher().find(head.path);
  ServerCall& call = bind_call(stream, method);
  call.context_.deadline_ = head.deadline;
  if (head.has_metadata) add_metadata(call.context_.metadata_, event.fields);
  note_compression(call, head);
  refuse_head(call, head, event);
  if (call.refused()) return;
  // A head that says no more than its method: the method is all there is to know next time.
  const bool usual =
      head.encoding == grpc::Compression::kIdentity && head.accepted == compression_.accepted;
  if (event.memo != nullptr && head.deadline == kNever && !head.has_metadata && usual) {
    event.memo->user = method;
  }
  call.on_head(event.end_stream);
}

Packer& ServerConnection::packer() {
  return loop_.packer();
}

ServerCall& ServerConnection::bind_call(h2::Stream& stream, const Method* method) {
  idle_check_at_ = kNever;
  ServerCall& call =
      method != nullptr ? *method->get_call(loop_.index()) : loop_.get_refused_call();
  call.method_ = method;
  call.connection_ = this;
  call.stream_ = &stream;
  call.max_reply_bytes_ = loop_.options().max_send_message_bytes;
  call.reader_.bind(messages_);
  ServerContext& context = call.context_;
  context.loop_ = &loop_.loop();
  context.peer_ = &stream_->peer();
  context.compression_ = compression_;
  context.method_ = method != nullptr ? std::string_view(method->path()) : std::string_view();
  context.started_at_ = context.received_at_ = loop_.loop().now();
  stream.user = &call;
  stream.credit_on_receipt = method == nullptr || method->kind() == MethodKind::kUnary;
  ++calls_;
  loop_.counters().calls_open += 1;
  return call;
}

void ServerConnection::on_data(h2::Stream& stream, Bytes data, bool end_stream) {
  auto& call = *static_cast<ServerCall*>(stream.user);
  call.context_.received_at_ = loop_.loop().now();
  call.request_wire_bytes_ += data.size();
  call.on_data(data, end_stream);
}

void ServerConnection::on_stream_closed(h2::Stream& stream, h2::CloseCause cause, h2::ErrorCode) {
  static_cast<ServerCall*>(stream.user)->close(cause);
}

void ServerConnection::on_stream_drained(h2::Stream& stream) {
  static_cast<ServerCall*>(stream.user)->on_drained();
}

void ServerConnection::on_ping(uint64_t) {
  const net::Transport transport = stream_->peer().transport;
  const bool is_local = transport != net::Transport::kTcp;
  // A large message goes out over many turns, and its receiver measures bandwidth all the while.
  if (engine_.data_frames_sent() != data_frames_at_ping_) ping_policy_.on_sent();
  data_frames_at_ping_ = engine_.data_frames_sent();
  too_many_pings_ = !ping_policy_.allow(loop_.loop().now(), is_local, calls_ != 0);
}
void ServerConnection::on_ping_ack(uint64_t) {}

}  // namespace saker::rpc

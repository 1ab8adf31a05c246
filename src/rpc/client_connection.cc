#include "saker/rpc/client_connection.h"

#include <array>

#include "saker/grpc/timeout.h"
#include "saker/net/failure_text.h"
#include "saker/rpc/call_policy.h"
#include "saker/rpc/channel.h"
#include "saker/rpc/retry_rules.h"
#include "saker/rpc/subchannel.h"

namespace saker::rpc {
namespace {

constexpr uint64_t kClientPing = 0x73616b65'726b6565;  // "sakerkee"

// As SETTINGS_MAX_HEADER_LIST_SIZE counts it (RFC 9113 section 6.5.2).
size_t list_bytes(std::span<const hpack::OutField> fields) {
  constexpr size_t kBytesAField = 32;
  size_t bytes = 0;
  for (const hpack::OutField& field : fields) {
    bytes += field.name.size() + field.value.size() + kBytesAField;
  }
  return bytes;
}

}  // namespace

ClientConnection::ClientConnection(Channel& channel, Subchannel& subchannel,
                                   std::unique_ptr<net::Stream> stream, Time begun)
    : channel_(channel),
      subchannel_(subchannel),
      stream_(std::move(stream)),
      engine_(h2::Role::kClient, channel.options().connection, channel.resources(), *this,
              channel.loop().now()),
      budget_(channel.options().max_connection_memory_bytes),
      messages_{&channel.loop().chunks(), &budget_, channel.options().max_receive_message_bytes},
      keepalive_(subchannel.keepalive(), channel.loop().now()),
      peer_name_(stream_->peer().name),
      begun_(begun) {
  if (const std::string* service = channel.health_service()) {
    is_healthy_ = false;
    health_ = std::make_unique<HealthCheck>(channel, *this, *service);
  }
}

ClientConnection::~ClientConnection() {
  channel_.loop().cancel(*this);
}

void ClientConnection::start() {
  stream_->start(*this);
  schedule();
}

// ---- turns

void ClientConnection::on_data(Bytes bytes) {
  if (!has_received_ && is_for_tls(bytes)) return close();
  in_turn_ = true;
  channel_.count_received(bytes.size());
  keepalive_.on_activity(channel_.loop().now());
  engine_.handle_input(bytes, channel_.loop().now());
  turn();
}

// A TLS server answers our preface with an alert.
bool ClientConnection::is_for_tls(Bytes first) {
  has_received_ = true;
  if (stream_->peer().is_tls || !net::begins_tls(first)) return false;
  loss_reason_ = " (" + net::unexpected_tls_text("the server") + ")";
  return true;
}

void ClientConnection::on_sent() {
  turn();
}

void ClientConnection::schedule() {
  channel_.loop().at_turn_end(*this);
}

// What follows every input: ends of calls, then output. May destroy this.
void ClientConnection::turn() {
  in_turn_ = true;
  // Its stream would keep a connection that is to end (gRFC A17: nobody waits for its status).
  if (health_ != nullptr && !usable()) [[unlikely]]
    health_->stop();
  run_ready();
  if (health_ != nullptr) [[unlikely]]
    health_->start_if_due();
  if (std::exchange(capacity_grew_, false) && usable()) channel_.start_pending();
  // Calls that ended as they were opened, their requests being over a limit.
  if (!ready_.empty()) schedule();
  flush();
  in_turn_ = false;
  arm_timer();
  if (ended_ && ready_.empty() && engine_.open_streams() == 0) subchannel_.connection_ended(*this);
}

// A call that is started again from on_done() and fails at once waits
// for the next round: the loop must turn.
void ClientConnection::run_ready() {
  IntrusiveList<ClientCall, CallListTag> due;
  due.splice_back(ready_);
  while (ClientCall* call = due.try_pop_front()) run_call(*call);
}

void ClientConnection::run_call(ClientCall& call) {
  if (call.reset_due_ && call.stream_ != nullptr) {
    engine_.reset(*call.stream_, h2::ErrorCode::kCancel);
    call.unlink();
  }
  if (call.phase_ == ClientCall::Phase::kDone) return call.finish();
  call.run();
}

void ClientConnection::flush() {
  if (ended_) return;
  if (!stream_->write_in_flight() && !write_output()) return close();
  const bool pause = !engine_.wants_read();
  if (pause != reading_paused_) pause_reading(pause);
}

// What the server has said since we do not know: it is late with nothing.
void ClientConnection::pause_reading(bool paused) {
  const Time now = channel_.loop().now();
  reading_paused_ = paused;
  stream_->pause_reading(paused);
  if (paused) return engine_.pause_input(now);
  engine_.resume_input(now);
  keepalive_.on_activity(now);
}

// False: all has been said.
bool ClientConnection::write_output() {
  ChunkQueue out(channel_.loop().chunks());
  engine_.take_output(out, channel_.loop().now());
  ready_.splice_back(blocked_);
  if (out.empty()) {
    return engine_.alive() && !(engine_.draining() && engine_.open_streams() == 0);
  }
  submitted_id_ = opened_id_;
  channel_.count_sent(out.size());
  stream_->submit(std::move(out));
  return true;
}

void ClientConnection::arm_timer() {
  const bool has_calls = engine_.open_streams() != 0;
  const Time ping_due = reading_paused_ ? kNever : keepalive_.poll_timeout(has_calls);
  const Time due = std::min({engine_.poll_timeout(), ping_due, retire_at_});
  if (ended_ || due == kNever) return;
  if (!armed() || due < deadline()) channel_.loop().arm(*this, due);
}

void ClientConnection::on_timer(Time now) {
  engine_.handle_timeout(now);
  auto action = Keepalive::Action::kNone;
  if (!reading_paused_) action = keepalive_.handle_timeout(now, engine_.open_streams() != 0);
  if (action == Keepalive::Action::kSendPing) engine_.send_ping(kClientPing);
  if (action == Keepalive::Action::kDead) {
    loss_reason_ += " (no answer to keepalive pings)";
    return close();
  }
  if (now >= retire_at_) retire();
  turn();
}

// ---- the end

std::string ClientConnection::loss_message() const {
  const h2::ConnectionError& broken = engine_.error();
  const std::string lost = "the connection to " + subchannel_.name() + " was lost";
  if (broken.code == h2::ErrorCode::kNoError) return lost + loss_reason_;
  const std::string reason = std::string(h2::error_code_name(broken.code)) + ", " + broken.why;
  return lost + ": " + reason +
         (engine_.peer_settings_received() ? "" : "; is it an HTTP/2 server?");
}

void ClientConnection::on_end(const Error& error) {
  if (loss_reason_.empty()) loss_reason_ = " (" + error.message + ")";
  ended_ = true;
  engine_.handle_transport_end();
  schedule();
}

void ClientConnection::drain() {
  engine_.start_drain(channel_.loop().now());
  schedule();
}

void ClientConnection::retire() {
  retire_at_ = kNever;
  if (!usable()) return;
  retired_ = true;
  engine_.start_drain(channel_.loop().now());
  channel_.connection_draining();
}

void ClientConnection::close() {
  if (ended_) return;
  stream_->close();
  ended_ = true;
  engine_.handle_transport_end();
  schedule();
}

// ---- calls

hpack::CachedBlock& ClientConnection::cache_for(const ClientMethod& method) {
  if (method.index() >= caches_.size()) caches_.resize(method.index() + 1);
  return caches_[method.index()];
}

void ClientConnection::open(ClientCall& call) {
  const std::array<hpack::OutField, 8> constant =
      channel_.request_head(*call.method_, subchannel_.authority());
  std::vector<hpack::OutField> custom;
  std::string scratch;
  std::span<const hpack::OutField> varying;
  char timeout[grpc::kMaxTimeoutBytes];
  hpack::OutField timeout_field;
  const bool has_metadata = call.options_.metadata != nullptr && !call.options_.metadata->empty();
  const bool packs = call.options_.compression != grpc::Compression::kIdentity;
  const bool is_retry = call.previous_attempts_ != 0;
  const std::string attempts = is_retry ? std::to_string(call.previous_attempts_) : std::string();
  if (call.options_.deadline != kNever) {
    const Duration left = call.options_.deadline - channel_.loop().now();
    timeout_field = {"grpc-timeout", {timeout, grpc::encode_timeout(left, timeout)}};
    varying = {&timeout_field, 1};
  }
  if (has_metadata || packs || is_retry) {
    custom.assign(varying.begin(), varying.end());
    if (packs) {
      custom.push_back({"grpc-encoding", grpc::compression_name(call.options_.compression)});
    }
    if (is_retry) custom.push_back({"grpc-previous-rpc-attempts", attempts});
    if (has_metadata) {
      const auto add = [&](std::string_view name, std::string_view value) {
        custom.push_back({name, value});
      };
      call.options_.metadata->each_wire(scratch, add);
    }
    varying = custom;
    // The limit is advice, but some servers end the connection,
    // and all calls on it, where it is not taken.
    const uint32_t limit = engine_.peer_settings().max_header_list_size;
    if (list_bytes(constant) + list_bytes(varying) > limit) {
      return call.fail(
          grpc::StatusCode::kResourceExhausted,
          "request metadata is over the server's limit of " + std::to_string(limit) + " bytes");
    }
  }
  touch();
  h2::Stream* stream = engine_.open_stream(constant, cache_for(*call.method_), varying, false,
                                           channel_.loop().now());
  stream->user = &call;
  call.stream_ = stream;
  call.connection_ = this;
  call.phase_ = ClientCall::Phase::kOpen;
  if (call.peer_name_ != peer_name_) call.peer_name_ = peer_name_;
  opened_id_ = stream->id;
  call.reader_.bind(call.policy_ == nullptr ? messages_ : call.policy_->messages(messages_));
  call.on_open();
  const uint64_t most = channel_.options().connection_calls;
  if (most != 0 && calls() >= most) retire();
}

void ClientConnection::resubmit(ClientCall& call) {
  call.rewind();
  channel_.resubmit(call);
}

void ClientConnection::abandon(ClientCall& call) {
  h2::Stream& stream = *call.stream_;
  stream.user = nullptr;
  touch();
  engine_.reset(stream, h2::ErrorCode::kCancel);
}

// ---- health

const std::string& ClientConnection::backend_name() const {
  return subchannel_.name();
}

void ClientConnection::open_watch(ClientCall& watch, const ClientMethod& method) {
  watch.prepare(channel_, method, {});
  watch.hooks_ = nullptr;
  ++watches_;
  watch_is_open_ = true;
  open(watch);
}

void ClientConnection::health_changed() {
  is_healthy_ = health_->state() == HealthCheck::State::kHealthy;
  if (is_healthy_) {
    capacity_grew_ = true;
    channel_.backend_healthy();
  } else if (is_unhealthy()) {
    channel_.backend_unhealthy(health_->why());
  }
}

// ---- events of the engine: state changes only

void ClientConnection::on_headers(h2::Stream& stream, const h2::HeadersEvent& event) {
  static_cast<ClientCall*>(stream.user)->recv_headers(event);
}

void ClientConnection::on_data(h2::Stream& stream, Bytes data, bool end_stream) {
  static_cast<ClientCall*>(stream.user)->on_data(data, end_stream);
}

void ClientConnection::on_stream_closed(h2::Stream& stream, h2::CloseCause cause,
                                        h2::ErrorCode code) {
  capacity_grew_ = capacity_grew_ || channel_.has_pending();
  if (watch_is_open_ && health_->is_user(stream.user)) [[unlikely]]
    watch_is_open_ = false;
  if (stream.user != nullptr) static_cast<ClientCall*>(stream.user)->stream_closed(cause, code);
}

void ClientConnection::on_stream_drained(h2::Stream& stream) {
  static_cast<ClientCall*>(stream.user)->on_drained();
}

void ClientConnection::on_peer_settings() {
  if (!std::exchange(is_known_ready_, true)) begin_life();
  subchannel_.connection_ready();
  capacity_grew_ = true;
}

// What a tenth more or less is good for: connections of one age do not all go at once.
void ClientConnection::begin_life() {
  const ChannelOptions& options = channel_.options();
  const Time now = channel_.loop().now();
  if (options.connection_age != Duration::max()) {
    const double share = 0.9 + 0.2 * unit_interval(channel_.loop().random());
    const auto age = static_cast<double>(options.connection_age.count()) * share;
    retire_at_ = time_after(now, Duration(static_cast<int64_t>(age)));
  }
  if (options.observer != nullptr) options.observer->on_connected(now - begun_);
}

void ClientConnection::on_goaway(h2::StreamId, h2::ErrorCode code, std::string_view debug) {
  if (code == h2::ErrorCode::kEnhanceYourCalm && debug == "too_many_pings") {
    subchannel_.back_off_keepalive();
  }
  // One that took no call ends at once, and its end says whether there is another attempt.
  if (calls() != 0) channel_.connection_draining();
  loss_reason_ = ": the server is going away, ";  // the last GOAWAY is the one that counts
  loss_reason_ += h2::error_code_name(code);
  if (!debug.empty()) loss_reason_.append(", ").append(debug.substr(0, 200));
}

}  // namespace saker::rpc

#include "saker/rpc/channel.h"

#include <algorithm>
#include <atomic>

#include "saker/net/tls_stream.h"

namespace saker::rpc {
namespace {

const std::string_view kAcceptedEncodings = grpc::encode_accept_encoding(supported_compressions());

// RFC 9113 section 8.3.1. What has no host name of its own is "localhost".
std::string authority_of(const net::Address& target) {
  if (target.transport != net::Transport::kTcp) return "localhost";
  const bool is_ipv6 = target.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
}

std::string tls_name_of(const net::Address& target) {
  return target.transport == net::Transport::kTcp ? target.host : "localhost";
}

bool uses_vsock(const net::Address& target) {
  return target.transport == net::Transport::kVsock ||
         target.transport == net::Transport::kVsockMux;
}

}  // namespace

ClientMethod::ClientMethod(std::string path, MethodKind kind)
    : path_(std::move(path)), kind_(kind) {
  static std::atomic<size_t> next_index{0};
  index_ = next_index.fetch_add(1, std::memory_order_relaxed);
}

// One attempt to connect.
class Channel::Attempt final : public net::ConnectEvents {
 public:
  explicit Attempt(Channel& channel) : channel_(channel) {
    connecting_ = channel.loop_.connect(channel.target_, channel.options_.connect, *this);
  }
  void on_connect(Result<std::unique_ptr<net::Stream>> result) override {
    channel_.on_connect(*this, std::move(result));
  }

 private:
  Channel& channel_;
  std::unique_ptr<net::ConnectAttempt> connecting_;
};

Channel::Channel(net::Loop& loop, net::Address target, const ChannelOptions& options)
    : loop_(loop),
      target_(std::move(target)),
      options_(options),
      target_name_(net::to_string(target_)),
      keepalive_(uses_vsock(target_) && options.keepalive.time == Duration::max()
                     ? options.vsock_keepalive
                     : options.keepalive),
      authority_(options.authority.empty() ? authority_of(target_) : options.authority) {
  if (options_.connect_eagerly) connect_more();
}

Channel::~Channel() {
  close();
  loop_.cancel(*this);
  for (auto& connection : connections_) connection->finish_calls();
  finish_calls();
  // What on_done() of a call that the close ended has started: there is nothing left to end it.
  while (ClientCall* call = finished_.try_pop_front()) {
    loop_.cancel(call->deadline_timer_);
    call->phase_ = ClientCall::Phase::kIdle;
  }
}

void Channel::close() {
  closed_ = true;
  attempts_.clear();
  for (auto& connection : connections_) connection->close();
  fail_pending("the channel was closed", true);
}

size_t Channel::ready_connections() const {
  return static_cast<size_t>(std::count_if(connections_.begin(), connections_.end(), [](auto& c) {
    return c->usable() && c->has_been_ready();
  }));
}

std::array<hpack::OutField, 8> Channel::request_head(const ClientMethod& method) const {
  return {{{":method", "POST"},
           {":scheme", options_.tls ? "https" : "http"},
           {":path", method.path()},
           {":authority", authority_},
           {"te", "trailers"},
           {"content-type", "application/grpc"},
           {"grpc-accept-encoding", kAcceptedEncodings},
           {"user-agent", options_.user_agent}}};
}

// The server thinks that we ping too often (gRFC A8).
void Channel::back_off_keepalive() {
  if (keepalive_.time < Duration::max() / 2) keepalive_.time *= 2;
}

// ---- calls

void Channel::submit(ClientCall& call) {
  if (pending_.empty()) {
    if (ClientConnection* connection = pick()) return connection->open(call);
  }
  queue_pending(call);
  const bool backing_off = loop_.now() < retry_at_ && connections_.empty() && attempts_.empty();
  if (closed_ || (backing_off && !call.options_.wait_for_ready)) {
    return call.fail(grpc::StatusCode::kUnavailable,
                     closed_ ? "the channel was closed" : last_error_);
  }
  connect_more();
}

void Channel::queue_pending(ClientCall& call) {
  pending_.push_back(call);
}

// The call has got its status while it waited for a connection.
void Channel::end_pending(ClientCall& call) {
  call.unlink();
  call.phase_ = ClientCall::Phase::kDone;
  finished_.push_back(call);
  loop_.at_turn_end(*this);
}

// The call's object is being destroyed before its end.
void Channel::forget(ClientCall& call) {
  call.unlink();
  if (call.deadline_timer_.armed()) loop_.cancel(call.deadline_timer_);
  if (call.stream_ != nullptr) call.connection_->abandon(call);
}

void Channel::start_pending() {
  while (!pending_.empty()) {
    ClientConnection* connection = pick();
    if (connection == nullptr) break;
    connection->open(*pending_.try_pop_front());
  }
  if (!pending_.empty()) connect_more();
}

ClientConnection* Channel::pick() {
  ClientConnection* best = nullptr;
  size_t fewest = SIZE_MAX;
  for (const auto& connection : connections_) {
    const size_t open = connection->open_streams();
    if (open < fewest && connection->can_open()) {
      best = connection.get();
      fewest = open;
    }
  }
  return best;
}

void Channel::run_at_turn_end() {
  finish_calls();
  ended_.clear();
}

// A call that is started again from on_done() and fails at once waits
// for the next round: the loop must turn.
void Channel::finish_calls() {
  IntrusiveList<ClientCall, CallListTag> finished;
  finished.splice_back(finished_);
  while (ClientCall* call = finished.try_pop_front()) call->finish();
}

// ---- connections

// One more connection where one is wanted: the first, or when the present ones
// have no room; all of them if eager.
void Channel::connect_more() {
  if (closed_) return;
  if (is_used_up()) {
    return fail_pending(target_name_ + " was one connection, and that has ended", true);
  }
  const size_t usable = static_cast<size_t>(
      std::count_if(connections_.begin(), connections_.end(), [](auto& c) { return c->usable(); }));
  if (loop_.now() < retry_at_) {
    if (!armed()) loop_.arm(*this, retry_at_);
    return;
  }
  const size_t have = usable + attempts_.size();
  const bool handshaking = ready_connections() < have;
  if (!options_.connect_eagerly && handshaking) return;
  const size_t most = target_.transport == net::Transport::kFd ? 1 : options_.connections;
  const size_t wanted = options_.connect_eagerly ? most : std::min(have + 1, most);
  has_tried_ |= wanted > have;
  for (size_t count = have; count < wanted; ++count) {
    attempts_.push_back(std::make_unique<Attempt>(*this));
  }
}

// An inherited descriptor is one connection. Once that is closed, its number may be anybody's.
bool Channel::is_used_up() const {
  return target_.transport == net::Transport::kFd && has_tried_ && connections_.empty() &&
         attempts_.empty();
}

void Channel::on_timer(Time) {
  if (!pending_.empty() || options_.connect_eagerly) connect_more();
}

void Channel::on_connect(Attempt& attempt, Result<std::unique_ptr<net::Stream>> result) {
  const auto at = std::find_if(attempts_.begin(), attempts_.end(),
                               [&](auto& other) { return other.get() == &attempt; });
  const std::unique_ptr<Attempt> done = std::move(*at);
  attempts_.erase(at);
  if (!result) return connect_failed(result.error().message);
  connections_.push_back(std::make_unique<ClientConnection>(*this, secure(*std::move(result))));
  connections_.back()->start();
}

std::unique_ptr<net::Stream> Channel::secure(std::unique_ptr<net::Stream> stream) {
  if (!options_.tls) return stream;
  const std::string& asked = options_.tls_server_name;
  return std::make_unique<net::TlsStream>(loop_, std::move(stream), options_.tls,
                                          asked.empty() ? tls_name_of(target_) : asked,
                                          &tls_sessions_, options_.tls_stream);
}

void Channel::connection_ready() {
  backoff_ = Duration{0};
  retry_at_ = Time{};
  first_failure_ = kNever;
}

void Channel::connection_ended(ClientConnection& connection) {
  const auto at = std::find_if(connections_.begin(), connections_.end(),
                               [&](auto& other) { return other.get() == &connection; });
  if (at == connections_.end()) return;
  // A server that accepts and goes away at once, over and over, is one that cannot be reached.
  unused_in_a_row_ = connection.has_opened_calls() ? 0 : unused_in_a_row_ + 1;
  const bool was_ready = connection.has_been_ready() && unused_in_a_row_ < 2;
  const std::string why = connection.loss_message();
  ended_.push_back(std::move(*at));
  connections_.erase(at);
  loop_.at_turn_end(*this);
  if (!was_ready) return connect_failed(why);
  if (!pending_.empty() || options_.connect_eagerly) connect_more();
}

void Channel::connect_failed(const std::string& why) {
  if (closed_) return;
  last_error_ = why;
  if (first_failure_ == kNever) first_failure_ = loop_.now();
  const bool is_vsock = uses_vsock(target_);
  const bool is_early = loop_.now() - first_failure_ < options_.vsock_early_retry_for;
  retry_at_ = loop_.now() + next_backoff(is_vsock && is_early);
  const bool others =
      std::any_of(connections_.begin(), connections_.end(), [](auto& c) { return c->usable(); });
  if (!others && attempts_.empty()) fail_pending(why, false);
  if (!pending_.empty() || options_.connect_eagerly) loop_.arm(*this, retry_at_);
}

void Channel::fail_pending(const std::string& why, bool all) {
  pending_.for_each([&](ClientCall& call) {
    if (all || !call.options_.wait_for_ready) call.fail(grpc::StatusCode::kUnavailable, why);
  });
}

Duration Channel::next_backoff(bool is_early_vsock) {
  if (is_early_vsock) return options_.vsock_early_retry;
  backoff_ =
      backoff_ == Duration{0}
          ? options_.initial_backoff
          : std::min(options_.max_backoff,
                     std::chrono::duration_cast<Duration>(backoff_ * options_.backoff_multiplier));
  const double unit = static_cast<double>(loop_.random() >> 11) / 9007199254740992.0;  // [0, 1)
  const double jitter = 1.0 + options_.backoff_jitter * (2.0 * unit - 1.0);
  return std::chrono::duration_cast<Duration>(backoff_ * jitter);
}

}  // namespace saker::rpc

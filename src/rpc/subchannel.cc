#include "saker/rpc/subchannel.h"

#include <algorithm>

#include "saker/rpc/channel.h"

namespace saker::rpc {
namespace {

bool uses_vsock(const net::Address& address) {
  return address.transport == net::Transport::kVsock ||
         address.transport == net::Transport::kVsockMux;
}

const KeepaliveOptions& keepalive_for(const net::Address& address, const ChannelOptions& options) {
  const bool unset = options.keepalive.time == Duration::max();
  return uses_vsock(address) && unset ? options.vsock_keepalive : options.keepalive;
}

// "10.0.0.1:50051 (example.org:50051)".
std::string name_of(const net::Address& address, const std::string& target) {
  const std::string text = net::to_string(address);
  return text == target ? text : text + " (" + target + ")";
}

}  // namespace

// One attempt to connect.
class Subchannel::Attempt final : public net::ConnectEvents {
 public:
  explicit Attempt(Subchannel& subchannel)
      : begun(subchannel.channel_.loop().now()), subchannel_(subchannel) {
    Channel& channel = subchannel.channel_;
    connecting_ = channel.loop().connect(subchannel.address_, channel.options().connect, *this);
  }
  void on_connect(Result<std::unique_ptr<net::Stream>> result) override {
    subchannel_.on_connect(*this, std::move(result));
  }

  const Time begun;

 private:
  Subchannel& subchannel_;
  std::unique_ptr<net::ConnectAttempt> connecting_;
};

Subchannel::Subchannel(Channel& channel, net::Address address, const std::string& target,
                       std::string authority)
    : channel_(channel),
      address_(std::move(address)),
      name_(name_of(address_, target)),
      authority_(std::move(authority)),
      keepalive_(keepalive_for(address_, channel.options())) {}

Subchannel::~Subchannel() = default;

void Subchannel::back_off_keepalive() {
  if (keepalive_.time < Duration::max() / 2) keepalive_.time *= 2;
}

void Subchannel::leave() {
  leaving_ = true;
  go_idle();
}

void Subchannel::go_idle() {
  resting_ = true;
  attempts_.clear();
  for (auto& connection : connections_) connection->drain();
}

void Subchannel::close() {
  attempts_.clear();
  for (auto& connection : connections_) connection->close();
}

void Subchannel::finish_calls() {
  for (auto& connection : connections_) connection->finish_calls();
}

size_t Subchannel::ready_connections() const {
  return static_cast<size_t>(std::ranges::count_if(connections_, [](const auto& connection) {
    return connection->usable() && connection->has_been_ready() && connection->is_healthy();
  }));
}

size_t Subchannel::usable_connections() const {
  return static_cast<size_t>(std::ranges::count_if(
      connections_, [](const auto& connection) { return connection->usable(); }));
}

bool Subchannel::is_busy() const {
  return std::ranges::any_of(connections_,
                             [](const auto& connection) { return connection->open_calls() != 0; });
}

bool Subchannel::is_hopeful() const {
  return has_attempt() || std::ranges::any_of(connections_, [](const auto& connection) {
           return connection->usable() && !connection->is_unhealthy();
         });
}

bool Subchannel::is_unhealthy() const {
  return !is_hopeful() && usable_connections() != 0;
}

const std::string& Subchannel::why_unhealthy() const {
  const auto sick = std::ranges::find_if(
      connections_, [](const auto& connection) { return connection->is_unhealthy(); });
  return (*sick)->why_unhealthy();
}

bool Subchannel::is_connecting() const {
  return has_attempt() || std::ranges::any_of(connections_, [](const auto& connection) {
           return connection->usable() && !connection->is_unhealthy() &&
                  !(connection->has_been_ready() && connection->is_healthy());
         });
}

bool Subchannel::is_used_up() const {
  return address_.transport == net::Transport::kFd && has_tried_ && is_empty();
}

uint64_t Subchannel::calls() const {
  uint64_t calls = calls_ended_;
  for (const auto& connection : connections_) calls += connection->calls();
  return calls;
}

// ---- connections

void Subchannel::connect_more() {
  const ChannelOptions& options = channel_.options();
  const bool is_fd = address_.transport == net::Transport::kFd;
  if (leaving_ || (is_fd && has_tried_) || channel_.loop().now() < retry_at_) return;
  resting_ = false;
  const size_t have = usable_connections() + attempts_.size();
  const bool handshaking = ready_connections() < have;
  if (!options.connect_eagerly && handshaking) return;
  const size_t most = is_fd ? 1 : options.connections;
  const size_t wanted = options.connect_eagerly ? most : std::min(have + 1, most);
  has_tried_ |= wanted > have;
  for (size_t count = have; count < wanted; ++count) {
    attempts_.push_back(std::make_unique<Attempt>(*this));
  }
}

void Subchannel::on_connect(Attempt& attempt, Result<std::unique_ptr<net::Stream>> result) {
  const auto at =
      std::ranges::find_if(attempts_, [&](const auto& other) { return other.get() == &attempt; });
  const std::unique_ptr<Attempt> done = std::move(*at);
  attempts_.erase(at);
  if (!result) return connect_failed(result.error().message);
  connections_.push_back(std::make_unique<ClientConnection>(
      channel_, *this, channel_.secure(*std::move(result), authority_), done->begun));
  connections_.back()->start();
}

void Subchannel::connection_ready() {
  backoff_.reset();
  retry_at_ = Time{};
  first_failure_ = kNever;
  channel_.connection_ready();
}

void Subchannel::connection_ended(ClientConnection& connection) {
  const auto at = std::ranges::find_if(
      connections_, [&](const auto& other) { return other.get() == &connection; });
  if (at == connections_.end()) return;
  // A server that accepts and goes away at once, over and over, is one that cannot be reached.
  const bool was_useful = connection.calls() != 0 || connection.retired();
  unused_in_a_row_ = was_useful ? 0 : unused_in_a_row_ + 1;
  const bool was_ready = connection.has_been_ready() && unused_in_a_row_ < 2;
  const std::string why = connection.loss_message();
  calls_ended_ += connection.calls();
  channel_.bury(std::move(*at));
  connections_.erase(at);
  if (leaving_ || resting_) return;
  if (!was_ready) return connect_failed(why);
  channel_.connection_lost();
}

void Subchannel::connect_failed(const std::string& why) {
  retry_at_ = channel_.loop().now() + next_delay();
  channel_.connect_failed(why);
}

// While a virtual machine boots, and fails every attempt at once, waiting gains nothing.
Duration Subchannel::next_delay() {
  const ChannelOptions& options = channel_.options();
  const Time now = channel_.loop().now();
  if (first_failure_ == kNever) first_failure_ = now;
  const bool is_early = now - first_failure_ < options.vsock_early_retry_for;
  if (uses_vsock(address_) && is_early) return options.vsock_early_retry;
  return backoff_.next(options, channel_.loop().random());
}

}  // namespace saker::rpc

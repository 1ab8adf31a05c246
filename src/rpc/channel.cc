#include "saker/rpc/channel.h"

#include <algorithm>
#include <atomic>

#include "saker/net/tls_stream.h"

namespace saker::rpc {
namespace {

const std::string_view kAcceptedEncodings = grpc::encode_accept_encoding(supported_compressions());

// "[::1]:443" is "::1": whom a server's certificate must be for.
std::string host_of(const std::string& authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.rfind(':'));
}

Balancing choose_balancing(const net::Target& target, const ChannelOptions& options) {
  if (options.balancing != Balancing::kDefault) return options.balancing;
  const auto& config = options.service_config;
  if (config != nullptr && config->balancing() != Balancing::kDefault) return config->balancing();
  return target.is_list() ? Balancing::kLeastOutstanding : Balancing::kPickFirst;
}

}  // namespace

ClientMethod::ClientMethod(std::string path, MethodKind kind)
    : path_(std::move(path)), kind_(kind) {
  static std::atomic<size_t> next_index{0};
  index_ = next_index.fetch_add(1, std::memory_order_relaxed);
}

Channel::Channel(net::Loop& loop, const net::Target& target, const ChannelOptions& options)
    : loop_(loop),
      options_(options),
      target_name_(net::to_string(target)),
      balancing_(choose_balancing(target, options)),
      health_service_(choose_health_service()),
      resolver_(loop, target, options_, *this) {
  if (options_.service_config != nullptr && options_.service_config->throttling()) {
    throttle_.configure(*options_.service_config->throttling());
  }
  on_backends();
}

Channel::~Channel() {
  close();
  loop_.cancel(*this);
  loop_.cancel(idle_timer_);
  for (const auto* all : {&subchannels_, &leaving_}) {
    for (const auto& subchannel : *all) subchannel->finish_calls();
  }
  finish_calls();
  // What on_done() of a call that the close ended has started: there is nothing left to end it.
  while (ClientCall* call = finished_.try_pop_front()) call->drop();
}

void Channel::close() {
  closed_ = true;
  resolver_.stop();
  for (const auto* all : {&subchannels_, &leaving_}) {
    for (const auto& subchannel : *all) subchannel->close();
  }
  fail_pending("the channel was closed", true);
}

size_t Channel::ready_connections() const {
  size_t ready = 0;
  for (const auto& subchannel : subchannels_) ready += subchannel->ready_connections();
  return ready;
}

bool Channel::is_connecting() const {
  return std::ranges::any_of(subchannels_,
                             [](const auto& subchannel) { return subchannel->is_connecting(); });
}

std::vector<BackendCalls> Channel::backend_calls() const {
  std::vector<BackendCalls> all;
  all.reserve(subchannels_.size());
  for (const auto& subchannel : subchannels_) {
    all.push_back({subchannel->name(), subchannel->calls()});
  }
  return all;
}

std::array<hpack::OutField, 8> Channel::request_head(const ClientMethod& method,
                                                     const std::string& authority) const {
  return {{{":method", "POST"},
           {":scheme", options_.tls ? "https" : "http"},
           {":path", method.path()},
           {":authority", authority},
           {"te", "trailers"},
           {"content-type", "application/grpc"},
           {"grpc-accept-encoding", kAcceptedEncodings},
           {"user-agent", options_.user_agent}}};
}

const MethodConfig* Channel::find_config(const ClientMethod& method) {
  if (method.index() >= configs_.size()) {
    configs_.resize(method.index() + 1);
    configs_known_.resize(method.index() + 1);
  }
  if (!configs_known_[method.index()]) {
    configs_known_[method.index()] = true;
    configs_[method.index()] = options_.service_config->find(method.path());
  }
  return configs_[method.index()];
}

// ---- calls

void Channel::submit(ClientCall& call) {
  if (pending_.empty()) {
    if (ClientConnection* connection = pick()) return connection->open(call);
  }
  queue_pending(call);
  if (closed_) return call.fail(grpc::StatusCode::kUnavailable, "the channel was closed");
  if (!call.options_.wait_for_ready && is_backing_off()) {
    return call.fail_attempt(grpc::StatusCode::kUnavailable, why_unavailable());
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

void Channel::place_pending() {
  while (!pending_.empty()) {
    ClientConnection* connection = pick();
    if (connection == nullptr) break;
    connection->open(*pending_.try_pop_front());
  }
}

void Channel::start_pending() {
  place_pending();
  if (!pending_.empty()) connect_more();
}

// A connection takes no more calls: those that wait go to the others that have room, if any.
void Channel::serve_pending() {
  place_pending();
  if (wants_connections()) connect_more();
}

// Inside an event, of a connection that may take no more calls, or may be gone at the end of its turn.
void Channel::resubmit(ClientCall& call) {
  queue_pending(call);
  serve_due_ = true;
  loop_.at_turn_end(*this);
}

// Of several backends. From the one whose turn it is on: the first that takes the call (round
// robin), or the one whose connection has the fewest calls under way.
ClientConnection* Channel::pick_among() {
  const size_t count = subchannels_.size();
  if (count == 0 || balancing_ == Balancing::kPickFirst) return nullptr;
  ClientConnection* best = nullptr;
  size_t fewest = SIZE_MAX;
  size_t chosen = next_;
  for (size_t step = 0; step < count; ++step) {
    const size_t index = next_ + step < count ? next_ + step : next_ + step - count;
    ClientConnection* connection = subchannels_[index]->pick();
    if (connection == nullptr || connection->open_calls() >= fewest) continue;
    best = connection;
    fewest = connection->open_calls();
    chosen = index;
    if (balancing_ == Balancing::kRoundRobin) break;
  }
  next_ = chosen + 1 < count ? chosen + 1 : 0;
  return best;
}

void Channel::run_at_turn_end() {
  finish_calls();
  ended_.clear();
  std::erase_if(leaving_, [](const auto& subchannel) { return subchannel->is_empty(); });
  if (std::exchange(serve_due_, false)) serve_pending();
}

// A call that is started again from on_done() and fails at once waits
// for the next round: the loop must turn.
void Channel::finish_calls() {
  IntrusiveList<ClientCall, CallListTag> finished;
  finished.splice_back(finished_);
  while (ClientCall* call = finished.try_pop_front()) call->finish();
}

void Channel::fail_pending(const std::string& why, bool all) {
  if (all) {
    const auto end = [&](ClientCall& call) { call.fail(grpc::StatusCode::kUnavailable, why); };
    pending_.for_each(end);
    delayed_.for_each(end);
    return;
  }
  pending_.for_each([&](ClientCall& call) {
    if (!call.options_.wait_for_ready) call.fail_attempt(grpc::StatusCode::kUnavailable, why);
  });
}

// ---- backends

// Those that stay keep their connections; the others finish their calls.
void Channel::on_backends() {
  std::vector<std::unique_ptr<Subchannel>> before = std::move(subchannels_);
  subchannels_.clear();
  for (Backend& backend : resolver_.backends()) {
    const auto known = std::ranges::find_if(before, [&](const auto& subchannel) {
      return subchannel != nullptr && subchannel->address() == backend.address;
    });
    if (known != before.end()) {
      subchannels_.push_back(std::move(*known));
    } else {
      subchannels_.push_back(std::make_unique<Subchannel>(
          *this, std::move(backend.address), backend.target, std::move(backend.authority)));
    }
  }
  for (auto& gone : before) {
    if (gone == nullptr) continue;
    gone->leave();
    leaving_.push_back(std::move(gone));
  }
  loop_.at_turn_end(*this);
  next_ = 0;
  update_sole();
  serve_pending();
  if (health_service_ == nullptr || subchannels_.empty()) return;
  if (is_backing_off()) fail_pending(why_unavailable(), false);
}

void Channel::on_resolve_failed(const std::string& why) {
  last_error_ = why;
  fail_pending(why, false);
  if (wants_connections()) resolver_.ask();
}

// pick_first has one backend at a time: the one that it tries or has.
void Channel::update_sole() {
  sole_ = subchannels_.size() == 1 ? subchannels_[0].get() : nullptr;
  if (sole_ != nullptr || balancing_ != Balancing::kPickFirst) return;
  const auto current = std::ranges::find_if(
      subchannels_, [](const auto& subchannel) { return subchannel->is_hopeful(); });
  if (current != subchannels_.end()) sole_ = current->get();
}

// Somebody waits for connections, or they are to be there before anybody does. Of several backends
// each has to come back by itself: the others take its calls, so that none ever waits for it.
bool Channel::wants_connections() const {
  if (closed_) return false;
  const bool keeps_all = active_ && sole_ == nullptr && balancing_ != Balancing::kPickFirst;
  return !pending_.empty() || options_.connect_eagerly || keeps_all;
}

bool Channel::is_hopeful() const {
  return std::ranges::any_of(subchannels_,
                             [](const auto& subchannel) { return subchannel->is_hopeful(); });
}

// Nothing can be reached, or is healthy, and nothing is being tried.
bool Channel::is_backing_off() const {
  if (subchannels_.empty()) return resolver_.is_backing_off();
  return std::ranges::all_of(subchannels_, [this](const auto& subchannel) {
    const bool waits = subchannel->is_empty() && loop_.now() < subchannel->retry_at();
    return waits || subchannel->is_unhealthy();
  });
}

bool Channel::all_used_up() const {
  return !subchannels_.empty() && std::ranges::all_of(subchannels_, [](const auto& subchannel) {
    return subchannel->is_used_up();
  });
}

void Channel::connect_more() {
  if (closed_) return;
  if (!active_) {
    active_ = true;
    if (resolver_.has_names()) resolver_.ask();
  }
  if (subchannels_.empty()) return resolver_.ask();
  if (all_used_up()) {
    return fail_pending(target_name_ + " was one connection, and that has ended", true);
  }
  if (balancing_ == Balancing::kPickFirst) {
    connect_first();
  } else {
    for (const auto& subchannel : subchannels_) subchannel->connect_more();
  }
  arm_retry();
}

// In order, those first that do not have to wait (pick_first).
void Channel::connect_first() {
  update_sole();
  if (sole_ != nullptr) return sole_->connect_more();
  const auto candidate = std::ranges::find_if(subchannels_, [this](const auto& subchannel) {
    return loop_.now() >= subchannel->retry_at() && !subchannel->is_used_up();
  });
  if (candidate == subchannels_.end()) return;
  sole_ = candidate->get();
  sole_->connect_more();
}

// When the first of those that have to wait may be tried again.
void Channel::arm_retry() {
  Time due = kNever;
  for (const auto& subchannel : subchannels_) {
    if (subchannel->retry_at() > loop_.now()) due = std::min(due, subchannel->retry_at());
  }
  if (due != kNever && (!armed() || due < deadline())) loop_.arm(*this, due);
}

void Channel::on_timer(Time) {
  if (wants_connections()) connect_more();
}

// ---- connections

std::unique_ptr<net::Stream> Channel::secure(std::unique_ptr<net::Stream> stream,
                                             const std::string& authority) {
  if (!options_.tls) return stream;
  const std::string& asked = options_.tls_server_name;
  const std::string name = asked.empty() ? host_of(authority) : asked;
  return std::make_unique<net::TlsStream>(loop_, std::move(stream), options_.tls, name,
                                          &tls_sessions_[name], options_.tls_stream);
}

void Channel::connection_ready() {
  last_error_.clear();
  const bool may_idle = !options_.connect_eagerly && options_.idle_timeout != Duration::max();
  if (!may_idle || idle_timer_.armed()) return;
  idle_since_ = loop_.now();
  check_idle(loop_.now());
}

// Its server sends no more calls its way: another one may be wanted, but not inside an event.
void Channel::connection_draining() {
  serve_due_ = true;
  loop_.at_turn_end(*this);
}

void Channel::connection_lost() {
  update_sole();
  if (resolver_.has_names() && active_ && !closed_) resolver_.ask();
  serve_pending();
}

void Channel::bury(std::unique_ptr<ClientConnection> connection) {
  ended_.push_back(std::move(connection));
  loop_.at_turn_end(*this);
}

void Channel::connect_failed(const std::string& why) {
  if (closed_) return;
  update_sole();
  if (resolver_.has_names()) resolver_.ask();
  if (wants_connections()) connect_more();
  const bool tries_others =
      balancing_ == Balancing::kPickFirst && is_hopeful() && subchannels_.size() > 1;
  if (!tries_others) last_error_ = why;
  if (!is_hopeful()) fail_pending(why, false);
}

}  // namespace saker::rpc

// ClientConnection: the client's driver that joins one net::Stream with one h2::Connection and the
// calls on it. Made once the transport is connected; lives until it has ended and its last call has
// been handed its status. One loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "saker/base/intrusive_list.h"
#include "saker/base/memory_budget.h"
#include "saker/h2/connection.h"
#include "saker/net/loop.h"
#include "saker/rpc/client_call.h"
#include "saker/rpc/health_check.h"
#include "saker/rpc/keepalive.h"

namespace saker::rpc {

class Channel;
class Subchannel;

class ClientConnection final : private net::StreamEvents,
                               private net::TurnTask,
                               private net::Timer,
                               private h2::ConnectionEvents {
 public:
  // `begun`: when it was set about to connect.
  ClientConnection(Channel& channel, Subchannel& subchannel, std::unique_ptr<net::Stream> stream,
                   Time begun);
  ~ClientConnection();

  void start();
  // Opens a stream for `call`; can_open() must hold.
  void open(ClientCall& call);
  bool can_open() const {
    return !ended_ && is_healthy_ && engine_.peer_settings_received() && engine_.can_open_stream();
  }
  bool usable() const { return !ended_ && !engine_.draining(); }
  // Streams, but for that of the health check.
  size_t open_calls() const { return engine_.open_streams() - (watch_is_open_ ? 1 : 0); }
  // Lets open calls finish, then closes.
  void drain();
  // Its time, or its number of calls, is over: it ends because we want it to.
  bool retired() const { return retired_; }
  void close();

  h2::Connection& engine() { return engine_; }
  // Why the connection is gone, as calls tell it.
  std::string loss_message() const;
  bool has_been_ready() const { return engine_.peer_settings_received(); }
  const grpc::MessageContext& messages() const { return messages_; }
  // Streams up to this one have left for the transport.
  h2::StreamId submitted_id() const { return submitted_id_; }
  // Opened on it so far.
  uint64_t calls() const { return engine_.counters().streams_opened - watches_; }
  const std::string& backend_name() const;

  // ---- health (gRFC A17); a connection whose health nobody watches is healthy
  bool is_healthy() const { return is_healthy_; }
  // Its server says so, or has not said otherwise for too long.
  bool is_unhealthy() const {
    return health_ != nullptr && health_->state() == HealthCheck::State::kUnhealthy;
  }
  const std::string& why_unhealthy() const { return health_->why(); }
  bool takes_watch() const { return usable() && has_been_ready() && engine_.can_open_stream(); }
  void open_watch(ClientCall& watch, const ClientMethod& method);
  void health_changed();

  // ---- for calls
  void add_ready(ClientCall& call) {
    ready_.push_back(call);
    touch();
  }
  // Ready as soon as output has been taken.
  void add_blocked(ClientCall& call) { blocked_.push_back(call); }
  void touch() {
    if (!in_turn_) schedule();
  }
  void resubmit(ClientCall& call);
  // Resets the call's stream without telling the call, whose object is going away.
  void abandon(ClientCall& call);
  // After close(): hands every call its end.
  void finish_calls() { run_ready(); }

 private:
  void on_data(Bytes bytes) override;
  void on_sent() override;
  void on_end(const Error& error) override;
  void run_at_turn_end() override { turn(); }
  void on_timer(Time now) override;

  void on_headers(h2::Stream& stream, const h2::HeadersEvent& event) override;
  void on_data(h2::Stream& stream, Bytes data, bool end_stream) override;
  void on_stream_closed(h2::Stream& stream, h2::CloseCause cause, h2::ErrorCode code) override;
  void on_stream_drained(h2::Stream& stream) override;
  void on_peer_settings() override;
  void on_goaway(h2::StreamId last_id, h2::ErrorCode code, std::string_view debug) override;
  void on_ping(uint64_t) override {}
  void on_ping_ack(uint64_t) override {}

  bool is_for_tls(Bytes first);
  void turn();
  void run_ready();
  void run_call(ClientCall& call);
  void flush();
  bool write_output();
  void pause_reading(bool paused);
  void schedule();
  void arm_timer();
  void begin_life();
  void retire();
  hpack::CachedBlock& cache_for(const ClientMethod& method);

  Channel& channel_;
  Subchannel& subchannel_;
  std::unique_ptr<net::Stream> stream_;
  h2::Connection engine_;
  std::vector<hpack::CachedBlock> caches_;  // by method index
  IntrusiveList<ClientCall, CallListTag> ready_;
  IntrusiveList<ClientCall, CallListTag> blocked_;  // writers that wait for room in the output
  MemoryBudget budget_;
  grpc::MessageContext messages_;
  Keepalive keepalive_;
  std::string peer_name_;
  std::string loss_reason_;
  bool in_turn_ = false;
  bool reading_paused_ = false;
  bool has_received_ = false;
  bool ended_ = false;
  h2::StreamId opened_id_ = 0;  // the last one
  h2::StreamId submitted_id_ = 0;
  const Time begun_;
  Time retire_at_ = kNever;
  bool retired_ = false;
  bool is_known_ready_ = false;
  bool capacity_grew_ = false;  // streams ended or settings came: pending calls may go
  bool is_healthy_ = true;
  bool watch_is_open_ = false;
  uint64_t watches_ = 0;  // streams of the health check so far
  std::unique_ptr<HealthCheck> health_;
};

}  // namespace saker::rpc

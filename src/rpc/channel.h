// Channel: a client's way to one target, on one loop: resolves its names, keeps its backends, and
// decides which of them takes a call (see Balancing). Opens connections as load asks for them, up to
// options.connections to each backend; when all are at the peers' limits, calls wait, each within
// its deadline. A dead connection is replaced when it is needed; with several backends, at once. One
// whose server is not healthy takes no calls (HealthCheck).
// Belongs to its loop; see blocking_client.h for calls from other threads.
//
//   names ──TargetResolver──▶ backends ──one Subchannel each──▶ connections
//   call ──pick()──▶ connection, or pending_ until there is one
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "saker/base/object_pool.h"
#include "saker/hpack/decoder.h"
#include "saker/net/loop.h"
#include "saker/net/target.h"
#include "saker/rpc/client_connection.h"
#include "saker/rpc/client_options.h"
#include "saker/rpc/packer.h"
#include "saker/rpc/retry_rules.h"
#include "saker/rpc/subchannel.h"
#include "saker/rpc/target_resolver.h"
#include "saker/tls/session_cache.h"

namespace saker::rpc {

// How many calls a backend was sent, attempts of one call one by one.
struct BackendCalls {
  std::string backend;
  uint64_t calls = 0;
};

class Channel final : private net::Timer, private net::TurnTask, private TargetResolverEvents {
 public:
  // Not to be destroyed from inside a call's event; close() may be.
  Channel(net::Loop& loop, const net::Target& target, const ChannelOptions& options = {});
  ~Channel();

  // Closes all connections; every call ends with UNAVAILABLE at the end
  // of the turn, or by the destructor.
  void close();
  // Connections that have finished their handshake and, where that is watched, are healthy.
  size_t ready_connections() const;
  // Some are on their way.
  bool is_connecting() const;
  // Why nothing could be reached; empty: nothing has failed yet.
  const std::string& last_error() const { return last_error_; }
  // Over all connections, as handed to and taken from the transport.
  uint64_t bytes_sent() const { return bytes_sent_; }
  uint64_t bytes_received() const { return bytes_received_; }
  // Of the backends that there are now.
  std::vector<BackendCalls> backend_calls() const;
  Balancing balancing() const { return balancing_; }

  net::Loop& loop() { return loop_; }
  const ChannelOptions& options() const { return options_; }
  const std::string& target_name() const { return target_name_; }

  // ---- for calls, subchannels and connections
  void submit(ClientCall& call);
  void queue_pending(ClientCall& call);
  // The call waits for something else than a connection.
  void delay(ClientCall& call) { delayed_.push_back(call); }
  void end_pending(ClientCall& call);
  void forget(ClientCall& call);
  void start_pending();
  // What the service config says of the method; null: nothing.
  const MethodConfig* config_of(const ClientMethod& method) {
    return options_.service_config == nullptr ? nullptr : find_config(method);
  }
  RetryThrottle& throttle() { return throttle_; }
  void count_sent(size_t bytes) { bytes_sent_ += bytes; }
  void count_received(size_t bytes) { bytes_received_ += bytes; }
  bool has_pending() const { return !pending_.empty(); }
  void connection_ready();
  void connection_draining();
  void connection_lost();
  // The call's stream was refused unseen: it goes to whatever connection takes it.
  void resubmit(ClientCall& call);
  void connect_failed(const std::string& why);
  // Whose health connections have to watch before they take calls; null: nobody's.
  const std::string* health_service() const { return health_service_; }
  void backend_healthy();
  void backend_unhealthy(const std::string& why);
  void health_unimplemented(const ClientConnection& connection);
  void bury(std::unique_ptr<ClientConnection> connection);
  // With TLS around it, where the options ask for that; `authority` names the server.
  std::unique_ptr<net::Stream> secure(std::unique_ptr<net::Stream> stream,
                                      const std::string& authority);
  std::array<hpack::OutField, 8> request_head(const ClientMethod& method,
                                              const std::string& authority) const;
  h2::ConnectionResources resources() { return {loop_.chunks(), streams_, scratch_}; }
  Packer& packer() { return packer_; }

 private:
  struct IdleTimer final : net::Timer {
    explicit IdleTimer(Channel& owner) : channel(owner) {}
    void on_timer(Time now) override { channel.check_idle(now); }
    Channel& channel;
  };

  ClientConnection* pick() { return sole_ != nullptr ? sole_->pick() : pick_among(); }
  ClientConnection* pick_among();
  void place_pending();
  void serve_pending();
  void connect_more();
  void connect_first();
  void update_sole();
  bool wants_connections() const;
  bool is_hopeful() const;
  bool is_backing_off() const;
  bool all_used_up() const;
  const std::string* choose_health_service() const;
  std::string why_unavailable() const;
  void arm_retry();
  void fail_pending(const std::string& why, bool all);
  const MethodConfig* find_config(const ClientMethod& method);
  void check_idle(Time now);
  void go_idle();
  uint64_t calls_so_far() const;
  bool is_busy() const;

  void on_timer(Time now) override;
  void run_at_turn_end() override;
  void on_backends() override;
  void on_resolve_failed(const std::string& why) override;
  void finish_calls();

  net::Loop& loop_;
  const ChannelOptions options_;
  const std::string target_name_;
  const Balancing balancing_;
  const std::string* const health_service_;
  ObjectPool<h2::Stream> streams_;
  hpack::DecoderScratch scratch_;
  Packer packer_;
  std::map<std::string, tls::SessionCache> tls_sessions_;  // by the server's name
  RetryThrottle throttle_;
  std::vector<const MethodConfig*> configs_;  // by method index
  std::vector<bool> configs_known_;
  std::vector<std::unique_ptr<Subchannel>> subchannels_;
  std::vector<std::unique_ptr<Subchannel>> leaving_;  // until their last calls have ended
  Subchannel* sole_ = nullptr;                        // where calls go, if only one may have them
  size_t next_ = 0;                                   // whose turn it is, otherwise
  std::vector<std::unique_ptr<ClientConnection>> ended_;  // destroyed at the end of the turn
  TargetResolver resolver_;
  IntrusiveList<ClientCall, CallListTag> pending_;  // for a connection
  IntrusiveList<ClientCall, CallListTag> delayed_;  // until they are tried again, or hedged
  // Ended while pending: on_done() at the end of the turn.
  IntrusiveList<ClientCall, CallListTag> finished_;
  IdleTimer idle_timer_{*this};
  Time idle_since_{};
  uint64_t calls_at_idle_check_ = 0;
  std::string last_error_;
  bool active_ = false;  // calls have come since it was idle
  bool closed_ = false;
  bool serve_due_ = false;  // at the end of the turn: serve_pending()
  uint64_t bytes_sent_ = 0;
  uint64_t bytes_received_ = 0;
};

}  // namespace saker::rpc

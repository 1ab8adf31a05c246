// Channel: a client's connections to one target, on one loop. Opens them as load asks for them, up
// to options.connections; a call goes to the connection with the fewest open streams; when all are
// at the peer's limit, calls wait, each within its deadline. A dead connection is replaced when it
// is needed, with exponential back-off. Belongs to its loop; see blocking_client.h
// for calls from other threads.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "saker/base/object_pool.h"
#include "saker/hpack/decoder.h"
#include "saker/net/loop.h"
#include "saker/rpc/client_connection.h"
#include "saker/rpc/client_options.h"
#include "saker/rpc/packer.h"
#include "saker/tls/session_cache.h"

namespace saker::rpc {

class Channel final : private net::Timer, private net::TurnTask {
 public:
  // Not to be destroyed from inside a call's event; close() may be.
  Channel(net::Loop& loop, net::Address target, const ChannelOptions& options = {});
  ~Channel();

  // Closes all connections; every call ends with UNAVAILABLE at the end
  // of the turn, or by the destructor.
  void close();
  // Connections that have finished their handshake.
  size_t ready_connections() const;
  // Why the last attempt to connect failed; empty: none has.
  const std::string& last_error() const { return last_error_; }
  // Over all connections, as handed to and taken from the transport.
  uint64_t bytes_sent() const { return bytes_sent_; }
  uint64_t bytes_received() const { return bytes_received_; }

  net::Loop& loop() { return loop_; }
  const ChannelOptions& options() const { return options_; }
  const std::string& target_name() const { return target_name_; }

  // ---- for calls and connections
  const KeepaliveOptions& keepalive() const { return keepalive_; }
  void back_off_keepalive();
  void submit(ClientCall& call);
  void queue_pending(ClientCall& call);
  void end_pending(ClientCall& call);
  void forget(ClientCall& call);
  void start_pending();
  void count_sent(size_t bytes) { bytes_sent_ += bytes; }
  void count_received(size_t bytes) { bytes_received_ += bytes; }
  bool has_pending() const { return !pending_.empty(); }
  void connection_ready();
  void connection_ended(ClientConnection& connection);
  std::array<hpack::OutField, 8> request_head(const ClientMethod& method) const;
  h2::ConnectionResources resources() { return {loop_.chunks(), streams_, scratch_}; }
  Packer& packer() { return packer_; }

 private:
  class Attempt;

  ClientConnection* pick();
  void connect_more();
  void on_connect(Attempt& attempt, Result<std::unique_ptr<net::Stream>> result);
  std::unique_ptr<net::Stream> secure(std::unique_ptr<net::Stream> stream);
  void connect_failed(const std::string& why);
  void fail_pending(const std::string& why, bool all);
  bool is_used_up() const;
  Duration next_backoff(bool is_early_vsock);
  void on_timer(Time now) override;
  void run_at_turn_end() override;
  void finish_calls();

  net::Loop& loop_;
  const net::Address target_;
  const ChannelOptions options_;
  const std::string target_name_;
  KeepaliveOptions keepalive_;
  std::string authority_;
  ObjectPool<h2::Stream> streams_;
  hpack::DecoderScratch scratch_;
  Packer packer_;
  tls::SessionCache tls_sessions_;
  std::vector<std::unique_ptr<ClientConnection>> connections_;
  std::vector<std::unique_ptr<ClientConnection>> ended_;  // destroyed at the end of the turn
  std::vector<std::unique_ptr<Attempt>> attempts_;
  IntrusiveList<ClientCall, CallListTag> pending_;
  // Ended while pending: on_done() at the end of the turn.
  IntrusiveList<ClientCall, CallListTag> finished_;
  Duration backoff_{0};
  Time retry_at_{};
  Time first_failure_ = kNever;
  std::string last_error_;
  bool closed_ = false;
  bool has_tried_ = false;
  int unused_in_a_row_ = 0;  // connections that ended before they took a call
  uint64_t bytes_sent_ = 0;
  uint64_t bytes_received_ = 0;
};

}  // namespace saker::rpc

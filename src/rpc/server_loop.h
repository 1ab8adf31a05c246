// ServerLoop: one loop's share of a server: its connections and what they have in common.
// Everything but connection_count() and counters() belongs to the loop's thread.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "saker/base/object_pool.h"
#include "saker/h2/connection.h"
#include "saker/h2/token_bucket.h"
#include "saker/hpack/decoder.h"
#include "saker/net/loop.h"
#include "saker/rpc/call_log.h"
#include "saker/rpc/counters.h"
#include "saker/rpc/dispatcher.h"
#include "saker/rpc/memory_guard.h"
#include "saker/rpc/packer.h"
#include "saker/rpc/server_connection.h"
#include "saker/rpc/server_options.h"

namespace saker::rpc {

class ServerLoop {
 public:
  // `memory` outlives the loop.
  ServerLoop(size_t index, net::Loop& loop, const Dispatcher& dispatcher,
             const ServerOptions& options, const MemoryGuard& memory = MemoryGuard::none());
  // Handlers that have not ended are destroyed where they wait: whatever resumes them from other
  // threads (a pool) must have ended before.
  ~ServerLoop();
  ServerLoop(const ServerLoop&) = delete;
  ServerLoop& operator=(const ServerLoop&) = delete;

  // A connection accepted anywhere becomes ours; `plaintext`: without TLS though the server has it.
  // On the loop's thread.
  void adopt(net::Accepted accepted, bool plaintext = false);
  // Of connections from now on. On the loop's thread.
  void set_tls(tls::ServerContext context) { tls_ = std::move(context); }
  // Starts the two-step drain on every connection.
  void drain();
  // Ends what a drain did not finish.
  void abort_all();
  // Frees what pools keep unused; of what connections hold, about so many bytes, by closing those that
  // hold most. On the loop's thread.
  void make_room(uint64_t bytes);

  net::Loop& loop() { return loop_; }
  size_t index() const { return index_; }
  const Dispatcher& dispatcher() const { return dispatcher_; }
  const ServerOptions& options() const { return options_; }
  const MemoryGuard& memory() const { return memory_; }
  h2::ConnectionResources resources() { return {loop_.chunks(), streams_, scratch_}; }
  LoopCounters& counters() { return counters_; }
  Packer& packer() { return packer_; }
  CallRing& call_ring() { return *call_ring_; }  // only when options().call_log.sample != 0
  // Every options().call_log.sample-th call.
  bool should_log() { return log_countdown_ != 0 && --log_countdown_ == 0 && restart_countdown(); }

  // Any thread. The placer counts a connection when it chooses this loop;
  // its end takes it off again.
  size_t connection_count() const { return connection_count_.load(std::memory_order_relaxed); }
  void expect_connection() { connection_count_.fetch_add(1, std::memory_order_relaxed); }

  // For connections.
  void report_peer(const net::Peer& peer, const std::string& why);
  void destroy(ServerConnection& connection);
  void track_running(ServerCall& call) { running_.push_back(call); }
  ServerCall& get_refused_call();

 private:
  // From so many connections on, memory goes back to the system when most of them have gone.
  static constexpr size_t kManyConnections = 1000;
  static constexpr size_t kKeptObjects = 256;  // of each pool then
  // What holds less is not worth closing: most connections rest.
  static constexpr size_t kLeastShedBytes = 64 * 1024;
  static constexpr int kRestPerSearch = 10;  // for those that do hold much
  static constexpr uint32_t kReportsAtOnce = 10;
  static constexpr uint32_t kReportsPerSecond = 1;

  void note_connection_count(size_t count);
  void shrink_pools();
  void shed(uint64_t bytes);
  std::vector<std::pair<size_t, ServerConnection*>> heaviest_first();
  bool restart_countdown() {
    log_countdown_ = options_.call_log.sample;
    return true;
  }

  const size_t index_;
  net::Loop& loop_;
  const Dispatcher& dispatcher_;
  const ServerOptions& options_;
  const MemoryGuard& memory_;
  tls::ServerContext tls_;
  h2::TokenBucket reports_;
  ObjectPool<h2::Stream> streams_;
  hpack::DecoderScratch scratch_;
  LoopCounters counters_;
  Packer packer_;
  std::unique_ptr<CallRing> call_ring_;
  uint64_t log_countdown_ = 0;
  std::unique_ptr<Method> refused_method_;
  IntrusiveList<ServerConnection, ConnectionListTag> connections_;
  size_t most_connections_ = 0;                    // since memory last went back
  IntrusiveList<ServerCall, RunningTag> running_;  // coroutine handlers that have not ended
  Time next_search_at_{};
  std::atomic<size_t> connection_count_{0};
};

}  // namespace saker::rpc

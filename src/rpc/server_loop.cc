#include "saker/rpc/server_loop.h"

#include <malloc.h>

#include <algorithm>

#include "saker/net/tls_stream.h"

namespace saker::rpc {
namespace {

// A call that is answered with an error before any method is known.
class RefusedCall final : public ServerCall {
 public:
  using Pool = ObjectPool<RefusedCall>;
  RefusedCall(int&, Pool& pool) : pool_(pool) {}

 private:
  void on_head(bool) override {}
  void on_data(Bytes, bool) override {}
  void run() override { run_refusal(); }
  void recycle() override { pool_.put(this); }

  Pool& pool_;
};

}  // namespace

ServerLoop::ServerLoop(size_t index, net::Loop& loop, const Dispatcher& dispatcher,
                       const ServerOptions& options)
    : index_(index),
      loop_(loop),
      dispatcher_(dispatcher),
      options_(options),
      tls_(options.tls),
      reports_(kReportsAtOnce, kReportsPerSecond, loop.now()),
      counters_(dispatcher.methods().size()),
      refused_method_(std::make_unique<PooledMethod<RefusedCall, int>>("", MethodKind::kUnary, 0)) {
  refused_method_->prepare(1);
  if (options.call_log.sample == 0) return;
  call_ring_ = std::make_unique<CallRing>(options.call_log.ring_records);
  log_countdown_ = options.call_log.sample;
}

ServerLoop::~ServerLoop() {
  while (ServerCall* call = running_.try_pop_front()) call->abandon_handler();
  while (auto* connection = connections_.try_pop_front()) delete connection;
}

void ServerLoop::report_peer(const net::Peer& peer, const std::string& why) {
  if (options_.report_peer && reports_.try_take(loop_.now())) options_.report_peer(peer, why);
}

void ServerLoop::adopt(net::Accepted accepted, bool plaintext) {
  auto stream = loop_.adopt(std::move(accepted));
  if (!stream) {
    connection_count_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  if (tls_ && !plaintext) {
    *stream =
        std::make_unique<net::TlsStream>(loop_, *std::move(stream), tls_, options_.tls_stream);
  }
  auto* connection = new ServerConnection(*this, *std::move(stream));
  connections_.push_back(*connection);
  counters_.connections_opened += 1;
  counters_.connections_open += 1;
  connection->start();
}

void ServerLoop::destroy(ServerConnection& connection) {
  connections_.remove(connection);
  counters_.connections_open -= 1;
  const size_t before = connection_count_.fetch_sub(1, std::memory_order_relaxed);
  delete &connection;
  note_connection_count(before - 1);
}

void ServerLoop::note_connection_count(size_t count) {
  most_connections_ = std::max(most_connections_, count + 1);
  if (most_connections_ < kManyConnections || count > most_connections_ / 8) return;
  most_connections_ = count;
  give_memory_back();
}

// The C library keeps what lies between live allocations until it is asked.
void ServerLoop::give_memory_back() {
  streams_.shrink(kKeptObjects);
  for (const auto& method : dispatcher_.methods()) method->shrink(index_, kKeptObjects);
  packer_.release_memory();
  malloc_trim(0);
}

void ServerLoop::drain() {
  connections_.for_each([](ServerConnection& connection) { connection.drain(); });
}

void ServerLoop::abort_all() {
  connections_.for_each([](ServerConnection& connection) {
    connection.abort(h2::ErrorCode::kNoError, "drain timeout");
  });
}

ServerCall& ServerLoop::get_refused_call() {
  return *refused_method_->get_call(0);
}

}  // namespace saker::rpc

#include "saker/rpc/server_loop.h"

#include <malloc.h>

#include <algorithm>
#include <functional>

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
  void on_unpacked(const grpc::Status&, const grpc::ReceivedMessage&) override {}
  void run() override { run_refusal(); }
  void recycle() override { pool_.put(this); }

  Pool& pool_;
};

}  // namespace

ServerLoop::ServerLoop(size_t index, net::Loop& loop, const Dispatcher& dispatcher,
                       const ServerOptions& options, const MemoryGuard& memory)
    : index_(index),
      loop_(loop),
      dispatcher_(dispatcher),
      options_(options),
      memory_(memory),
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
  auto adopted = loop_.adopt(std::move(accepted));
  if (!adopted) {
    connection_count_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  std::unique_ptr<net::Stream> stream = *std::move(adopted);
  if (tls_ && !plaintext) {
    stream = std::make_unique<net::TlsStream>(loop_, std::move(stream), tls_, options_.tls_stream);
  }
  auto* connection = new ServerConnection(*this, std::move(stream));
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
  shrink_pools();
  malloc_trim(0);  // the C library keeps what lies between live allocations until it is asked
}

void ServerLoop::shrink_pools() {
  streams_.shrink(kKeptObjects);
  for (const auto& method : dispatcher_.methods()) method->shrink(index_, kKeptObjects);
  refused_method_->shrink(0, kKeptObjects);
  packer_.release_memory();
}

void ServerLoop::make_room(uint64_t bytes) {
  if (bytes != 0) shed(bytes);
  shrink_pools();
}

// To look at a hundred thousand connections takes its time, and must not take all of it.
void ServerLoop::shed(uint64_t bytes) {
  const Time began = loop_.read_clock();
  if (began < next_search_at_) return;
  const auto heavy = heaviest_first();
  next_search_at_ = began + kRestPerSearch * (loop_.read_clock() - began);
  uint64_t freed = 0;
  for (const auto& [held, connection] : heavy) {
    if (freed >= bytes) return;
    freed += held;
    counters_.connections_shed += 1;
    connection->abort(h2::ErrorCode::kEnhanceYourCalm, "the server is short of memory");
  }
}

// One that is over already holds what its peer has yet to take, for a second at most.
std::vector<std::pair<size_t, ServerConnection*>> ServerLoop::heaviest_first() {
  std::vector<std::pair<size_t, ServerConnection*>> heavy;
  connections_.for_each([&](ServerConnection& connection) {
    const size_t held = connection.memory_bytes();
    if (held >= kLeastShedBytes && connection.engine().alive()) {
      heavy.emplace_back(held, &connection);
    }
  });
  std::ranges::sort(heavy, std::greater());
  return heavy;
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

// Server: loops on threads, listeners, placement of connections, and the drain. Thread per core: a
// new connection goes to the loop with the fewest, whatever its transport,
// because VSOCK has no SO_REUSEPORT.
//
//   Server server(options);
//   server.dispatcher().add_unary<Req, Rep>("/pkg.Service/Method", handler);
//   server.prepare(); server.listen(address); server.start(); … server.shut_down(); server.wait();
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "saker/base/result.h"
#include "saker/net/loop.h"
#include "saker/rpc/dispatcher.h"
#include "saker/rpc/memory_guard.h"
#include "saker/rpc/memory_watch.h"
#include "saker/rpc/server_loop.h"
#include "saker/rpc/server_options.h"

namespace saker::rpc {

// CPUs that this process may use: affinity and cgroup quota counted, at least 1.
size_t available_cpus();

enum class ListenerSecurity : uint8_t {
  kTls,        // where the options have TLS, else plain text
  kPlaintext,  // whatever the options have
};

class Server final {
 public:
  explicit Server(const ServerOptions& options);
  ~Server();  // shuts down at once if still running

  Dispatcher& dispatcher() { return dispatcher_; }

  // Creates the loops; call after all methods are registered, before listen(). Fails where
  // max_memory_bytes is too little for what the process has already.
  Result<void> prepare();
  // Binds a listener; connections wait in its backlog until start(). Returns the address as bound.
  // An error before prepare().
  Result<net::Address> listen(const net::Address& address,
                              ListenerSecurity security = ListenerSecurity::kTls);
  // Starts one thread a loop.
  void start();
  // Another certificate for connections from now on; those that are open keep theirs. Any thread. The
  // options must have TLS already.
  void replace_tls(const tls::ServerContext& context);
  // Any thread, also a second time: stops accepting, lets calls finish within
  // drain_timeout, then ends the loops.
  void shut_down();
  // Until all threads have ended.
  void wait();

  size_t loop_count() const { return loops_.size(); }
  ServerLoop& loop(size_t index);
  // How many calls with this status have ended, over all loops and methods.
  uint64_t calls(grpc::StatusCode code) const;
  // Null without max_memory_bytes.
  const MemoryGuard* memory() const { return memory_.get(); }

 private:
  struct LoopThread;
  struct AdoptTask;
  struct DrainTask;
  struct TlsTask;
  struct RoomTask;
  class Gate;
  class MemoryEvents;

  void accept(net::Accepted accepted, ListenerSecurity security);
  void drain_others();
  std::optional<ConnectionRefusal> refusal_of(const net::Peer& peer) const;
  bool allows(const net::Peer& peer) const;
  Result<void> prepare_memory();
  ServerLoop& emptiest_loop();
  size_t connection_count() const;

  const ServerOptions options_;
  Dispatcher dispatcher_;
  std::unique_ptr<MemoryGuard> memory_;
  std::unique_ptr<ProcessMemory> process_memory_;
  std::vector<std::unique_ptr<LoopThread>> loops_;
  std::unique_ptr<MemoryEvents> memory_events_;
  std::unique_ptr<MemoryWatch> memory_watch_;
  std::vector<std::unique_ptr<Gate>> gates_;
  std::atomic<bool> shutting_down_{false};
};

}  // namespace saker::rpc

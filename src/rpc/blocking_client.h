// BlockingClient: calls that wait for their reply, from any number of threads, without a thread of
// its own. Of the threads that wait, one drives the loop (the leader); the others sleep until their
// call is done or the leader leaves. So a lone caller costs one wake-up per call, not three.
//
//   caller ─┬─ nobody drives ───▶ leader: start, run turns until own call is done
//           │                     ──▶ hands the lead to a waiting caller
//           └─ somebody drives ─▶ follower: posts its start, sleeps
//                                 ──▶ done, or becomes leader
//
// The one place below the applications with a lock; it is never held while the loop runs.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "saker/rpc/channel.h"
#include "saker/rpc/unary_client_call.h"

namespace saker::rpc {

// What a blocking call may be told, and what it tells beside its reply.
struct BlockingContext {
  Duration timeout = Duration::max();  // from now
  bool wait_for_ready = false;
  grpc::Compression compression = grpc::Compression::kIdentity;  // of requests
  grpc::Metadata metadata;                                       // sent
  grpc::Metadata initial_metadata;                               // received
  grpc::Metadata trailing_metadata;                              // received
  std::string peer_name;
};

class BlockingClient {
 public:
  static Result<std::unique_ptr<BlockingClient>> create(const net::Target& target,
                                                        const ChannelOptions& options = {},
                                                        const net::EpollLoopOptions& loop = {});
  ~BlockingClient();

  // Any thread.
  template <typename Request, typename Reply>
  grpc::Status call(const ClientMethod& method, const Request& request, Reply& reply,
                    BlockingContext& context) {
    Waiting<UnaryClientCall<Request, Reply>> waiting;
    waiting.request() = request;
    run(waiting, waiting.waiter, method, context);
    if (waiting.status().ok()) reply = std::move(waiting.reply());
    return waiting.status();
  }
  // For calls of other kinds: `call` is driven until its waiter is told; see Waiting.
  class Waiter;
  void run(ClientCall& call, Waiter& waiter, const ClientMethod& method, BlockingContext& context);

  net::Loop& loop() { return *loop_; }
  Channel& channel() { return *channel_; }

  class Waiter {
   public:
    // On the loop, from on_done().
    void done();

   private:
    friend class BlockingClient;
    BlockingClient* client_ = nullptr;
    std::condition_variable wake_;
    bool done_ = false;
    Waiter* next_ = nullptr;  // list of followers
  };

  template <typename Call>
  struct Waiting final : Call {
    Waiter waiter;

   private:
    void on_done() override { waiter.done(); }
  };

 private:
  BlockingClient(std::unique_ptr<net::Loop> loop, const net::Target& target,
                 const ChannelOptions& options);
  struct StartTask;

  void lead(std::unique_lock<std::mutex>& lock, Waiter& waiter);
  void follow(std::unique_lock<std::mutex>& lock, Waiter& waiter);
  void unlist(Waiter& waiter);

  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<Channel> channel_;
  std::mutex mutex_;
  bool led_ = false;  // some thread drives the loop
  Waiter* followers_ = nullptr;
};

}  // namespace saker::rpc

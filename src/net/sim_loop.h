// SimLoop: a Loop on a SimNetwork's virtual time, for memory://name addresses. Same turn, same
// promises as EpollLoop; the clock stands still within a turn. post() and stop() may be called from
// other threads, but then a run is not repeatable.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "saker/net/loop.h"
#include "saker/net/post_queue.h"
#include "saker/net/random.h"
#include "saker/net/sim_network.h"

namespace saker::net {

struct SimReadyTag;
// Something of a SimLoop that has an event to deliver in its next turn.
// May be destroyed in any event.
struct SimReady : ListHook<SimReadyTag> {
  virtual void run_ready() = 0;

 protected:
  ~SimReady() { unlink(); }
};

class SimLoop final : public Loop {
 public:
  explicit SimLoop(SimNetwork& network);
  ~SimLoop() override;
  SimLoop(const SimLoop&) = delete;
  SimLoop& operator=(const SimLoop&) = delete;

  Time read_clock() const override { return network_.now(); }
  int64_t wall_ns(Time time) override;
  uint64_t random() override { return random_.next(); }
  void arm(Timer& timer, Time deadline) override { wheel_.arm(timer, deadline); }
  void cancel(Timer& timer) override { wheel_.cancel(timer); }
  void post(PostedTask& task) override { posts_.push(task); }
  Result<std::unique_ptr<Listener>> listen(const Address& address, const ListenOptions& options,
                                           ListenerEvents& events) override;
  std::unique_ptr<ConnectAttempt> connect(const Address& address, const ConnectOptions& options,
                                          ConnectEvents& events) override;
  // Names stand for what script_name() said last; others do not exist.
  std::unique_ptr<ResolveAttempt> resolve(const Address& name, Duration timeout,
                                          ResolveEvents& events) override;
  Result<std::unique_ptr<Stream>> adopt(Accepted accepted) override;
  void discard(Accepted accepted) override;
  // Steps the whole network; also returns when nothing is left to happen anywhere.
  void run() override;
  // Steps the network until this loop has had a turn.
  void run_once(Time until) override;
  void stop() override { stop_requested_.store(true); }

  SimNetwork& network() { return network_; }
  void script_name(const std::string& host, Result<std::vector<Address>> addresses) {
    names_.insert_or_assign(host, std::move(addresses));
  }
  size_t lookups() const { return lookups_; }  // resolve() calls so far
  void mark_ready(SimReady& ready) {
    if (!ready.linked()) ready_.push_back(ready);
  }
  void count_connection(int change) { connection_count_ += static_cast<size_t>(change); }

 private:
  friend class SimNetwork;
  bool is_runnable() const;
  Time next_deadline() const { return wheel_.next_deadline(); }
  void turn();

  SimNetwork& network_;
  Random random_;
  TimerWheel wheel_;
  IntrusiveList<SimReady, SimReadyTag> ready_;
  PostQueue posts_;
  std::map<std::string, Result<std::vector<Address>>> names_;
  size_t lookups_ = 0;
  std::atomic<bool> stop_requested_{false};
};

}  // namespace saker::net

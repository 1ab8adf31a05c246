// Loop: one thread's reactor, and the seam between the engine and the outside. Back ends: EpollLoop
// (sockets), SimLoop (virtual time, in-memory network, seeded faults). Everything but post(),
// stop() and connection_count() belongs to the loop's own thread.
//
// One turn:   wait ─▶ ready streams: recv, on_data … ─▶ posted tasks ─▶ due timers
//                  ─▶ turn-end tasks (flushes, on_sent)
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "saker/base/chunk.h"
#include "saker/base/intrusive_list.h"
#include "saker/base/result.h"
#include "saker/base/time.h"
#include "saker/net/address.h"
#include "saker/net/descriptor.h"
#include "saker/net/stream.h"
#include "saker/net/timer.h"

namespace saker::net {

// Work handed to a loop from any thread. The poster owns it and keeps it alive until run() is
// called on the loop's thread. Intrusive, so that posting allocates nothing. A task that is posted
// already may not be posted again before it runs.
struct PostedTask {
  std::atomic<PostedTask*> next_posted{nullptr};
  virtual void run() = 0;

 protected:
  ~PostedTask() = default;
};

// Work for the end of the current turn (or of the next one, when asked for outside a turn).
struct TurnTaskTag;
struct TurnTask : ListHook<TurnTaskTag> {
  virtual void run_at_turn_end() = 0;

 protected:
  ~TurnTask() { unlink(); }
};

// A connection that a listener accepted, not yet tied to a loop. Owns it: what is dropped is closed.
struct Accepted {
  Descriptor socket;        // EpollLoop's
  uint64_t connection = 0;  // SimLoop's: its number; closed by discard() only
  Peer peer{};
};

class ListenerEvents {
 public:
  // The receiver owns `accepted` and must adopt() it on some loop
  // of the same kind, or discard() it.
  virtual void on_accept(Accepted accepted) = 0;

 protected:
  ~ListenerEvents() = default;
};

class Listener {
 public:
  virtual ~Listener() = default;               // closes; a Unix path that we bound is removed
  virtual const Address& address() const = 0;  // as bound: port 0 replaced by the real port
  // Connection caps and drain: leave new connections in the backlog.
  virtual void pause(bool paused) = 0;
};

struct ListenOptions {
  int backlog = 4096;
  uint32_t unix_mode = 0660;  // permissions of a Unix socket path
  uint64_t vsock_window_bytes = 4 << 20;
};

struct ConnectOptions {
  // Whole attempt, VSOCK multiplexer handshake included.
  Duration timeout = std::chrono::seconds(20);
  uint64_t vsock_window_bytes = 4 << 20;
};

class ConnectEvents {
 public:
  // Exactly once per connect(), never inside connect() itself,
  // unless the ConnectAttempt was destroyed first.
  virtual void on_connect(Result<std::unique_ptr<Stream>> result) = 0;

 protected:
  ~ConnectEvents() = default;
};

// Destroying it abandons the attempt.
class ConnectAttempt {
 public:
  virtual ~ConnectAttempt() = default;
};

class ResolveEvents {
 public:
  // Numeric addresses, in the order in which they are to be tried; not empty. Exactly once per
  // resolve(), never inside resolve() itself, unless the ResolveAttempt was destroyed first.
  virtual void on_resolved(Result<std::vector<Address>> addresses) = 0;

 protected:
  ~ResolveEvents() = default;
};

// Destroying it abandons the attempt.
class ResolveAttempt {
 public:
  virtual ~ResolveAttempt() = default;
};

class Loop {
 public:
  virtual ~Loop() = default;

  // The turn's time: sampled after each recv and at each wake-up. Cheap.
  Time now() const { return now_; }
  // Reads the clock, without changing the turn's time.
  virtual Time read_clock() const = 0;
  // Wall-clock nanoseconds since 1970 that belong to `time` (offset sampled at most 1 s ago).
  virtual int64_t wall_ns(Time time) = 0;
  virtual uint64_t random() = 0;

  virtual void arm(Timer& timer, Time deadline) = 0;  // re-arms an armed timer
  virtual void cancel(Timer& timer) = 0;              // no-op when not armed
  void at_turn_end(TurnTask& task) {                  // no-op when asked for already
    if (!task.linked()) turn_tasks_.push_back(task);
  }
  // At the end of the next turn, which does not wait: for what has had its part of this one. No-op when
  // asked for already, of this turn's end too.
  void at_next_turn_end(TurnTask& task) {
    if (!task.linked()) next_turn_tasks_.push_back(task);
  }
  // Another one in each turn.
  uint64_t turn_number() const { return turn_number_; }
  // Thread-safe, lock-free, wakes the loop if it sleeps.
  virtual void post(PostedTask& task) = 0;

  virtual Result<std::unique_ptr<Listener>> listen(const Address& address,
                                                   const ListenOptions& options,
                                                   ListenerEvents& events) = 0;
  virtual std::unique_ptr<ConnectAttempt> connect(const Address& address,
                                                  const ConnectOptions& options,
                                                  ConnectEvents& events) = 0;
  // What a TCP host name stands for (see needs_lookup()). Never blocks.
  virtual std::unique_ptr<ResolveAttempt> resolve(const Address& name, Duration timeout,
                                                  ResolveEvents& events) = 0;
  virtual Result<std::unique_ptr<Stream>> adopt(Accepted accepted) = 0;
  virtual void discard(Accepted accepted) = 0;

  // Runs turns until stop().
  virtual void run() = 0;
  // One turn that waits for work until `until` at the longest (a time in the past: polls once).
  virtual void run_once(Time until) = 0;
  virtual void stop() = 0;  // thread-safe

  ChunkPool& chunks() { return chunks_; }
  // Streams open on this loop. Any thread.
  size_t connection_count() const { return connection_count_.load(std::memory_order_relaxed); }

 protected:
  Time now_{};
  // The end of a turn, the same for every back end (turn_end.cc).
  void run_turn_end();
  bool has_turn_tasks() const { return !turn_tasks_.empty(); }

  uint64_t turn_number_ = 0;
  IntrusiveList<TurnTask, TurnTaskTag> turn_tasks_;
  IntrusiveList<TurnTask, TurnTaskTag> next_turn_tasks_;  // joins the others as a turn ends
  ChunkPool chunks_;
  std::atomic<size_t> connection_count_{0};
};

struct EpollLoopOptions {
  Duration busy_poll{0};  // look for work this long before sleeping
  size_t receive_buffer_bytes = 256 * 1024;
};

Result<std::unique_ptr<Loop>> make_epoll_loop(const EpollLoopOptions& options = {});

}  // namespace saker::net

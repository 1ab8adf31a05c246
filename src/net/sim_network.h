// SimNetwork: the world of the simulator: virtual time, connections in memory, and faults, all
// decided by one seed, so that a seed replays a run exactly. Any number of SimLoops share it in one
// thread; it must outlive them. Bytes travel in order, each part with a latency of its own; a write
// is taken late and in parts (as a kernel ring would take it), a read gets only some of what is
// there. Nothing here reads a clock, and no unordered container decides an order.
//
//   submit ─▶ taken (on_sent) ─▶ on the way ─▶ inbox of the other end ─▶ on_data
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "saker/base/bytes.h"
#include "saker/base/time.h"
#include "saker/net/random.h"

namespace saker::net {

class SimConnect;
class SimListener;
class SimLoop;
class SimStream;

// Probabilities from 0 to 1. Without faults, and with equal latencies, the network is ideal.
struct SimFaults {
  double short_read = 0;   // a read gets only a part of what has arrived
  double short_write = 0;  // a write is taken in parts, with a latency between them
  double late_write = 0;   // a write is not taken at once, but a latency after submit()
  double reset = 0;        // per part that arrives: the connection breaks instead
  // Per part that arrives: nothing more comes from that side, not even what it has sent.
  double half_close = 0;
  double refuse_connect = 0;  // ECONNREFUSED though somebody listens
  double lose_connect = 0;    // no answer, until the attempt times out
  Duration latency_min = std::chrono::microseconds(10);
  Duration latency_max = std::chrono::microseconds(100);
  size_t window_bytes = 256 * 1024;  // taken and not yet read, per direction
};

class SimNetwork {
 public:
  explicit SimNetwork(uint64_t seed, SimFaults faults = {});
  ~SimNetwork();
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;

  Time now() const { return now_; }
  // One turn of a loop that has work, or else the time moves on to the next thing that happens,
  // `until` at the latest. False: nothing was left to do before `until`.
  bool step(Time until = kNever);
  // Steps until done() holds; false if `limit` of virtual time went by,
  // or nothing is left to happen.
  bool run_until(const std::function<bool()>& done, Duration limit);
  // Everything that happened so far, in order: equal for equal seeds and programs.
  uint64_t trace_hash() const { return trace_; }

  // Faults from now on.
  void set_faults(const SimFaults& faults) { faults_ = faults; }

 private:
  friend class SimConnect;
  friend class SimListener;
  friend class SimLoop;
  friend class SimStream;

  enum class Kind : uint8_t { kTake, kArrive, kEnd, kReset, kSyn, kAccepted, kRefused };
  struct Event {
    Kind kind;
    uint64_t id = 0;  // a connection; kSyn, kAccepted, kRefused: an attempt
    int end = 0;      // 0: the side that connected, 1: the side that accepted
    std::string bytes{};
    uint64_t connection = 0;  // kAccepted
  };
  struct End {
    SimLoop* loop = nullptr;
    SimStream* stream = nullptr;  // nullptr: not adopted yet, or closed
    std::string inbox{};
    size_t on_the_way = 0;  // taken from this end, not read at the other
    Time last_arrival{};    // at the other end
    int broken = 0;         // errno
    bool end_arrived = false;
    bool is_blocked = false;  // its write waits for room
    bool is_cut = false;      // by a half-close fault: what is written vanishes
    bool is_closed = false;
  };
  struct Connection {
    std::string address;
    End ends[2];
  };

  void schedule(Time time, Event event);
  Duration latency();
  void handle(Event& event);
  void handle_take(Connection& connection, Event& event);
  void handle_arrive(Connection& connection, Event& event);
  void handle_end(Connection& connection, Event& event);
  void handle_reset(Connection& connection, Event& event);
  void handle_syn(Event& event);
  void handle_answer(Event& event);
  void break_both(Connection& connection);
  bool run_one_turn();
  Time next_time() const;

  Connection* find(uint64_t id);
  uint64_t add_connection(std::string address, SimLoop& client, SimLoop& server);
  // Takes up to all of the stream's write; true if nothing is left of it.
  bool take(uint64_t id, int end);
  // The reader has taken bytes out of its inbox.
  void handle_room(uint64_t id, int reader, size_t bytes);
  void close_end(uint64_t id, int end);
  void trace(uint64_t value);
  void trace_bytes(Bytes bytes);

  Time now_;
  Random random_;
  SimFaults faults_;
  uint64_t trace_;
  uint64_t next_id_ = 1;
  std::multimap<Time, Event> events_;  // equal times: in the order scheduled
  std::map<uint64_t, Connection> connections_;
  std::map<uint64_t, SimConnect*> attempts_;
  std::map<std::string, SimListener*> listeners_;
  std::vector<SimLoop*> loops_;
};

}  // namespace saker::net

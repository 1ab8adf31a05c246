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
#include "saker/net/sim_faults.h"

namespace saker::net {

class SimConnect;
class SimListener;
class SimLoop;
class SimStream;

// How a process ends that cannot say goodbye.
enum class SimKill : uint8_t {
  kProcess,  // its kernel resets what it had open
  kMachine,  // nobody is told
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
  const SimFaults& faults() const { return faults_; }
  const SimFaultCounts& counts() const { return counts_; }

  // The clock goes on by `by` at once, as for a machine that was suspended: what would have arrived
  // meanwhile is there, and whatever waited for a time finds that it has passed.
  void jump(Duration by);
  // The wall clock is set; monotonic time does not notice.
  void set_wall_clock_back(Duration by);
  // Everything that the loop's side has open, and what it has not sent, is gone. What the program
  // still does with its streams reaches nobody.
  void kill(const SimLoop& loop, SimKill how);
  // Connections of which at least one side is open, the backlogs' included.
  size_t open_connections() const { return connections_.size(); }
  // Told of everything that happens, in words: for the replay of a seed.
  void set_observer(std::function<void(const std::string&)> observer) {
    observer_ = std::move(observer);
  }

 private:
  friend class SimConnect;
  friend class SimListener;
  friend class SimLoop;
  friend class SimStream;

  enum class Kind : uint8_t { kTake, kArrive, kEnd, kReset, kWake, kSyn, kAccepted, kRefused };
  struct Event {
    Kind kind;
    uint64_t id = 0;  // a connection; kSyn, kAccepted, kRefused: an attempt
    int end = 0;      // 0: the side that connected, 1: the side that accepted
    std::string bytes{};
    uint64_t connection = 0;  // kAccepted
    Time sent_at{};           // kArrive
  };
  // Bytes that have arrived and are not read yet.
  class Inbox {
   public:
    bool empty() const { return at_ == bytes_.size(); }
    size_t size() const { return bytes_.size() - at_; }
    void append(const std::string& bytes);
    void take(uint8_t* to, size_t size);
    void clear();

   private:
    std::string bytes_;
    size_t at_ = 0;
  };
  struct End {
    SimLoop* loop = nullptr;
    SimStream* stream = nullptr;  // nullptr: not adopted yet, or closed
    Inbox inbox{};
    size_t on_the_way = 0;  // taken from this end, not read at the other
    Time last_arrival{};    // at the other end
    int broken = 0;         // errno
    bool end_arrived = false;
    bool is_blocked = false;  // its write waits for room
    bool is_cut = false;      // by a half-close fault: what is written vanishes
    bool is_closed = false;
    bool is_slow_reader = false;
    bool is_slow_writer = false;
    bool rests = false;  // a slow reader, until kWake
  };
  struct Connection {
    std::string address;
    bool is_black_hole = false;
    End ends[2];
  };

  void schedule(Time time, Event event);
  Duration latency();
  // Whether a fault happens now; counts it.
  bool strikes(double probability, SimFault fault);
  void handle_due();
  void handle(Event& event);
  void note(const Event& event) const;
  void note_order(const Event& event);
  void handle_take(Connection& connection, Event& event);
  void handle_arrive(Connection& connection, Event& event);
  void handle_end(Connection& connection, Event& event);
  void handle_reset(Connection& connection, Event& event);
  void handle_wake(Connection& connection, Event& event);
  void handle_syn(Event& event);
  void handle_answer(Event& event);
  void break_both(Connection& connection);
  bool run_one_turn();
  Time next_time() const;

  Connection* find(uint64_t id);
  uint64_t add_connection(std::string address, SimLoop& client, SimLoop& server);
  // Takes up to all of the stream's write; true if nothing is left of it.
  bool take(uint64_t id, int end);
  size_t part_size(const End& from, size_t most);
  // The reader has taken bytes out of its inbox.
  void handle_room(uint64_t id, int reader, size_t bytes);
  void close_end(uint64_t id, int end);
  void trace(uint64_t value);
  void trace_bytes(Bytes bytes);

  Time now_;
  Random random_;
  SimFaults faults_;
  SimFaultCounts counts_;
  uint64_t trace_;
  Duration wall_clock_back_{};
  Time latest_sent_{};  // of all parts that have arrived, and whose it was
  uint64_t latest_id_ = 0;
  std::function<void(const std::string&)> observer_;
  uint64_t next_id_ = 1;
  std::multimap<Time, Event> events_;  // equal times: in the order scheduled
  std::map<uint64_t, Connection> connections_;
  std::map<uint64_t, SimConnect*> attempts_;
  std::map<std::string, SimListener*> listeners_;
  std::vector<SimLoop*> loops_;
  std::vector<SimLoop*> runnable_;  // of one turn
};

}  // namespace saker::net

#include "saker/net/sim_network.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "saker/net/sim_connect.h"
#include "saker/net/sim_listener.h"
#include "saker/net/sim_loop.h"
#include "saker/net/sim_stream.h"

namespace saker::net {
namespace {

constexpr Time kStart{std::chrono::hours(1)};
constexpr uint64_t kFnvOffset = 0xCBF29CE484222325;
constexpr uint64_t kFnvPrime = 0x100000001B3;

}  // namespace

SimNetwork::SimNetwork(uint64_t seed, SimFaults faults)
    : now_(kStart), random_(seed), faults_(faults), trace_(kFnvOffset) {}

SimNetwork::~SimNetwork() = default;

void SimNetwork::trace(uint64_t value) {
  trace_ = (trace_ ^ value) * kFnvPrime;
}

void SimNetwork::trace_bytes(Bytes bytes) {
  for (; bytes.size() >= sizeof(uint64_t); bytes = bytes.subspan(sizeof(uint64_t))) {
    trace(load_be64(bytes.data()));
  }
  for (const uint8_t byte : bytes) trace(byte);
}

void SimNetwork::Inbox::append(const std::string& bytes) {
  if (at_ > bytes_.size() / 2) {
    bytes_.erase(0, at_);
    at_ = 0;
  }
  bytes_ += bytes;
}

void SimNetwork::Inbox::take(uint8_t* to, size_t size) {
  std::memcpy(to, bytes_.data() + at_, size);
  at_ += size;
  if (empty()) clear();
}

void SimNetwork::Inbox::clear() {
  bytes_.clear();
  at_ = 0;
}

Duration SimNetwork::latency() {
  const auto range = (faults_.latency_max - faults_.latency_min).count();
  if (range <= 0) return faults_.latency_min;
  return faults_.latency_min +
         Duration(static_cast<int64_t>(random_.below(static_cast<uint64_t>(range) + 1)));
}

bool SimNetwork::strikes(double probability, SimFault fault) {
  if (probability <= 0 || !random_.chance(probability)) return false;
  counts_.add(fault);
  return true;
}

void SimNetwork::schedule(Time time, Event event) {
  events_.emplace(std::max(time, now_), std::move(event));
}

SimNetwork::Connection* SimNetwork::find(uint64_t id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

uint64_t SimNetwork::add_connection(std::string address, SimLoop& client, SimLoop& server) {
  const uint64_t id = next_id_++;
  Connection& connection = connections_[id];
  connection.address = std::move(address);
  connection.ends[0].loop = &client;
  connection.ends[1].loop = &server;
  for (End& end : connection.ends) {
    end.is_slow_reader = strikes(faults_.slow_reader, SimFault::kSlowReader);
    end.is_slow_writer = strikes(faults_.slow_writer, SimFault::kSlowWriter);
  }
  return id;
}

// Which loop goes first is chance too: no program may depend on it.
bool SimNetwork::run_one_turn() {
  runnable_.clear();
  for (SimLoop* loop : loops_) {
    if (loop->is_runnable()) runnable_.push_back(loop);
  }
  if (runnable_.empty()) return false;
  const uint64_t choice = random_.below(runnable_.size());
  trace(choice);
  runnable_[choice]->turn();
  return true;
}

Time SimNetwork::next_time() const {
  Time next = events_.empty() ? kNever : events_.begin()->first;
  for (const SimLoop* loop : loops_) next = std::min(next, loop->next_deadline());
  return next;
}

bool SimNetwork::step(Time until) {
  if (run_one_turn()) return true;
  const Time next = next_time();
  if (next == kNever || next > until) {
    if (until != kNever) now_ = std::max(now_, until);
    return false;
  }
  now_ = std::max(now_, next);
  handle_due();
  return true;
}

void SimNetwork::handle_due() {
  while (!events_.empty() && events_.begin()->first <= now_) {
    auto node = events_.extract(events_.begin());
    handle(node.mapped());
  }
}

bool SimNetwork::run_until(const std::function<bool()>& done, Duration limit) {
  const Time end = time_after(now_, limit);
  while (!done()) {
    if (!step(end)) return done();
  }
  return true;
}

// ---- what the world does

void SimNetwork::jump(Duration by) {
  counts_.add(SimFault::kClockJump);
  now_ += by;
  trace(static_cast<uint64_t>(by.count()));
  if (observer_) observer_("the clock jumps");
  handle_due();
}

void SimNetwork::set_wall_clock_back(Duration by) {
  counts_.add(SimFault::kWallClockBack);
  wall_clock_back_ += by;
}

void SimNetwork::kill(const SimLoop& loop, SimKill how) {
  for (auto& [id, connection] : connections_) {
    const bool is_its = connection.ends[0].loop == &loop || connection.ends[1].loop == &loop;
    if (!is_its || connection.is_black_hole) continue;
    counts_.add(SimFault::kKilled);
    trace(id);
    if (how == SimKill::kMachine) {
      connection.is_black_hole = true;
    } else {
      break_both(connection);
    }
  }
  if (observer_) observer_(how == SimKill::kMachine ? "a machine stops" : "a process is killed");
}

// ---- events

void SimNetwork::note(const Event& event) const {
  constexpr std::array<const char*, 8> kNames = {"take", "arrive", "end",      "reset",
                                                 "wake", "syn",    "accepted", "refused"};
  std::string text = std::string(kNames[static_cast<size_t>(event.kind)]) + " " +
                     std::to_string(event.id) + (event.end == 0 ? " client" : " server");
  if (!event.bytes.empty()) text += " " + std::to_string(event.bytes.size()) + " B";
  observer_(text);
}

void SimNetwork::note_order(const Event& event) {
  if (event.sent_at < latest_sent_) {
    if (event.id != latest_id_) counts_.add(SimFault::kReorder);
    return;
  }
  latest_sent_ = event.sent_at;
  latest_id_ = event.id;
}

void SimNetwork::handle(Event& event) {
  if (observer_) note(event);
  trace(static_cast<uint64_t>(now_.time_since_epoch().count()));
  trace(static_cast<uint64_t>(event.kind) << 56 ^ event.id << 1 ^ static_cast<uint64_t>(event.end));
  if (event.kind == Kind::kSyn) return handle_syn(event);
  if (event.kind == Kind::kAccepted || event.kind == Kind::kRefused) return handle_answer(event);
  Connection* connection = find(event.id);
  if (connection == nullptr) return;  // closed at both ends meanwhile
  switch (event.kind) {
    case Kind::kTake:
      return handle_take(*connection, event);
    case Kind::kArrive:
      return handle_arrive(*connection, event);
    case Kind::kEnd:
      return handle_end(*connection, event);
    case Kind::kWake:
      return handle_wake(*connection, event);
    default:
      return handle_reset(*connection, event);
  }
}

void SimNetwork::handle_take(Connection& connection, Event& event) {
  SimStream* stream = connection.ends[event.end].stream;
  if (stream != nullptr && take(event.id, event.end)) stream->complete_write();
}

bool SimNetwork::take(uint64_t id, int end) {
  Connection& connection = *find(id);
  End& from = connection.ends[end];
  ChunkQueue& unsent = from.stream->unsent();
  const size_t room = faults_.window_bytes - std::min(from.on_the_way, faults_.window_bytes);
  const size_t size = part_size(from, std::min(unsent.size(), room));
  from.is_blocked = size == 0 && !unsent.empty();
  if (size == 0) return unsent.empty();
  Event arrival{Kind::kArrive, id, 1 - end};
  arrival.sent_at = now_;
  arrival.bytes.resize(size);
  unsent.copy_to({reinterpret_cast<uint8_t*>(arrival.bytes.data()), size});
  unsent.consume(size);
  trace_bytes(as_bytes(arrival.bytes));
  if (!from.is_cut && from.broken == 0) {
    from.on_the_way += size;
    from.last_arrival = std::max(from.last_arrival, now_ + latency());
    if (strikes(faults_.delay, SimFault::kDelay)) {
      const auto range = static_cast<uint64_t>(faults_.delay_max.count());
      from.last_arrival += Duration(static_cast<int64_t>(random_.below(range + 1)));
    }
    schedule(from.last_arrival, std::move(arrival));
  }
  if (unsent.empty()) return true;
  const Duration rest = from.is_slow_writer ? faults_.slow_pause : latency();
  schedule(now_ + rest, {Kind::kTake, id, end});
  return false;
}

// How much of `most` is taken now.
size_t SimNetwork::part_size(const End& from, size_t most) {
  if (from.is_slow_writer) most = std::min(most, faults_.slow_bytes);
  if (most > 1 && strikes(faults_.short_write, SimFault::kShortWrite)) {
    return 1 + random_.below(most);
  }
  return most;
}

void SimNetwork::handle_arrive(Connection& connection, Event& event) {
  End& to = connection.ends[event.end];
  End& from = connection.ends[1 - event.end];
  if (to.broken != 0 || from.is_cut || connection.is_black_hole) return;
  if (to.is_closed) {  // as TCP: bytes for nobody are answered with a reset
    schedule(std::max(to.last_arrival, now_ + latency()), {Kind::kReset, event.id, 1 - event.end});
    return;
  }
  if (strikes(faults_.reset, SimFault::kReset)) return break_both(connection);
  if (strikes(faults_.black_hole, SimFault::kBlackHole)) {
    connection.is_black_hole = true;
    return;
  }
  note_order(event);
  to.inbox.append(event.bytes);
  if (strikes(faults_.half_close, SimFault::kHalfClose)) {
    from.is_cut = true;
    to.end_arrived = true;
  }
  if (to.stream != nullptr) to.stream->mark_ready();
}

void SimNetwork::handle_end(Connection& connection, Event& event) {
  if (connection.is_black_hole) return;
  End& to = connection.ends[event.end];
  to.end_arrived = true;
  if (to.stream != nullptr) to.stream->mark_ready();
}

void SimNetwork::handle_reset(Connection& connection, Event& event) {
  if (connection.is_black_hole) return;
  End& to = connection.ends[event.end];
  to.broken = ECONNRESET;
  if (to.stream != nullptr) to.stream->mark_ready();
}

void SimNetwork::handle_wake(Connection& connection, Event& event) {
  End& reader = connection.ends[event.end];
  reader.rests = false;
  if (reader.stream != nullptr) reader.stream->mark_ready();
}

void SimNetwork::break_both(Connection& connection) {
  for (End& end : connection.ends) {
    end.broken = ECONNRESET;
    if (end.stream != nullptr) end.stream->mark_ready();
  }
}

void SimNetwork::handle_room(uint64_t id, int reader, size_t bytes) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  End& writer = connection->ends[1 - reader];
  writer.on_the_way -= std::min(bytes, writer.on_the_way);
  if (!writer.is_blocked || bytes == 0) return;
  writer.is_blocked = false;
  schedule(now_ + latency(), {Kind::kTake, id, 1 - reader});
}

// The end of the stream follows whatever is still on the way.
void SimNetwork::close_end(uint64_t id, int end) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->ends[end].is_closed) return;
  End& closed = connection->ends[end];
  closed.is_closed = true;
  closed.stream = nullptr;
  closed.last_arrival = std::max(closed.last_arrival, now_ + latency());
  // A writer that was blocked goes on, and meets the reset.
  handle_room(id, end, closed.inbox.size());
  closed.inbox.clear();
  if (connection->ends[1 - end].is_closed) {
    connections_.erase(id);
  } else {
    schedule(closed.last_arrival, {Kind::kEnd, id, 1 - end});
  }
}

void SimNetwork::handle_syn(Event& event) {
  const auto found = attempts_.find(event.id);
  if (found == attempts_.end()) return;
  if (strikes(faults_.lose_connect, SimFault::kLostConnect)) return;
  const auto listening = listeners_.find(found->second->name());
  const bool is_refused = listening == listeners_.end() || !listening->second->has_room() ||
                          strikes(faults_.refuse_connect, SimFault::kRefusedConnect);
  if (is_refused) return schedule(now_ + latency(), {Kind::kRefused, event.id});
  SimListener& listener = *listening->second;
  Event accepted{Kind::kAccepted, event.id};
  accepted.connection =
      add_connection(found->second->name(), found->second->loop(), listener.loop());
  listener.add(accepted.connection);
  schedule(now_ + latency(), std::move(accepted));
}

void SimNetwork::handle_answer(Event& event) {
  const auto found = attempts_.find(event.id);
  if (found != attempts_.end()) {
    found->second->handle_answer(event.connection);
  } else if (event.connection != 0) {
    close_end(event.connection, 0);
  }
}

}  // namespace saker::net

// Two real connections, client and server, joined by two byte queues on virtual time. Everything
// random comes from one seed, which replays a run exactly. The world knows what each call was meant
// to carry, and checks every byte and every end.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "saker/h2/connection.h"

namespace saker::h2 {

// One direction of a call.
struct Half {
  size_t planned = 0;
  size_t queued = 0;  // handed to the sender's connection
  size_t received = 0;
  bool ended = false;  // END_STREAM arrived
};

struct Call {
  StreamId id = 0;
  Half up;
  Half down;
  Stream* at[2] = {nullptr, nullptr};  // while open, at client and server
  int seen[2] = {0, 0};
  int closed[2] = {0, 0};
  CloseCause cause[2] = {};
  size_t owed[2] = {0, 0};  // DATA received and not yet consumed
  bool up_ended = false;    // END_STREAM handed to the client's connection
  bool head_sent = false;   // the response's
  bool down_ended = false;
};

// The payload byte of a call at an offset; `up`: of the request.
uint8_t byte_at(StreamId id, bool up, size_t offset);

class World;

class Side final : public ConnectionEvents {
 public:
  Side(World& world, Role role, const ConnectionOptions& options);
  ~Side();

  void on_headers(Stream& stream, const HeadersEvent& event) override;
  void on_data(Stream& stream, Bytes data, bool end_stream) override;
  void on_stream_closed(Stream& stream, CloseCause cause, ErrorCode code) override;
  void on_stream_drained(Stream&) override {}
  void on_peer_settings() override {}
  void on_goaway(StreamId, ErrorCode, std::string_view) override {}
  void on_ping(uint64_t) override {}
  void on_ping_ack(uint64_t) override {}

  void inject_settings(uint32_t window, uint32_t table);  // as if we had changed our mind
  void flush();                                           // output to the wire
  void check_at_rest(const Side& other) const;
  Half& incoming(Call& call) const { return role == Role::kClient ? call.down : call.up; }
  Half& outgoing(Call& call) const { return role == Role::kClient ? call.up : call.down; }

  World& world;
  const Role role;
  const int index;  // 0 client, 1 server
  const ConnectionOptions options;
  ChunkPool chunks;
  ObjectPool<Stream> streams;
  hpack::DecoderScratch scratch;
  std::unique_ptr<Connection> connection;
  std::deque<uint8_t> wire;  // what we sent and the other has not yet got
  bool lowered = false;      // injected settings hold at the other side
};

class World {
 public:
  explicit World(unsigned seed);
  ~World();

  void run(size_t calls);  // random steps, then every call to its end
  size_t completed() const;

 private:
  friend class Side;

  ConnectionOptions random_options();
  size_t random_size();
  size_t up_to(size_t most) { return random_() % (most + 1); }
  bool one_in(unsigned n) { return random_() % n == 0; }
  Call* random_call(int side);

  void step(bool may_open);
  void open_call();
  void send_request(Call& call);
  void send_response(Call& call);
  bool send_piece(Side& side, Call& call, bool may_end);
  void reset_one(Side& side);
  void consume_one(Side& side, bool all);
  void deliver(Side& from, size_t most);
  void pass_time();

  bool quiet() const;
  void settle();  // until nothing moves any more
  void finish_calls();
  void check_end();

  unsigned seed_;
  std::mt19937_64 random_;
  Time now_{std::chrono::hours(1)};
  std::map<StreamId, Call> calls_;
  std::set<StreamId> open_;  // not yet closed at the client
  Side client_;
  Side server_;
};

}  // namespace saker::h2

#include "saker/h2/pair_testing.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace saker::h2 {
namespace {

using std::chrono::milliseconds;

const std::vector<hpack::OutField> kRequestHead = {
    {":method", "POST"}, {":scheme", "http"}, {":path", "/S/M"}, {"te", "trailers"}};
const std::vector<hpack::OutField> kResponseHead = {{":status", "200"},
                                                    {"content-type", "application/grpc"}};
const std::vector<hpack::OutField> kTrailers = {{"grpc-status", "0"}};

}  // namespace

World::World(unsigned seed)
    : seed_(seed),
      random_(seed),
      client_(*this, Role::kClient, random_options()),
      server_(*this, Role::kServer, random_options()) {}

World::~World() = default;

ConnectionOptions World::random_options() {
  static constexpr uint32_t kWindows[] = {500, 4000, 65535, 65535, 1 << 20};
  ConnectionOptions options;
  options.initial_stream_window_bytes = kWindows[random_() % std::size(kWindows)];
  options.initial_connection_window_bytes = kWindows[random_() % std::size(kWindows)];
  options.max_concurrent_streams = static_cast<uint32_t>(2 + up_to(50));
  options.max_frame_bytes =
      static_cast<uint32_t>(kMinMaxFrameBytes + (one_in(2) ? up_to(50'000) : 0));
  options.header_table_bytes = static_cast<uint32_t>(one_in(2) ? 4096 : up_to(300));
  options.adaptive_window = one_in(2);
  options.send_quantum_bytes = static_cast<uint32_t>(1000 + up_to(30'000));
  options.output_cap_bytes = static_cast<uint32_t>(one_in(2) ? 512 * 1024 : 2000 + up_to(30'000));
  return options;
}

size_t World::random_size() {
  switch (random_() % 8) {
    case 0:
      return 0;
    case 1:
      return up_to(300'000);
    case 2:
      return up_to(40'000);
    default:
      return up_to(200);
  }
}

Call* World::random_call(int side) {
  if (open_.empty()) return nullptr;
  auto at = open_.lower_bound(static_cast<StreamId>(up_to(*open_.rbegin())));
  Call& call = calls_.at(*at);
  return call.at[side] == nullptr ? nullptr : &call;
}

void World::run(size_t calls) {
  const size_t rest_every = 300 + up_to(1000);
  for (size_t steps = 1; steps < 3000; ++steps) {
    step(calls_.size() < calls);
    if (steps % rest_every == 0) settle();
    if (testing::Test::HasFatalFailure()) return;
  }
  finish_calls();
  check_end();
}

void World::step(bool may_open) {
  Side& side = one_in(2) ? client_ : server_;
  pass_time();
  switch (random_() % 16) {
    case 0:
      if (may_open) open_call();
      return;
    case 1:
    case 2:
    case 3:
      if (Call* call = random_call(0)) send_request(*call);
      return;
    case 4:
    case 5:
    case 6:
      if (Call* call = random_call(1)) send_response(*call);
      return;
    case 7:
      return consume_one(side, false);
    case 8:
      if (one_in(25)) reset_one(side);
      if (one_in(30) && side.connection->peer_settings_received() && !side.lowered) {
        side.flush();
        side.inject_settings(static_cast<uint32_t>(up_to(side.options.initial_stream_window_bytes)),
                             static_cast<uint32_t>(up_to(side.options.header_table_bytes)));
      }
      return;
    case 9:
    case 10:
    case 11:
      return side.flush();
    default:
      return deliver(side, one_in(3) ? up_to(20) : up_to(one_in(2) ? 3000 : 200'000));
  }
}

void World::pass_time() {
  now_ += milliseconds(random_() % 2);
  for (Side* side : {&client_, &server_}) {
    if (side->connection->poll_timeout() <= now_) side->connection->handle_timeout(now_);
  }
}

void World::deliver(Side& from, size_t most) {
  Side& to = &from == &client_ ? server_ : client_;
  const size_t size = std::min(most, from.wire.size());
  const auto end = from.wire.begin() + static_cast<ptrdiff_t>(size);
  const std::vector<uint8_t> bytes(from.wire.begin(), end);
  from.wire.erase(from.wire.begin(), end);
  ASSERT_TRUE(to.connection->handle_input(bytes, now_)) << to.connection->error().why;
}

// ---- calls

void World::open_call() {
  Call call;
  call.up.planned = random_size();
  call.down.planned = random_size();
  call.up_ended = call.up.planned == 0 && one_in(2);
  std::vector<hpack::OutField> varying = {{"x-call", "0123456789"}};
  const std::string value = std::to_string(up_to(20));
  varying.push_back({"x-index", value, hpack::Indexing::kIndex});
  hpack::CachedBlock cache;
  Stream* stream =
      client_.connection->open_stream(kRequestHead, cache, varying, call.up_ended, now_);
  if (stream == nullptr) return;
  stream->credit_on_receipt = one_in(2);
  call.id = stream->id;
  call.at[0] = stream;
  call.seen[0] = 1;
  calls_.emplace(call.id, call);
  open_.insert(call.id);
}

void World::send_request(Call& call) {
  if (call.up_ended) return;
  call.up_ended = send_piece(client_, call, true);
}

void World::send_response(Call& call) {
  if (call.down_ended) return;
  Stream& stream = *call.at[1];
  if (!call.head_sent) {
    if (!call.up.ended && !one_in(30)) return;  // now and then before the request is whole
    hpack::CachedBlock cache;
    server_.connection->send_headers(stream, kResponseHead, cache, {}, false);
    call.head_sent = true;
    return;
  }
  if (call.down.queued < call.down.planned || call.id % 3 == 0) {
    call.down_ended = send_piece(server_, call, call.id % 3 == 0);
  } else {
    call.down_ended = true;
    hpack::CachedBlock cache;
    server_.connection->send_headers(stream, kTrailers, cache, {}, true);
  }
}

// Part of what is left, directly or through the queue. True: END_STREAM went with it.
bool World::send_piece(Side& side, Call& call, bool may_end) {
  Half& half = side.outgoing(call);
  const size_t left = half.planned - half.queued;
  const auto size = static_cast<uint32_t>(one_in(3) ? left : up_to(std::min<size_t>(left, 30'000)));
  const bool end = may_end && size == left;
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) byte = byte_at(call.id, side.role == Role::kClient, half.queued++);
  Stream& stream = *call.at[side.index];
  uint8_t* direct = one_in(2) ? side.connection->try_begin_data(stream, size, end) : nullptr;
  if (direct != nullptr) {
    std::copy(bytes.begin(), bytes.end(), direct);
    return end;
  }
  ChunkQueue payload(side.chunks);
  payload.append(bytes);
  side.connection->send_data(stream, std::move(payload), end);
  return end;
}

void World::reset_one(Side& side) {
  if (Call* call = random_call(side.index)) {
    side.connection->reset(*call->at[side.index], ErrorCode::kCancel);
  }
}

void World::consume_one(Side& side, bool all) {
  for (auto& [id, call] : calls_) {
    size_t& owed = call.owed[side.index];
    if (call.at[side.index] == nullptr || owed == 0) continue;
    const size_t bytes = all ? owed : up_to(owed);
    owed -= bytes;
    side.connection->consume(*call.at[side.index], static_cast<uint32_t>(bytes));
    if (!all) return;
  }
}

// ---- the end

bool World::quiet() const {
  return client_.wire.empty() && server_.wire.empty() && !client_.connection->wants_write() &&
         !server_.connection->wants_write();
}

void World::settle() {
  while (!quiet()) {
    for (Side* side : {&client_, &server_}) {
      side->flush();
      deliver(*side, side->wire.size());
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  client_.check_at_rest(server_);
  server_.check_at_rest(client_);
}

void World::finish_calls() {
  for (Side* side : {&client_, &server_}) {
    side->flush();
    side->inject_settings(side->options.initial_stream_window_bytes,
                          side->options.header_table_bytes);
  }
  for (int rounds = 0; !open_.empty() && rounds < 10'000; ++rounds) {
    for (const StreamId id : std::vector<StreamId>(open_.begin(), open_.end())) {
      Call& call = calls_.at(id);
      if (call.at[0] != nullptr) send_request(call);
      if (call.at[1] != nullptr) send_response(call);
    }
    consume_one(client_, true);
    consume_one(server_, true);
    settle();
    if (testing::Test::HasFatalFailure()) return;
  }
  settle();
}

size_t World::completed() const {
  return static_cast<size_t>(std::count_if(calls_.begin(), calls_.end(), [](const auto& entry) {
    const Call& call = entry.second;
    return call.closed[0] == 1 && call.cause[0] == CloseCause::kCompleted && call.up.ended;
  }));
}

void World::check_end() {
  EXPECT_TRUE(open_.empty());
  for (const auto& [id, call] : calls_) {
    for (const int side : {0, 1}) EXPECT_EQ(call.closed[side], call.seen[side]) << id;
    if (call.cause[0] != CloseCause::kCompleted) continue;
    EXPECT_EQ(call.down.received, call.down.planned) << id;
    EXPECT_TRUE(call.down.ended) << id;
    if (!call.up.ended) continue;  // the response came early
    EXPECT_EQ(call.up.received, call.up.planned) << id;
  }
  EXPECT_EQ(client_.chunks.outstanding(), 0u);
  EXPECT_EQ(server_.chunks.outstanding(), 0u);
}

}  // namespace saker::h2

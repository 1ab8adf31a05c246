// Side: one end of the pair. It checks every event against what the call was meant to carry.
#include <gtest/gtest.h>

#include "saker/h2/pair_testing.h"

namespace saker::h2 {

uint8_t byte_at(StreamId id, bool up, size_t offset) {
  return static_cast<uint8_t>(id * 31 + (up ? 7 : 0) + offset * 13 + (offset >> 8));
}

Side::Side(World& in, Role as, const ConnectionOptions& with)
    : world(in), role(as), index(as == Role::kClient ? 0 : 1), options(with) {
  connection = std::make_unique<Connection>(
      role, options, ConnectionResources{chunks, streams, scratch}, *this, world.now_);
}

Side::~Side() {
  EXPECT_EQ(connection->counters().invariants_broken, 0u);
  EXPECT_EQ(connection->open_streams(), 0u);
  connection.reset();
  EXPECT_EQ(chunks.outstanding(), 0u);
  EXPECT_EQ(streams.outstanding(), 0u);
}

void Side::on_headers(Stream& stream, const HeadersEvent& event) {
  Call& call = world.calls_.at(stream.id);
  if (event.kind == HeadersKind::kRequest) {
    EXPECT_EQ(++call.seen[index], 1);
    call.at[index] = &stream;
    stream.credit_on_receipt = world.one_in(2);
  }
  EXPECT_FALSE(event.truncated);
  EXPECT_FALSE(incoming(call).ended);
  incoming(call).ended |= event.end_stream;
}

void Side::on_data(Stream& stream, Bytes data, bool end_stream) {
  Call& call = world.calls_.at(stream.id);
  Half& half = incoming(call);
  EXPECT_FALSE(half.ended);
  size_t wrong = 0;
  for (const uint8_t byte : data) {
    wrong += byte != byte_at(stream.id, role == Role::kServer, half.received++);
  }
  EXPECT_EQ(wrong, 0u) << stream.id;
  half.ended = end_stream;
  if (!stream.credit_on_receipt) call.owed[index] += data.size();
}

void Side::on_stream_closed(Stream& stream, CloseCause cause, ErrorCode) {
  Call& call = world.calls_.at(stream.id);
  EXPECT_EQ(++call.closed[index], 1) << stream.id;
  EXPECT_EQ(call.at[index], &stream);
  call.at[index] = nullptr;
  call.cause[index] = cause;
  if (role == Role::kClient) world.open_.erase(stream.id);
}

void Side::inject_settings(uint32_t window, uint32_t table) {
  uint8_t frame[kFrameHeaderBytes + 2 * kSettingBytes];
  encode_frame_header(frame, {2 * kSettingBytes, FrameType::kSettings, 0, 0});
  store_be16(frame + 9, static_cast<uint16_t>(SettingId::kInitialWindowSize));
  store_be32(frame + 11, window);
  store_be16(frame + 15, static_cast<uint16_t>(SettingId::kHeaderTableSize));
  store_be32(frame + 17, table);
  wire.insert(wire.end(), std::begin(frame), std::end(frame));
  lowered = window != options.initial_stream_window_bytes;
}

void Side::flush() {
  ChunkQueue out(chunks);
  connection->take_output(out, world.now_);
  std::vector<uint8_t> bytes(out.size());
  out.copy_to(bytes);
  wire.insert(wire.end(), bytes.begin(), bytes.end());
}

// Nothing is under way: what we may send is what the other side allows.
void Side::check_at_rest(const Side& other) const {
  EXPECT_EQ(connection->send_window().value(), other.connection->receive_window().available());
  const ReceiveWindow& window = connection->receive_window();
  EXPECT_EQ(window.available() + window.unannounced(), window.target());
  EXPECT_EQ(connection->encoder().table_bytes(), other.connection->decoder().table_bytes());
  if (other.lowered) return;
  const uint32_t promised = other.options.initial_stream_window_bytes;
  for (const auto& [id, call] : world.calls_) {
    const Stream* ours = call.at[index];
    const Stream* theirs = call.at[other.index];
    if (ours == nullptr || theirs == nullptr || ours->send_closed) continue;
    // A server is lenient with streams from before its SETTINGS were acknowledged.
    const int64_t lenient = theirs->recv_window.available() - ours->send_window.value();
    EXPECT_TRUE(lenient == 0 || lenient == int64_t{kDefaultWindowBytes} - promised)
        << id << " " << lenient;
    EXPECT_EQ(theirs->recv_window.available() + theirs->recv_window.unannounced() +
                  call.owed[other.index],
              theirs->recv_window.target() + lenient)
        << id;
  }
}

}  // namespace saker::h2

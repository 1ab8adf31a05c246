// However the byte stream is cut, the same events come out, the same frames are sent, and the same
// state is left: whole, byte by byte, in pieces of each small size, and cut in two at every place.
#include <gtest/gtest.h>

#include <algorithm>

#include "saker/h2/h2_testing.h"

namespace saker::h2 {
namespace {

constexpr uint8_t kEnd = kFlagEndStream;
const std::string kText(700, 'x');

// Everything that can be seen of a connection afterwards, as text.
Lines finish(Endpoint& endpoint) {
  Lines outcome = endpoint.heard();
  for (std::string& line : endpoint.sent()) outcome.push_back(std::move(line));
  const auto add = [&](const char* what, int64_t value) {
    outcome.push_back(std::string(what) + " " + std::to_string(value));
  };
  add("alive", endpoint->alive());
  add("frames received", static_cast<int64_t>(endpoint->counters().frames_received));
  add("glitches", static_cast<int64_t>(endpoint->counters().glitches));
  add("window", endpoint->receive_window().available());
  add("due", endpoint->poll_timeout().time_since_epoch().count());
  return outcome;
}

std::unique_ptr<Endpoint> make(Role role) {
  auto endpoint = std::make_unique<Endpoint>(
      role, ConnectionOptions{.initial_stream_window_bytes = 2000, .max_header_list_bytes = 400});
  for (int i = 0; role == Role::kClient && i < 8; ++i) endpoint->open(kRequest, i % 2 == 0);
  return endpoint;
}

Lines feed_pieces(Role role, Bytes bytes, size_t size) {
  const auto endpoint = make(role);
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(size, bytes.size()))) {
    endpoint->recv(bytes.first(std::min(size, bytes.size())));
  }
  return finish(*endpoint);
}

Lines feed_two(Role role, Bytes bytes, size_t cut) {
  const auto endpoint = make(role);
  endpoint->recv(bytes.first(cut));
  endpoint->recv(bytes.subspan(cut));
  return finish(*endpoint);
}

void expect_no_difference(Role role, const ByteVector& bytes, bool alive) {
  const Lines whole = feed_pieces(role, bytes, bytes.size());
  EXPECT_EQ(std::count(whole.begin(), whole.end(), "alive 1"), alive ? 1 : 0);
  for (size_t size = 1; size <= 40; ++size) {
    ASSERT_EQ(feed_pieces(role, bytes, size), whole) << "pieces of " << size;
  }
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    ASSERT_EQ(feed_two(role, bytes, cut), whole) << "cut at " << cut;
  }
}

void split_headers(Peer& peer, StreamId id, const Fields& fields, uint8_t flags, size_t pieces) {
  const ByteVector block = peer.block(fields);
  const size_t size = block.size() / pieces;
  peer.frame(FrameType::kHeaders, flags, id, Bytes(block).first(size));
  for (size_t i = 1; i < pieces; ++i) {
    const bool last = i + 1 == pieces;
    const Bytes rest = Bytes(block).subspan(i * size);
    peer.frame(FrameType::kContinuation, last ? kFlagEndHeaders : uint8_t{0}, id,
               last ? rest : rest.first(size));
  }
}

void padded_headers(Peer& peer, StreamId id, const Fields& fields, uint8_t flags) {
  ByteVector payload = peer.block(fields);
  payload.insert(payload.begin(), {4, 0, 0, 0, 0, 16});
  payload.resize(payload.size() + 4);
  peer.frame(FrameType::kHeaders, flags | kFlagEndHeaders | kFlagPadded | kFlagPriority, id,
             payload);
}

// What either side may send.
void mixed_frames(Peer& peer) {
  peer.ping(7).ping(8, true).window_update(0, 1000);
  peer.frame(static_cast<FrameType>(0xfe), 0xff, 12345, as_bytes("unknown")).priority(99, 1);
  peer.settings({{SettingId::kInitialWindowSize, 100}, {SettingId::kHeaderTableSize, 100}});
}

void data_frames(Peer& peer, StreamId id) {
  peer.data(id, "hello").data(id, "").padded_data(id, "padded", 30).padded_data(id, "", 0);
  peer.data(id, kText).padded_data(id, kText, 200).data(id, kText);
}

ByteVector client_conversation() {
  const std::string big(500, 'b');
  Fields large = kRequest;
  large.push_back({"x-big", big});
  Fields sized = kRequest;
  sized.push_back({"content-length", "10"});
  Peer peer;
  peer.preface().settings({{SettingId::kMaxFrameSize, 20000}}).settings_ack();
  peer.headers(1, kRequest);
  split_headers(peer, 3, large, kEnd, 4);
  padded_headers(peer, 5, kRequest, 0);
  data_frames(peer, 1);
  mixed_frames(peer);
  data_frames(peer, 5);
  peer.headers(7, sized).data(7, "12345").data(7, "1234567").data(7, "late");
  peer.headers(9, {{":method", "POST"}}).data(9, "late");
  peer.headers(11, sized).padded_data(11, "too short", 3, kEnd);
  peer.headers(13, kRequest).rst_stream(13, ErrorCode::kCancel).window_update(13, 1);
  peer.headers(1, kTrailers, kEnd).data(5, "", kEnd).window_update(5, 77);
  split_headers(peer, 17, kRequest, 0, 7);
  peer.padded_data(17, "end", 9, kEnd).goaway(0, ErrorCode::kNoError, "bye");
  return peer.take();
}

ByteVector server_conversation() {
  Peer peer;
  peer.settings().settings_ack();
  peer.headers(1, {{":status", "100"}}).headers(1, kResponse);
  data_frames(peer, 1);
  split_headers(peer, 3, kResponse, 0, 2);
  padded_headers(peer, 5, {{":status", "200"}, {"grpc-status", "5"}}, kEnd);
  mixed_frames(peer);
  data_frames(peer, 3);
  peer.rst_stream(7, ErrorCode::kRefusedStream).headers(9, {{"no", "status"}}).data(9, "late");
  peer.headers(1, kTrailers, kEnd).goaway(11, ErrorCode::kNoError, "draining");
  peer.headers(11, kResponse).padded_data(11, "end", 3, kEnd);
  split_headers(peer, 3, kTrailers, kEnd, 3);
  return peer.take();
}

TEST(Splits, MakeNoDifferenceToAServer) {
  expect_no_difference(Role::kServer, client_conversation(), true);
}

TEST(Splits, MakeNoDifferenceToAClient) {
  expect_no_difference(Role::kClient, server_conversation(), true);
}

TEST(Splits, MakeNoDifferenceToAnError) {
  for (const auto& fault : std::vector<std::function<void(Peer&)>>{
           [](Peer& p) { p.data(17, "after the end"); },
           [](Peer& p) { p.padded_data(1, "", 3).frame(FrameType::kData, kFlagPadded, 1, {}); },
           [](Peer& p) { p.frame(FrameType::kHeaders, 0, 19, {}).ping(1); },
           [](Peer& p) { p.frame(FrameType::kPing, 0, 0, ByteVector(9)); }}) {
    Peer peer;
    fault(peer.raw(client_conversation()));
    expect_no_difference(Role::kServer, peer.ping(9).take(), false);
  }
}

// The conversations do reach what they are meant to reach.
TEST(Splits, ConversationsAreRich) {
  const auto server = make(Role::kServer);
  server->recv(client_conversation());
  const Lines heard = server->heard();
  EXPECT_EQ(heard.size(), 21u);
  const auto sent = server->sent();
  EXPECT_EQ(std::count(sent.begin(), sent.end(), "RST_STREAM 7 PROTOCOL_ERROR"), 1);
  EXPECT_EQ(std::count(sent.begin(), sent.end(), "RST_STREAM 9 PROTOCOL_ERROR"), 1);
  EXPECT_EQ(server->heard(), Lines{});
  const auto client = make(Role::kClient);
  client->recv(server_conversation());
  EXPECT_EQ(client->heard().size(), 23u);
}

}  // namespace
}  // namespace saker::h2

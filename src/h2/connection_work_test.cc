// How much of its input a connection handles at a time: handle_input()'s `work`.
#include <gtest/gtest.h>

#include "saker/h2/h2_testing.h"

namespace saker::h2 {
namespace {

// What is left of `bytes` after each handle_input() with so much work.
std::vector<size_t> shares(Endpoint& server, Bytes bytes, uint32_t work) {
  std::vector<size_t> left;
  while (!bytes.empty()) {
    EXPECT_TRUE(server->handle_input(bytes, server.now, work));
    if (server->input_left() >= bytes.size()) break;
    bytes = bytes.last(server->input_left());
    left.push_back(bytes.size());
  }
  return left;
}

TEST(Work, CountsFrames) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  for (uint64_t i = 0; i < 10; ++i) peer.ping(i);
  const ByteVector pings = peer.take();
  const size_t one = pings.size() / 10;
  EXPECT_EQ(shares(server, pings, 4), (std::vector<size_t>{6 * one, 2 * one, 0}));
  EXPECT_EQ(shares(server, pings, 1).size(), 10u);
  EXPECT_EQ(shares(server, pings, 0).size(), 10u);  // one at least
  EXPECT_EQ(shares(server, pings, Connection::kAnyWork).size(), 1u);
  EXPECT_EQ(server.sent().size(), 40u);
}

// A frame that has begun is handled as far as it is there.
TEST(Work, CountsDataByTheFrame) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest));
  server.heard();
  peer.data(1, std::string(1000, 'a')).data(1, std::string(1000, 'b'));
  ByteVector two = peer.take();
  two.resize(two.size() - 500);
  EXPECT_EQ(shares(server, two, 1), (std::vector<size_t>{kFrameHeaderBytes + 500, 0}));
  EXPECT_EQ(shares(server, std::vector<uint8_t>(500, 'b'), 1), (std::vector<size_t>{0}));
}

TEST(Work, CountsHeaderBlocksByTheirBytes) {
  Endpoint server(Role::kServer);
  Peer peer;
  server.settle(peer);
  Fields fields = kRequest;
  const std::string long_value(10 * Connection::kWorkUnit, 'v');
  fields.push_back({"x", long_value});
  peer.headers(1, fields).ping(1).ping(2);
  const ByteVector bytes = peer.take();
  const auto left = shares(server, bytes, 10);
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0], 2 * (kFrameHeaderBytes + 8));
}

TEST(Work, CountsTheWindowsThatSettingsMove) {
  Endpoint server(Role::kServer, {.max_concurrent_streams = 100});
  Peer peer;
  server.settle(peer);
  for (StreamId id = 1; id < 2 * 3 * Connection::kWorkUnit; id += 2) peer.headers(id, kRequest);
  server.recv(peer);
  peer.settings({{SettingId::kInitialWindowSize, 1000}}).ping(1).ping(2);
  const ByteVector bytes = peer.take();
  EXPECT_EQ(shares(server, bytes, 4).front(), 2 * (kFrameHeaderBytes + 8));
}

}  // namespace
}  // namespace saker::h2

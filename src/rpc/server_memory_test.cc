// What a client can make a server keep: replies that it gives no window for, requests that it does
// not end, messages that a handler does not read. Each stops at the connection's limit.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "saker/crypto/v1/crypto.pb.h"
#include "saker/rpc/raw_peers_testing.h"

namespace saker::rpc {
namespace {

using grpc::Status;
using h2::ErrorCode;
using h2::Fields;
using h2::kFlagEndStream;
using h2::Lines;
using h2::SettingId;

constexpr size_t kReplyBytes = 10'000;

Fields request(std::string_view path, Fields more = {}) {
  Fields fields = {{":method", "POST"}, {":scheme", "http"}, {":path", path}};
  fields.push_back({"te", "trailers"});
  fields.push_back({"content-type", "application/grpc"});
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

int64_t count_of(const Lines& lines, std::string_view part) {
  return std::count_if(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.find(part) != line.npos; });
}

class ServerMemory : public testing::Test {
 protected:
  ServerMemory() {
    world.server_options.connection.max_unsent_bytes = 3 * kReplyBytes;
    world.dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Large", [this](ServerContext&, RawMessage&, RawMessage& out) {
          ++served;
          out.bytes.assign(kReplyBytes, 'r');
          return Status{};
        });
    world.dispatcher.add_server_streaming<RawMessage, RawMessage>(
        "/t.T/Stream",
        [this](ServerContext&, RawMessage&, Writer<RawMessage>& out) -> Task<Status> {
          for (int i = 0; i < 3; ++i) {
            if (!co_await out.write({std::string(10, 's')})) co_return Status{};
            ++written;
          }
          co_return Status{};
        });
    world.dispatcher.add_client_streaming<RawMessage, RawMessage>(
        "/t.T/Deaf", [](ServerContext& context, Reader<RawMessage>&, RawMessage&) -> Task<Status> {
          co_await Nap(context.loop(), 10s);
          co_return Status{};
        });
  }
  void start(uint32_t window) {
    world.start();
    client.emplace(world);
    client->peer.settings({{SettingId::kInitialWindowSize, window}});
    client->exchange();
  }
  void ask(int calls, std::string_view path, std::string_view message = "") {
    for (int i = 0; i < calls; ++i, id += 2) {
      client->peer.headers(id, request(path)).data(id, framed(message), kFlagEndStream);
    }
  }

  SimWorld world;
  std::optional<RawClient> client;
  h2::StreamId id = 1;
  int served = 0;
  int written = 0;
};

TEST_F(ServerMemory, RepliesWithoutWindowStopTheHandlersAndNotTheReading) {
  start(0);
  ask(20, "/t.T/Large");
  EXPECT_EQ(count_of(client->exchange(), ":status=200"), 3);
  EXPECT_EQ(served, 3);
  client->peer.rst_stream(1, ErrorCode::kCancel);  // is read, and makes room for one
  client->exchange();
  EXPECT_EQ(served, 4);
  client->peer.settings({{SettingId::kInitialWindowSize, 1 << 20}}).window_update(0, 1 << 20);
  EXPECT_EQ(count_of(client->exchange(), "grpc-status=0"), 19);
  EXPECT_EQ(served, 20);
}

TEST_F(ServerMemory, RequestsThatWaitAreCharged) {
  world.server_options.max_connection_memory_bytes = 5000;
  start(0);
  ask(3, "/t.T/Large");
  ask(4, "/t.T/Large", std::string(2000, 'q'));
  const Lines lines = client->exchange();
  EXPECT_EQ(served, 3);
  EXPECT_EQ(
      count_of(lines, "grpc-status=8 grpc-message=request of 2000 bytes is over what is left"), 2);
  client->peer.rst_stream(7, ErrorCode::kCancel);  // gives its charge back
  ask(1, "/t.T/Large", std::string(2000, 'q'));
  EXPECT_EQ(client->exchange(), Lines{});
  client->peer.settings({{SettingId::kInitialWindowSize, 1 << 20}}).window_update(0, 1 << 20);
  EXPECT_EQ(count_of(client->exchange(), "grpc-status=0"), 5);
}

TEST_F(ServerMemory, ACallThatWaitsKeepsItsDeadline) {
  start(0);
  ask(3, "/t.T/Large");
  client->peer.headers(7, request("/t.T/Large", {{"grpc-timeout", "1S"}}))
      .data(7, framed(""), kFlagEndStream);
  EXPECT_EQ(count_of(client->exchange(2s), "RST_STREAM 7 CANCEL"), 1);
  EXPECT_EQ(served, 3);
}

TEST_F(ServerMemory, StreamsWaitForRoomToo) {
  start(0);
  client->peer.headers(1, request("/t.T/Stream"))
      .data(1, framed(""), kFlagEndStream)
      .window_update(1, 30);
  id = 3;
  ask(3, "/t.T/Large");
  client->exchange();
  const int before = written;
  EXPECT_LT(before, 3);
  client->peer.window_update(1, 1000);  // its own window is not what it waits for
  client->exchange();
  EXPECT_LT(written, 3);
  client->peer.rst_stream(3, ErrorCode::kCancel).rst_stream(5, ErrorCode::kCancel);
  client->exchange();
  EXPECT_EQ(written, 3);
}

TEST_F(ServerMemory, RequestsThatAreNotEndedAreCharged) {
  world.server_options.max_connection_memory_bytes = 5000;
  start(1 << 20);
  for (; id < 7; id += 2) {
    client->peer.headers(id, request("/t.T/Large")).data(id, framed(std::string(2000, 'q')));
  }
  EXPECT_EQ(count_of(client->exchange(),
                     "5 END_STREAM :status=200 content-type=application/grpc grpc-status=8"),
            1);
  client->peer.data(1, "", kFlagEndStream).data(3, "", kFlagEndStream);
  EXPECT_EQ(count_of(client->exchange(), "grpc-status=0"), 2);
  ask(1, "/t.T/Large", std::string(4000, 'q'));
  EXPECT_EQ(count_of(client->exchange(), "grpc-status=0"), 1) << "all charges were given back";
}

// A few KiB that parse to megabytes: each of these messages in a message is an object.
TEST_F(ServerMemory, MessagesOfAStreamThatParseToTooMuch) {
  world.server_options.max_connection_memory_bytes = 100'000;
  world.dispatcher.add_client_streaming<crypto::v1::SignBatchRequest, RawMessage>(
      "/t.T/Typed",
      [this](ServerContext&, Reader<crypto::v1::SignBatchRequest>& requests,
             RawMessage&) -> Task<Status> {
        crypto::v1::SignBatchRequest batch;
        while (co_await requests.read(batch)) ++served;
        co_return Status{};
      });
  start(1 << 20);
  crypto::v1::SignBatchRequest batch;
  for (int i = 0; i < 10; ++i) batch.add_requests();
  client->peer.headers(1, request("/t.T/Typed")).data(1, framed(batch.SerializeAsString()));
  client->exchange();
  EXPECT_EQ(served, 1);
  for (int i = 10; i < 8000; ++i) batch.add_requests();
  client->peer.data(1, framed(batch.SerializeAsString()));
  EXPECT_EQ(count_of(client->exchange(),
                     "grpc-status=8 grpc-message=message of 16000 bytes, parsed, is over the "
                     "connection's memory for messages"),
            1);
  EXPECT_EQ(served, 1);
}

// The client may fill each stream's window, and not many of them.
TEST_F(ServerMemory, WhatHandlersDoNotReadClosesTheWindow) {
  world.server_options.connection.max_unread_bytes = 100'000;
  world.server_options.connection.initial_connection_window_bytes = 65535;
  world.server_options.connection.adaptive_window = false;
  start(1 << 20);
  size_t sent = 0;
  for (; id < 200 && !client->closed_by_peer(); id += 2) {
    client->peer.headers(id, request("/t.T/Deaf")).data(id, std::string(16384, 0));
    const Lines lines = client->exchange();
    if (count_of(lines, "FLOW_CONTROL_ERROR") != 0) break;
    sent += 16384;
  }
  EXPECT_GT(sent, 100'000u);
  EXPECT_LT(sent, 100'000u + 65535 + 2 * 16384) << "more is beyond the connection's window";
}

}  // namespace
}  // namespace saker::rpc

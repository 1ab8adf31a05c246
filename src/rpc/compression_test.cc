// Compressed messages both ways (gRPC compression.md): who may compress when, and what becomes of
// what cannot be unpacked. On an ideal network and on one that cuts everything into pieces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/rpc/raw_peers_testing.h"

namespace saker::rpc {
namespace {

using grpc::Compression;
using grpc::Status;
using grpc::StatusCode;
using testing::HasSubstr;

const std::string kLong(100'000, 'z');

class Compressed : public testing::TestWithParam<bool> {
 protected:
  Compressed() : world(11, GetParam() ? rough_network() : net::SimFaults{}) {
    // Answers as the first byte says: 'g' gzip, 'd' deflate, '-' as the server's default is.
    world.dispatcher.add_unary<RawMessage, RawMessage>(
        "/t.T/Unary", [this](ServerContext& context, RawMessage& request, RawMessage& reply) {
          seen_compressed.push_back(context.request_was_compressed());
          choose(context, request.bytes);
          reply.bytes.swap(request.bytes);
          return Status{};
        });
    // Compresses every other reply.
    world.dispatcher.add_bidi_streaming<RawMessage, RawMessage>(
        "/t.T/Bidi",
        [this](ServerContext& context, Reader<RawMessage>& requests,
               Writer<RawMessage>& replies) -> Task<Status> {
          RawMessage message;
          bool on = true;
          while (co_await requests.read(message)) {
            seen_compressed.push_back(context.request_was_compressed());
            choose(context, message.bytes);
            context.compress_replies(std::exchange(on, !on));
            if (!co_await replies.write(message)) break;
          }
          co_return Status{};
        });
  }

  static void choose(ServerContext& context, const std::string& message) {
    if (message.starts_with('g')) context.set_compression(Compression::kGzip);
    if (message.starts_with('d')) context.set_compression(Compression::kDeflate);
  }
  void run(const std::string& bytes, Compression compression = Compression::kIdentity) {
    unary.request().bytes = bytes;
    unary.done = 0;
    sent_before = world.channel().bytes_sent();
    received_before = world.channel().bytes_received();
    unary.start(world.channel(), unary_method(), {.compression = compression});
    ASSERT_TRUE(world.run_until([&] { return unary.done == 1; }));
  }
  void expect_echo(const std::string& bytes) {
    EXPECT_TRUE(unary.status().ok()) << unary.status().message;
    EXPECT_EQ(unary.reply().bytes, bytes);
  }
  uint64_t sent() { return world.channel().bytes_sent() - sent_before; }
  uint64_t received() { return world.channel().bytes_received() - received_before; }

  std::vector<bool> seen_compressed;
  uint64_t sent_before = 0;
  uint64_t received_before = 0;
  SimWorld world;
  TestUnary unary;
  TestStream stream;
};

INSTANTIATE_TEST_SUITE_P(Networks, Compressed, testing::Bool(),
                         [](const auto& which) { return which.param ? "Rough" : "Ideal"; });

TEST_P(Compressed, RequestsAndRepliesInBothEncodings) {
  world.start();
  for (const Compression compression : {Compression::kDeflate, Compression::kGzip}) {
    for (const char* first : {"g", "d", "-"}) {
      seen_compressed.clear();
      run(first + kLong, compression);
      expect_echo(first + kLong);
      EXPECT_EQ(seen_compressed, std::vector<bool>{true});
      EXPECT_EQ(unary.reply_was_compressed(), *first != '-');
      EXPECT_LT(sent(), 5000u);
      EXPECT_EQ(received() < 5000u, *first != '-');
    }
  }
}

// The first head of a kind is read, the next ones are recognised: what the first one said about
// compression must not stick to them.
TEST_P(Compressed, CallsOfAllKindsTakeTurns) {
  world.start();
  for (int round = 0; round < 5; ++round) {
    run("-" + kLong);
    EXPECT_FALSE(unary.reply_was_compressed());
    EXPECT_GT(received(), kLong.size());
    run("g" + kLong);
    EXPECT_TRUE(unary.reply_was_compressed());
    run("-" + kLong, Compression::kGzip);
    EXPECT_FALSE(unary.reply_was_compressed());
    EXPECT_LT(sent(), 5000u);
  }
  EXPECT_EQ(seen_compressed, (std::vector<bool>{0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1}));
}

TEST_P(Compressed, WhatIsShortIsSentAsItIs) {
  world.start();
  run("g", Compression::kGzip);
  expect_echo("g");
  EXPECT_EQ(seen_compressed, std::vector<bool>{false});
  EXPECT_FALSE(unary.reply_was_compressed());
}

TEST_P(Compressed, TheServersDefaultHoldsForClientsThatAccept) {
  world.server_options.compression = Compression::kDeflate;
  world.start();
  for (int call = 0; call < 3; ++call) {
    run("-" + kLong);
    expect_echo("-" + kLong);
    EXPECT_TRUE(unary.reply_was_compressed());
  }
}

// compression.md: what a client has not offered it is not sent, whoever wanted it: the server by
// default, or the handler.
TEST(Uncompressed, IsWhatAClientGetsThatHasNotOfferedIt) {
  SimWorld world;
  world.server_options.compression = Compression::kGzip;
  world.dispatcher.add_unary<RawMessage, RawMessage>(
      "/t.T/Unary", [](ServerContext& context, RawMessage& request, RawMessage& reply) {
        if (request.bytes == "gzip") context.set_compression(Compression::kGzip);
        if (request.bytes == "deflate") context.set_compression(Compression::kDeflate);
        reply.bytes = std::string(10'000, 'z');
        return Status{};
      });
  world.start();
  RawClient client(world);
  client.peer.window_update(0, 1 << 30);
  h2::StreamId id = 1;
  const auto call = [&](std::string_view request, std::string_view offered) {
    h2::Fields head = {{":method", "POST"}, {":scheme", "http"}, {":path", "/t.T/Unary"}};
    head.push_back({"content-type", "application/grpc"});
    if (!offered.empty()) head.push_back({"grpc-accept-encoding", offered});
    client.peer.headers(id, head).data(id, framed(request), h2::kFlagEndStream);
    id += 2;
    return client.exchange();
  };
  for (int round = 0; round < 3; ++round) {
    for (const char* request : {"default", "gzip", "deflate"}) {
      for (const char* offered : {"", "identity", "identity,br"}) {
        const std::string stream = std::to_string(id);
        const h2::Lines lines = call(request, offered);
        ASSERT_EQ(lines.size(), 3u) << request << " for " << offered;
        EXPECT_THAT(lines[0], testing::Not(HasSubstr("grpc-encoding")));
        EXPECT_EQ(lines[1], "DATA " + stream + " (10005 bytes)") << request << " for " << offered;
      }
    }
    // The next one on the same connection offers it, and the one behind it does not.
    EXPECT_THAT(call("default", "gzip")[0], HasSubstr("grpc-encoding=gzip"));
    EXPECT_THAT(call("default", "deflate")[0], testing::Not(HasSubstr("grpc-encoding")));
    EXPECT_THAT(call("deflate", "deflate")[0], HasSubstr("grpc-encoding=deflate"));
  }
}

TEST_P(Compressed, OneMessageOfAStreamAndTheNextOneNot) {
  world.start();
  int next = 0;
  const auto send_next = [&] {
    if (next == 6) return stream.writes_done();
    stream.compress_requests(next % 3 == 0);
    stream.send("g" + kLong + std::to_string(next++));
  };
  std::vector<bool> replies_compressed;
  stream.when_writable = [&] {
    if (next == 0) send_next();
  };
  stream.when_reply = [&](const std::string&) {
    replies_compressed.push_back(stream.reply_was_compressed());
    send_next();
  };
  stream.start(world.channel(), bidi_method(), {.compression = Compression::kGzip});
  ASSERT_TRUE(world.run_until([&] { return stream.done == 1; }));
  EXPECT_TRUE(stream.status().ok()) << stream.status().message;
  ASSERT_EQ(stream.replies.size(), 6u);
  for (int at = 0; at < 6; ++at) {
    EXPECT_EQ(stream.replies[static_cast<size_t>(at)], "g" + kLong + std::to_string(at));
  }
  EXPECT_EQ(seen_compressed, (std::vector<bool>{1, 0, 0, 1, 0, 0}));
  EXPECT_EQ(replies_compressed, (std::vector<bool>{1, 0, 1, 0, 1, 0}));
}

// The limit is on what a handler would see; a bomb is not unpacked to its end.
TEST_P(Compressed, ARequestThatUnpacksBeyondTheLimit) {
  world.server_options.max_receive_message_bytes = 50'000;
  world.start();
  run("-" + kLong, Compression::kGzip);
  EXPECT_EQ(unary.status().code, StatusCode::kResourceExhausted);
  EXPECT_THAT(unary.status().message, HasSubstr("50000 bytes, unpacked"));
  run("-");
  expect_echo("-");
}

TEST_P(Compressed, AReplyThatUnpacksBeyondTheLimit) {
  world.channel_options.max_receive_message_bytes = 50'000;
  world.start();
  run("g" + kLong);
  EXPECT_EQ(unary.status().code, StatusCode::kResourceExhausted);
  EXPECT_THAT(unary.status().message, HasSubstr("50000 bytes, unpacked"));
  run("-");
  expect_echo("-");
}

TEST_P(Compressed, AStreamThatUnpacksBeyondTheLimit) {
  world.server_options.max_receive_message_bytes = 50'000;
  world.start();
  stream.when_writable = [&] { stream.send("g" + kLong, true); };
  stream.start(world.channel(), bidi_method(), {.compression = Compression::kGzip});
  ASSERT_TRUE(world.run_until([&] { return stream.done == 1; }));
  EXPECT_EQ(stream.status().code, StatusCode::kResourceExhausted);
}

// zlib's states are some 300 KiB an encoding.
TEST_P(Compressed, AChannelAtRestKeepsNoState) {
  world.channel_options.idle_timeout = 10s;
  world.start();
  run("g" + kLong, Compression::kGzip);
  expect_echo("g" + kLong);
  EXPECT_TRUE(world.channel().packer().holds_memory());
  world.run_for(30s);
  EXPECT_FALSE(world.channel().packer().holds_memory());
  run("d" + kLong, Compression::kDeflate);
  expect_echo("d" + kLong);
}

TEST_P(Compressed, AServerThatMostClientsHaveLeftKeepsNoState) {
  world.channel_options.connections = 1100;
  world.channel_options.connect_eagerly = true;
  world.start();
  run("g" + kLong, Compression::kGzip);
  ASSERT_TRUE(world.run_until([&] { return world.channel().ready_connections() == 1100; }));
  EXPECT_TRUE(world.server().packer().holds_memory());
  world.channel().close();
  ASSERT_TRUE(world.run_until([&] { return world.server().connection_count() == 0; }));
  EXPECT_FALSE(world.server().packer().holds_memory());
}

}  // namespace
}  // namespace saker::rpc

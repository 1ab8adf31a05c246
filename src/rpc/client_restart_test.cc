// Transparent retries (gRFC A6): which calls are started over on another stream, what they keep, and
// where they go while their own connection takes no more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "saker/rpc/client_stream.h"
#include "saker/rpc/client_testing.h"
#include "saker/rpc/raw_peers_testing.h"

namespace saker::rpc {
namespace {

using grpc::StatusCode;
using h2::ErrorCode;
using h2::kFlagEndStream;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using TypedBidi = TypedMethod<RawMessage, RawMessage, MethodKind::kBidiStreaming>;

const h2::Fields kHead = {{":status", "200"}, {"content-type", "application/grpc"}};
const h2::Fields kOk = {{"grpc-status", "0"}};

class Restart : public testing::Test {
 protected:
  void run_for(Duration time) {
    network.run_until([] { return false; }, time);
  }
  h2::Lines start(ClientCall& call, const ClientMethod& method) {
    call.start(channel, method);
    return server->exchange(100ms);
  }

  net::SimNetwork network{1};
  net::SimLoop server_loop{network};
  net::SimLoop client_loop{network};
  std::optional<RawServer> server{std::in_place, network, server_loop};
  Channel channel{client_loop, *net::parse_address("memory://server")};
};

// ---- what commits a call

TEST_F(Restart, NoneBehindAResponseHead) {
  TestStream stream;
  start(stream, bidi_method());
  server->peer.headers(1, kHead).data(1, framed("first"));
  server->peer.rst_stream(1, ErrorCode::kRefusedStream);
  EXPECT_EQ(server->exchange(1s), h2::Lines{});
  EXPECT_EQ(stream.done, 1);
  EXPECT_EQ(stream.status().code, StatusCode::kUnavailable);
  EXPECT_THAT(stream.replies, ElementsAre("first"));

  TestUnary unary;
  start(unary, unary_method());
  server->peer.headers(3, kHead).rst_stream(3, ErrorCode::kRefusedStream);
  EXPECT_EQ(server->exchange(1s), h2::Lines{});
  EXPECT_EQ(unary.done, 1);
  EXPECT_EQ(unary.status().code, StatusCode::kUnavailable);
}

// The connection's memory, from which a reply was being assembled, goes with the connection.
TEST_F(Restart, NoneBehindAResponseHeadWhereTheServerGoesAway) {
  TestStream stream;
  start(stream, bidi_method());
  server->peer.headers(1, kHead).data(1, framed("first") + framed("second").substr(0, 7));
  server->peer.goaway(0, ErrorCode::kNoError);
  server->exchange(100ms);
  server.reset();
  run_for(100s);
  EXPECT_EQ(stream.done, 1);
  EXPECT_EQ(stream.status().code, StatusCode::kUnavailable);
  EXPECT_EQ(stream.status().message, "the server is shutting down");
  EXPECT_THAT(stream.replies, ElementsAre("first"));
}

TEST_F(Restart, AnInterimResponseCommitsNothing) {
  TestUnary unary;
  start(unary, unary_method());
  server->peer.headers(1, {{":status", "103"}}).rst_stream(1, ErrorCode::kRefusedStream);
  EXPECT_THAT(server->exchange(1s), ElementsAre(StartsWith("HEADERS 3 "), StartsWith("DATA 3 ")));
}

// ---- what a stream keeps

TEST_F(Restart, WritesDoneIsSaidAgain) {
  TestStream stream;
  stream.when_writable = [&] { stream.writes_done(); };
  const auto sent = start(stream, bidi_method());
  server->peer.rst_stream(1, ErrorCode::kRefusedStream);
  const auto again = server->exchange(1s);
  ASSERT_EQ(sent.size(), 2u);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_THAT(again[0], StartsWith("HEADERS 3 "));
  EXPECT_EQ(sent[1], "DATA 1 END_STREAM");
  EXPECT_EQ(again[1], "DATA 3 END_STREAM");
  EXPECT_EQ(stream.writable_events, 1) << "who has written all need not write again";
  server->peer.headers(3, kHead).headers(3, kOk, kFlagEndStream);
  server->exchange();
  EXPECT_EQ(stream.done, 1);
  EXPECT_TRUE(stream.status().ok()) << stream.status().message;
}

// An object that has written all writes anew in its next call.
TEST_F(Restart, WritesDoneIsOneCalls) {
  TestStream stream;
  stream.when_writable = [&] {
    if (stream.done == 0) stream.writes_done();
  };
  start(stream, bidi_method());
  server->peer.headers(1, kHead).headers(1, kOk, kFlagEndStream);
  server->exchange();
  ASSERT_EQ(stream.done, 1);
  start(stream, bidi_method());
  server->peer.rst_stream(3, ErrorCode::kRefusedStream);
  EXPECT_THAT(server->exchange(1s), ElementsAre(StartsWith("HEADERS 5 ")));
  EXPECT_EQ(stream.writable_events, 3);
  EXPECT_TRUE(stream.send("more"));
}

// ---- from on_done()

// Counts the rounds of a loop, and keeps it going.
class Rounds final : public net::TurnTask {
 public:
  explicit Rounds(net::Loop& loop) : loop_(loop) { loop_.at_turn_end(*this); }
  int count() const { return count_; }

 private:
  void run_at_turn_end() override {
    ++count_;
    loop_.at_turn_end(*this);
  }
  net::Loop& loop_;
  int count_ = 0;
};

TEST_F(Restart, OfACallThatFailsAtOnceLetsTheLoopTurn) {
  ChannelOptions options;
  options.max_send_message_bytes = 3;
  Channel limited{client_loop, *net::parse_address("memory://server"), options};
  TestUnary unary;
  unary.request().bytes = "four";
  unary.when_done = [&] {
    EXPECT_EQ(unary.status().code, StatusCode::kResourceExhausted);
    if (unary.done < 20) unary.start(limited, unary_method());
  };
  unary.start(limited, unary_method());
  server->exchange(100ms);
  ASSERT_GE(unary.done, 1);
  unary.done = 0;
  unary.start(limited, unary_method());
  Rounds rounds(client_loop);
  network.run_until([&] { return unary.done == 20; }, 1s);
  EXPECT_EQ(unary.done, 20);
  EXPECT_GE(rounds.count(), 10);
}

// ---- while there is no stream

class Interrupted : public Restart {
 protected:
  // Opens a stream, waits, then writes.
  static Task<int> write_late(Channel& channel, bool only_ends, std::string& log) {
    static const TypedBidi method("/t.T/Bidi");
    ClientStream stream(channel, method, {.wait_for_ready = true});
    co_await Nap(channel.loop(), 500ms);
    if (only_ends) {
      co_await stream.writes_done();
      log += "ended;";
    } else {
      const bool written = co_await stream.write({"x"}, true);
      log += written ? "written;" : "the call is over;";
    }
    const grpc::Status& status = co_await stream.finish();
    log += grpc::status_code_name(status.code);
    co_return 0;
  }
  // The stream is refused before anything is written, and for a while nobody is there.
  void lose_the_stream() {
    server->exchange(100ms);
    server->stop_listening();
    server->peer.goaway(0, ErrorCode::kNoError);
    server->exchange(50ms);
    server.reset();
    run_for(3s);
  }
  // The first stream of the next connection, to its end.
  h2::Lines come_back() {
    server.emplace(network, server_loop);
    const h2::Lines lines = server->exchange(100s);
    server->peer.headers(1, kHead).headers(1, kOk, kFlagEndStream);
    server->exchange(1s);
    return lines;
  }
  // Writes, or only ends, while there is no stream. What the next one carries, which is answered.
  h2::Lines write_meanwhile(bool only_ends) {
    Task<int> task = write_late(channel, only_ends, log);
    task.start([](void*) {}, nullptr);
    lose_the_stream();
    EXPECT_EQ(log, "");
    return come_back();
  }
  std::string log;
};

TEST_F(Interrupted, AWriteWaitsForTheNextOne) {
  EXPECT_THAT(write_meanwhile(false),
              ElementsAre(StartsWith("HEADERS 1 "), "DATA 1 END_STREAM (6 bytes)"));
  EXPECT_EQ(log, "written;OK");
}

TEST_F(Interrupted, SoDoesTheEndOfWriting) {
  EXPECT_THAT(write_meanwhile(true), ElementsAre(StartsWith("HEADERS 1 "), "DATA 1 END_STREAM"));
  EXPECT_EQ(log, "ended;OK");
}

TEST_F(Interrupted, AnObjectOfEventsMaySayItMeanwhile) {
  TestStream stream;
  stream.start(channel, bidi_method(), {.wait_for_ready = true});
  lose_the_stream();
  EXPECT_FALSE(stream.send("too early"));
  stream.writes_done();
  EXPECT_THAT(come_back(), ElementsAre(StartsWith("HEADERS 1 "), "DATA 1 END_STREAM"));
  EXPECT_EQ(stream.done, 1);
}

// ---- where refused calls go

// Takes any number of connections at memory://server.
class ManyRawServer final : private net::ListenerEvents {
 public:
  class Connection final : public RawEnd {
   public:
    using RawEnd::RawEnd;
    void take(net::Accepted accepted) {
      begin(*loop_.adopt(std::move(accepted)));
      peer.settings().settings_ack();
      send();
    }
  };

  ManyRawServer(net::SimNetwork& network, net::SimLoop& loop) : network_(network), loop_(loop) {
    listener_ = *loop.listen(*net::parse_address("memory://server"), {}, *this);
  }
  void stop_listening() { listener_.reset(); }
  std::vector<std::unique_ptr<Connection>> connections;

 private:
  void on_accept(net::Accepted accepted) override {
    connections.push_back(std::make_unique<Connection>(network_, loop_));
    connections.back()->take(std::move(accepted));
  }
  net::SimNetwork& network_;
  net::SimLoop& loop_;
  std::unique_ptr<net::Listener> listener_;
};

// RFC 9113 section 6.8: streams above the last id may be sent elsewhere, and elsewhere is ready.
TEST(RefusedCalls, GoToTheOtherBackend) {
  SimCluster cluster{1};
  RawServer other(cluster.network, cluster.server_loop);
  net::Target target;
  target.addresses.push_back(*net::parse_address("memory://server"));
  target.addresses.push_back(cluster.backend().address());
  cluster.options.balancing = Balancing::kRoundRobin;
  cluster.start(target);
  TestUnary calls[2];
  for (TestUnary& call : calls) {
    call.start(*cluster.channel, unary_method());
    cluster.run_for(100ms);
  }
  ASSERT_EQ(calls[0].done + calls[1].done, 1) << "one each";
  const TestUnary& refused = calls[0].done == 0 ? calls[0] : calls[1];
  ASSERT_EQ(cluster.channel->ready_connections(), 2u);
  other.stop_listening();
  other.peer.goaway(0, ErrorCode::kNoError);
  other.exchange(100ms);
  other.close();
  EXPECT_EQ(refused.done, 1) << "before anything else happens";
  EXPECT_TRUE(refused.status().ok()) << refused.status().message;
  EXPECT_EQ(cluster.call(), "s0");
}

TEST(RefusedCalls, GoToTheOtherConnection) {
  net::SimNetwork network{1};
  net::SimLoop server_loop{network};
  net::SimLoop client_loop{network};
  ManyRawServer server(network, server_loop);
  ChannelOptions options;
  options.connections = 2;
  options.connect_eagerly = true;
  Channel channel(client_loop, *net::parse_address("memory://server"), options);
  TestUnary call;
  call.start(channel, unary_method());
  network.run_until([&] { return channel.ready_connections() == 2; }, 10s);
  ASSERT_EQ(server.connections.size(), 2u);
  size_t first = 0;
  if (server.connections[0]->exchange(100ms).empty()) first = 1;
  server.stop_listening();
  server.connections[first]->peer.goaway(0, ErrorCode::kNoError);
  server.connections[first]->exchange(100ms);
  server.connections[first]->close();
  EXPECT_THAT(server.connections[1 - first]->exchange(100ms),
              ElementsAre(StartsWith("HEADERS 1 "), HasSubstr("DATA 1 ")));
}

// A backend that the name no longer stands for finishes its calls, and may refuse one.
TEST(RefusedCalls, GoOnFromABackendThatLeaves) {
  SimCluster cluster{1};
  RawServer old(cluster.network, cluster.server_loop);
  cluster.options.balancing = Balancing::kRoundRobin;
  cluster.options.min_resolution_interval = 0s;
  const net::Address leaves = *net::parse_address("memory://server");
  const net::Address stays = cluster.backend().address();
  cluster.client_loop.script_name("pair.test", std::vector{leaves, stays});
  cluster.start(net::Target(*net::parse_address("dns:///pair.test:1")));
  TestUnary calls[2];
  for (TestUnary& call : calls) {
    call.start(*cluster.channel, unary_method());
    cluster.run_for(100ms);
  }
  ASSERT_EQ(calls[0].done + calls[1].done, 1) << "one each";
  const TestUnary& refused = calls[0].done == 0 ? calls[0] : calls[1];
  cluster.client_loop.script_name("pair.test", std::vector{stays});
  cluster.backend().stop();  // something has to be lost before the name is asked again
  cluster.backend().start();
  cluster.run_for(10s);
  ASSERT_EQ(cluster.channel->backend_calls().size(), 1u);
  ASSERT_EQ(cluster.call(), "s0");
  old.peer.rst_stream(1, ErrorCode::kRefusedStream);
  old.exchange(1s);
  EXPECT_EQ(refused.done, 1);
  EXPECT_TRUE(refused.status().ok()) << refused.status().message;
}

// ---- stream numbers

// 2^30 calls are too many for a test: what gives the number is private, and opened here.
struct ConnectionOf {
  using Type = ClientConnection* ClientCall::*;
  friend Type member(ConnectionOf);
};
struct NextId {
  using Type = h2::StreamId h2::Connection::*;
  friend Type member(NextId);
};
template <typename Tag, typename Tag::Type kMember>
struct Opened {
  friend typename Tag::Type member(Tag) { return kMember; }
};
template struct Opened<ConnectionOf, &ClientCall::connection_>;
template struct Opened<NextId, &h2::Connection::next_own_id_>;

// RFC 9113 section 5.1.1: a client whose numbers are used up needs another connection.
TEST(StreamNumbers, ThatRunOutCostNoCall) {
  net::SimNetwork network{1};
  net::SimLoop server_loop{network};
  net::SimLoop client_loop{network};
  ManyRawServer server(network, server_loop);
  Channel channel(client_loop, *net::parse_address("memory://server"));
  TestUnary calls[4];
  const auto start = [&](size_t which, size_t connection) {
    calls[which].start(channel, unary_method());
    network.run_until([&] { return server.connections.size() > connection; }, 1s);
    return server.connections.at(connection)->exchange(100ms);
  };
  const auto answer = [&](size_t connection, h2::StreamId id) {
    RawEnd& end = *server.connections[connection];
    end.peer.headers(id, kHead).data(id, framed("reply")).headers(id, kOk, kFlagEndStream);
    end.exchange(100ms);
  };
  EXPECT_THAT(start(0, 0), ElementsAre(StartsWith("HEADERS 1 "), HasSubstr("DATA 1 ")));
  ClientConnection& first = *(calls[0].*member(ConnectionOf{}));
  first.engine().*member(NextId{}) = h2::kMaxStreamId;
  EXPECT_THAT(start(1, 0), ElementsAre(StartsWith("HEADERS 2147483647 "), HasSubstr("DATA ")));
  EXPECT_THAT(start(2, 1), ElementsAre(StartsWith("HEADERS 1 "), HasSubstr("DATA 1 ")));
  EXPECT_THAT(start(3, 1), ElementsAre(StartsWith("HEADERS 3 "), HasSubstr("DATA 3 ")));
  answer(1, 1);
  answer(1, 3);
  answer(0, 1);
  EXPECT_FALSE(server.connections[0]->closed_by_peer()) << "its last call goes on";
  answer(0, h2::kMaxStreamId);
  EXPECT_TRUE(server.connections[0]->closed_by_peer());
  for (const TestUnary& call : calls) {
    EXPECT_EQ(call.done, 1);
    EXPECT_TRUE(call.status().ok()) << call.status().message;
  }
  EXPECT_EQ(server.connections.size(), 2u);
}

}  // namespace
}  // namespace saker::rpc

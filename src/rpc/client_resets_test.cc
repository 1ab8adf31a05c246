// What a client makes of a server that resets its streams: a server of nothing but an engine, which
// does what the test says and when it says so.
#include <gtest/gtest.h>

#include <optional>

#include "saker/grpc/message.h"
#include "saker/rpc/rpc_testing.h"

namespace saker::rpc {
namespace {

using grpc::StatusCode;
using h2::ErrorCode;

class ScriptedServer final : private net::ListenerEvents,
                             private net::StreamEvents,
                             private h2::ConnectionEvents {
 public:
  explicit ScriptedServer(net::SimLoop& loop) : loop_(loop) {
    listener_ = *loop.listen(*net::parse_address("memory://server"), {}, *this);
  }

  // Streams that the client has opened, in all.
  int opened() const { return opened_; }
  void reset_last(ErrorCode code) {
    engine_->reset(*last_, code);
    flush();
  }
  // `encoding`: of the head, empty: none; `flag`: of the message.
  void answer_last(std::string_view reply, std::string_view encoding = {}, bool flag = false) {
    hpack::CachedBlock unused;
    std::vector<hpack::OutField> head = {{":status", "200"}, {"content-type", "application/grpc"}};
    if (!encoding.empty()) head.push_back({"grpc-encoding", encoding});
    const hpack::OutField trailers[] = {{"grpc-status", "0"}};
    ChunkQueue message(loop_.chunks());
    grpc::write_message_prefix(message.prepare(grpc::kMessagePrefixBytes), flag,
                               static_cast<uint32_t>(reply.size()));
    message.commit(grpc::kMessagePrefixBytes);
    message.append(as_bytes(reply));
    engine_->send_headers(*last_, head, unused, {}, false);
    engine_->send_data(*last_, std::move(message), false);
    engine_->send_headers(*last_, trailers, unused, {}, true);
    flush();
  }

 private:
  void on_accept(net::Accepted accepted) override {
    stream_ = *loop_.adopt(std::move(accepted));
    engine_.emplace(h2::Role::kServer, options_,
                    h2::ConnectionResources{loop_.chunks(), streams_, scratch_},
                    static_cast<h2::ConnectionEvents&>(*this), loop_.now());
    stream_->start(*this);
    flush();
  }
  void on_data(Bytes bytes) override {
    engine_->handle_input(bytes, loop_.now());
    flush();
  }
  void on_sent() override { flush(); }
  void on_end(const Error&) override { engine_->handle_transport_end(); }

  void on_headers(h2::Stream& stream, const h2::HeadersEvent&) override {
    ++opened_;
    last_ = &stream;
  }
  void on_data(h2::Stream&, Bytes, bool) override {}
  void on_stream_closed(h2::Stream&, h2::CloseCause, ErrorCode) override {}
  void on_stream_drained(h2::Stream&) override {}
  void on_peer_settings() override {}
  void on_goaway(h2::StreamId, ErrorCode, std::string_view) override {}
  void on_ping(uint64_t) override {}
  void on_ping_ack(uint64_t) override {}

  void flush() {
    if (stream_->write_in_flight()) return;
    ChunkQueue out(loop_.chunks());
    engine_->take_output(out, loop_.now());
    if (!out.empty()) stream_->submit(std::move(out));
  }

  net::SimLoop& loop_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<net::Stream> stream_;
  h2::ConnectionOptions options_;
  ObjectPool<h2::Stream> streams_;
  hpack::DecoderScratch scratch_;
  std::optional<h2::Connection> engine_;
  h2::Stream* last_ = nullptr;
  int opened_ = 0;
};

class Resets : public testing::Test {
 protected:
  static constexpr Duration kLatency = 700us;
  static net::SimFaults even_latency() {
    net::SimFaults faults;
    faults.latency_min = faults.latency_max = kLatency;
    return faults;
  }
  void start(Duration timeout = Duration::max()) {
    unary.request().bytes = "request";
    unary.start(channel, unary_method(), {.deadline = time_after(network.now(), timeout)});
    wait_for_stream(1);
  }
  void wait_for_stream(int count) {
    ASSERT_TRUE(network.run_until([&] { return server.opened() == count; }, 1s));
  }
  void run_for(Duration time) {
    network.run_until([] { return false; }, time);
  }

  net::SimNetwork network{1, even_latency()};
  net::SimLoop server_loop{network};
  net::SimLoop client_loop{network};
  ScriptedServer server{server_loop};
  Channel channel{client_loop, *net::parse_address("memory://server")};
  TestUnary unary;
};

// gRPC compression.md: a flag without an encoding, and one that we do not know, are INTERNAL.
TEST_F(Resets, RepliesThatCannotBeUnpacked) {
  const struct {
    std::string_view encoding;
    bool flag;
    StatusCode status;
  } kCases[] = {
      {"", true, StatusCode::kInternal},     {"identity", true, StatusCode::kInternal},
      {"br", true, StatusCode::kInternal},   {"br", false, StatusCode::kInternal},
      {"gzip", true, StatusCode::kInternal}, {"deflate", true, StatusCode::kInternal},
      {"gzip", false, StatusCode::kOk},      {"identity", false, StatusCode::kOk},
  };
  int expected = 0;
  for (const auto& [encoding, flag, status] : kCases) {
    unary.start(channel, unary_method());
    wait_for_stream(++expected);
    server.answer_last("reply", encoding, flag);
    run_for(1s);
    EXPECT_EQ(unary.done, expected);
    EXPECT_EQ(unary.status().code, status) << encoding << flag << ": " << unary.status().message;
  }
}

TEST_F(Resets, EachCodeHasItsStatus) {
  const struct {
    ErrorCode code;
    StatusCode status;
  } kCases[] = {
      {ErrorCode::kNoError, StatusCode::kInternal},
      {ErrorCode::kProtocolError, StatusCode::kInternal},
      {ErrorCode::kCancel, StatusCode::kCancelled},
      {ErrorCode::kEnhanceYourCalm, StatusCode::kResourceExhausted},
      {ErrorCode::kInadequateSecurity, StatusCode::kPermissionDenied},
  };
  int expected = 0;
  for (const auto& [code, status] : kCases) {
    unary.start(channel, unary_method());
    wait_for_stream(++expected);
    server.reset_last(code);
    run_for(1s);
    EXPECT_EQ(unary.done, expected);
    EXPECT_EQ(unary.status().code, status) << h2::error_code_name(code);
  }
}

TEST_F(Resets, ARefusedStreamIsTriedOnceMore) {
  start();
  server.reset_last(ErrorCode::kRefusedStream);
  wait_for_stream(2);
  EXPECT_EQ(unary.done, 0);
  server.answer_last("reply");
  run_for(1s);
  EXPECT_EQ(unary.done, 1);
  EXPECT_TRUE(unary.status().ok()) << unary.status().message;
  EXPECT_EQ(unary.reply().bytes, "reply");
}

TEST_F(Resets, ATwiceRefusedStreamIsUnavailable) {
  start();
  server.reset_last(ErrorCode::kRefusedStream);
  wait_for_stream(2);
  server.reset_last(ErrorCode::kRefusedStream);
  run_for(1s);
  EXPECT_EQ(server.opened(), 2);
  EXPECT_EQ(unary.done, 1);
  EXPECT_EQ(unary.status().code, StatusCode::kUnavailable);
}

// The server's CANCEL arrives after the deadline, but before the tick
// on which the client's own timer fires.
TEST_F(Resets, CancelBehindTheDeadlineIsTheDeadline) {
  const Time begin = network.now();
  start(10'500us);
  run_for(begin + 10ms - network.now());
  server.reset_last(ErrorCode::kCancel);
  ASSERT_TRUE(network.run_until([&] { return unary.done == 1; }, 1s));
  EXPECT_EQ(network.now(), begin + 10ms + kLatency);
  EXPECT_EQ(unary.status().code, StatusCode::kDeadlineExceeded);
}

TEST_F(Resets, CancelBeforeTheDeadlineIsCancelled) {
  start(10'500us);
  server.reset_last(ErrorCode::kCancel);
  run_for(1s);
  EXPECT_EQ(unary.done, 1);
  EXPECT_EQ(unary.status().code, StatusCode::kCancelled);
}

}  // namespace
}  // namespace saker::rpc

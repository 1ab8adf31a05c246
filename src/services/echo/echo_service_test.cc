#include "saker/services/echo/echo_service.h"

#include <gtest/gtest.h>

#include "saker/base/crc32c.h"
#include "saker/echo/v1/echo.pb.h"
#include "saker/rpc/rpc_testing.h"

namespace saker::echo {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;
using rpc::MethodKind;
using v1::EchoCollectReply;
using v1::EchoReply;
using v1::EchoRequest;

class UnaryEcho final : public rpc::UnaryClientCall<EchoRequest, EchoReply> {
 public:
  int done = 0;

 private:
  void on_done() override { ++done; }
};

// Sends what it is given, all at once, and keeps the replies.
template <typename Reply>
class EchoOfMany final : public rpc::StreamingClientCall<EchoRequest, Reply> {
 public:
  std::vector<EchoRequest> requests;
  std::vector<Reply> replies;
  int done = 0;

 private:
  void on_writable() override {
    while (sent_ < requests.size()) {
      const bool last = sent_ + 1 == requests.size();
      if (!this->write(requests[sent_], last)) return;
      ++sent_;
    }
  }
  void on_reply(Reply& reply) override { replies.push_back(reply); }
  void on_done() override { ++done; }
  size_t sent_ = 0;
};

EchoRequest request_of(std::string payload, uint64_t sequence = 0) {
  EchoRequest request;
  request.set_payload(std::move(payload));
  request.set_sequence(sequence);
  request.set_client_send_time_ns(1000 + sequence);
  return request;
}

class Echo : public testing::Test {
 protected:
  Echo() { register_echo_service(world.dispatcher); }

  template <typename Call>
  void run(Call& call, const rpc::ClientMethod& method) {
    call.start(world.channel(), method, {});
    ASSERT_TRUE(world.run_until([&] { return call.done == 1; }));
  }

  rpc::SimWorld world;
};

TEST_F(Echo, GivesTheRequestBackWithTimesThatAgree) {
  world.start();
  UnaryEcho call;
  call.request() = request_of("hello", 7);
  run(call, rpc::ClientMethod("/saker.echo.v1.Echo/Echo"));
  ASSERT_TRUE(call.status().ok());
  const EchoReply& reply = call.reply();
  EXPECT_EQ(reply.payload(), "hello");
  EXPECT_EQ(reply.sequence(), 7u);
  EXPECT_EQ(reply.client_send_time_ns(), 1007u);
  EXPECT_GT(reply.server_receive_time_ns(), 0u);
  EXPECT_EQ(reply.server_send_time_ns() - reply.server_receive_time_ns(), reply.processing_ns());
}

// A handler that takes its time: what the client measures beyond that is network.
TEST_F(Echo, ProcessingIsTheHandlersTime) {
  world.dispatcher.add_unary<EchoRequest, EchoReply>(
      "/saker.echo.v1.Echo/Echo",
      [](rpc::ServerContext& context, EchoRequest& request,
         EchoReply& reply) -> rpc::Task<grpc::Status> {
        co_await rpc::Nap(context.loop(), 5ms);
        answer(context, request, reply);
        co_return grpc::Status{};
      });
  world.start();
  UnaryEcho call;
  call.request() = request_of("hello");
  const Time start = world.network.now();
  run(call, rpc::ClientMethod("/saker.echo.v1.Echo/Echo"));
  const auto total_ns = static_cast<uint64_t>((world.network.now() - start).count());
  EXPECT_GE(call.reply().processing_ns(), 5'000'000u);
  EXPECT_LT(call.reply().processing_ns(), total_ns);
}

TEST_F(Echo, ExpandedRepliesSayWhenEachWasMade) {
  world.start();
  EchoOfMany<EchoReply> call;
  call.requests = {request_of("x", 3)};
  call.requests[0].set_expand_count(4);
  call.requests[0].set_expand_interval_ns(5'000'000);
  run(call, rpc::ClientMethod("/saker.echo.v1.Echo/EchoExpand", MethodKind::kServerStreaming));
  ASSERT_TRUE(call.status().ok());
  ASSERT_EQ(call.replies.size(), 4u);
  for (uint32_t index = 0; index < 4; ++index) {
    const EchoReply& reply = call.replies[index];
    EXPECT_EQ(reply.expand_index(), index);
    EXPECT_EQ(reply.payload(), "x");
    EXPECT_EQ(reply.sequence(), 3u);
    EXPECT_GE(reply.processing_ns(), index * 5'000'000u);
    EXPECT_LT(reply.processing_ns(), index * 5'000'000u + 3'000'000u);
  }
}

TEST_F(Echo, TooManyRepliesAreRefused) {
  world.start();
  EchoOfMany<EchoReply> call;
  call.requests = {request_of("x")};
  call.requests[0].set_expand_count(kMaxExpandCount + 1);
  run(call, rpc::ClientMethod("/saker.echo.v1.Echo/EchoExpand", MethodKind::kServerStreaming));
  EXPECT_EQ(call.status().code, StatusCode::kInvalidArgument);
  EXPECT_TRUE(call.replies.empty());
}

TEST_F(Echo, CollectsCountSumAndChecksum) {
  world.start();
  EchoOfMany<EchoCollectReply> call;
  call.requests = {request_of("ab", 1), request_of("", 2), request_of("cde", 3)};
  run(call, rpc::ClientMethod("/saker.echo.v1.Echo/EchoCollect", MethodKind::kClientStreaming));
  ASSERT_TRUE(call.status().ok());
  ASSERT_EQ(call.replies.size(), 1u);
  const EchoCollectReply& reply = call.replies[0];
  EXPECT_EQ(reply.messages(), 3u);
  EXPECT_EQ(reply.payload_bytes(), 5u);
  EXPECT_EQ(reply.payload_crc32c(), crc32c(as_bytes("abcde"), 0));
  EXPECT_EQ(reply.sequence(), 3u);
  EXPECT_GE(reply.last_receive_time_ns(), reply.first_receive_time_ns());
}

TEST_F(Echo, StreamsBackEachMessage) {
  world.start();
  EchoOfMany<EchoReply> call;
  for (uint64_t i = 0; i < 50; ++i)
    call.requests.push_back(request_of(std::string(i * 40, 'p'), i));
  run(call, rpc::ClientMethod("/saker.echo.v1.Echo/EchoStream", MethodKind::kBidiStreaming));
  ASSERT_TRUE(call.status().ok());
  ASSERT_EQ(call.replies.size(), 50u);
  for (uint64_t i = 0; i < 50; ++i) {
    EXPECT_EQ(call.replies[i].payload(), std::string(i * 40, 'p'));
    EXPECT_EQ(call.replies[i].sequence(), i);
  }
}

}  // namespace
}  // namespace saker::echo

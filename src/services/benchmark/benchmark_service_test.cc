#include "saker/services/benchmark/benchmark_service.h"

#include <gtest/gtest.h>

#include "grpc/testing/messages.pb.h"
#include "saker/rpc/rpc_testing.h"

namespace saker::benchmark {
namespace {

using grpc::StatusCode;
using ::grpc::testing::SimpleRequest;
using ::grpc::testing::SimpleResponse;
using rpc::ClientMethod;
using rpc::MethodKind;
using rpc::RawMessage;

SimpleRequest asking_for(int32_t bytes) {
  SimpleRequest request;
  request.set_response_size(bytes);
  return request;
}

size_t payload_of(const SimpleResponse& reply) {
  return reply.payload().body().size();
}

template <typename Request, typename Reply>
class Unary final : public rpc::UnaryClientCall<Request, Reply> {
 public:
  int done = 0;

 private:
  void on_done() override { ++done; }
};

// Sends its requests, then ends; cancels itself at so many replies.
template <typename Request, typename Reply>
class Stream final : public rpc::StreamingClientCall<Request, Reply> {
 public:
  std::vector<Request> requests;
  std::vector<Reply> replies;
  size_t most_replies = SIZE_MAX;
  int done = 0;

 private:
  void on_writable() override {
    for (; sent_ < requests.size(); ++sent_) {
      if (!this->write(requests[sent_], sent_ + 1 == requests.size())) return;
    }
  }
  void on_reply(Reply& reply) override {
    replies.push_back(reply);
    if (replies.size() == most_replies) this->cancel();
  }
  void on_done() override { ++done; }
  size_t sent_ = 0;
};

class Benchmark : public testing::Test {
 protected:
  void serve_protobuf() {
    register_protobuf_service(world.dispatcher);
    world.start();
  }
  void serve_bytes(size_t reply_bytes) {
    register_bytebuf_service(world.dispatcher, reply_bytes);
    world.start();
  }
  template <typename Call>
  void run(Call& call, const ClientMethod& method) {
    call.start(world.channel(), method);
    ASSERT_TRUE(world.run_until([&] { return call.done == 1; }));
  }

  rpc::SimWorld world;
  const ClientMethod unary{"/grpc.testing.BenchmarkService/UnaryCall"};
  const ClientMethod ping_pong{"/grpc.testing.BenchmarkService/StreamingCall",
                               MethodKind::kBidiStreaming};
  const ClientMethod both_ways{"/grpc.testing.BenchmarkService/StreamingBothWays",
                               MethodKind::kBidiStreaming};
  const ClientMethod from_client{"/grpc.testing.BenchmarkService/StreamingFromClient",
                                 MethodKind::kClientStreaming};
  const ClientMethod from_server{"/grpc.testing.BenchmarkService/StreamingFromServer",
                                 MethodKind::kServerStreaming};
};

TEST_F(Benchmark, RepliesAreAsLongAsRequestsAsk) {
  serve_protobuf();
  for (const int32_t bytes : {0, 1, 100'000}) {
    Unary<SimpleRequest, SimpleResponse> call;
    call.request() = asking_for(bytes);
    run(call, unary);
    ASSERT_TRUE(call.status().ok());
    EXPECT_EQ(payload_of(call.reply()), static_cast<size_t>(bytes));
    EXPECT_EQ(call.reply().has_payload(), bytes != 0);
  }
}

TEST_F(Benchmark, SizesBeyondTheLimitAreInvalid) {
  serve_protobuf();
  for (const int32_t bytes : {-1, kMaxPayloadBytes + 1}) {
    Unary<SimpleRequest, SimpleResponse> call;
    call.request() = asking_for(bytes);
    run(call, unary);
    EXPECT_EQ(call.status().code, StatusCode::kInvalidArgument) << bytes;
    for (const ClientMethod* method : {&ping_pong, &from_client, &from_server}) {
      Stream<SimpleRequest, SimpleResponse> stream;
      stream.requests = {asking_for(bytes)};
      run(stream, *method);
      EXPECT_EQ(stream.status().code, StatusCode::kInvalidArgument) << bytes << method->path();
    }
  }
}

TEST_F(Benchmark, EachRequestOfAStreamIsAnswered) {
  serve_protobuf();
  for (const ClientMethod* method : {&ping_pong, &both_ways}) {
    Stream<SimpleRequest, SimpleResponse> call;
    call.requests = {asking_for(3), asking_for(0), asking_for(2)};
    run(call, *method);
    ASSERT_TRUE(call.status().ok());
    ASSERT_EQ(call.replies.size(), 3u);
    EXPECT_EQ(payload_of(call.replies[0]), 3u);
    EXPECT_EQ(payload_of(call.replies[1]), 0u);
    EXPECT_EQ(payload_of(call.replies[2]), 2u);
  }
}

TEST_F(Benchmark, OneReplyForManyRequests) {
  serve_protobuf();
  Stream<SimpleRequest, SimpleResponse> call;
  call.requests = {asking_for(3), asking_for(9)};
  run(call, from_client);
  ASSERT_TRUE(call.status().ok());
  ASSERT_EQ(call.replies.size(), 1u);
  EXPECT_EQ(payload_of(call.replies[0]), 9u);
}

TEST_F(Benchmark, RepliesWithoutEnd) {
  serve_protobuf();
  Stream<SimpleRequest, SimpleResponse> call;
  call.requests = {asking_for(1000)};
  call.most_replies = 2000;  // beyond any window
  run(call, from_server);
  EXPECT_EQ(call.status().code, StatusCode::kCancelled);
  ASSERT_GE(call.replies.size(), 2000u);
  EXPECT_EQ(payload_of(call.replies.back()), 1000u);
}

TEST_F(Benchmark, BytesInBytesOut) {
  serve_bytes(70'000);
  Unary<RawMessage, RawMessage> call;
  call.request().bytes = "\xff no protobuf";
  run(call, unary);
  ASSERT_TRUE(call.status().ok());
  EXPECT_EQ(call.reply().bytes.size(), 70'000u);
  Stream<RawMessage, RawMessage> stream;
  stream.requests = {RawMessage("\xff"), RawMessage("")};
  run(stream, ping_pong);
  ASSERT_TRUE(stream.status().ok());
  ASSERT_EQ(stream.replies.size(), 2u);
  EXPECT_EQ(stream.replies[1].bytes.size(), 70'000u);
}

TEST_F(Benchmark, EmptyBytes) {
  serve_bytes(0);
  Stream<RawMessage, RawMessage> stream;
  stream.requests = {RawMessage("")};
  run(stream, ping_pong);
  ASSERT_TRUE(stream.status().ok());
  EXPECT_EQ(stream.replies.size(), 1u);
}

}  // namespace
}  // namespace saker::benchmark

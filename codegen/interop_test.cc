// gRPC's own test services, compiled by the plugin and served:
// blocking stubs and calls of all four kinds.
#include <gtest/gtest.h>

#include "grpc/testing/test.saker.h"
#include "saker/rpc/awaitable_call.h"
#include "test_server_testing.h"

namespace saker::codegen {
namespace {

using grpc::Status;
using grpc::StatusCode;
using rpc::Reader;
using rpc::ServerContext;
using rpc::Task;
using rpc::Writer;
using namespace ::grpc::testing;  // NOLINT: the names under test

class TestServiceHandlers : public UnimplementedTestService {
 public:
  Status empty_call(ServerContext&, Empty&, Empty&) { return {}; }

  Status unary_call(ServerContext& context, SimpleRequest& request, SimpleResponse& response) {
    if (request.response_status().code() != 0) {
      return {static_cast<StatusCode>(request.response_status().code()),
              request.response_status().message(),
              {}};
    }
    if (const auto value = context.metadata().find("x-grpc-test-echo-initial")) {
      (void)context.initial_metadata().add("x-grpc-test-echo-initial", *value);
    }
    response.mutable_payload()->set_body(std::string(request.response_size(), '\0'));
    return {};
  }

  // A coroutine where it might have been inline.
  Task<Status> cacheable_unary_call(ServerContext&, SimpleRequest& request,
                                    SimpleResponse& response) {
    *response.mutable_payload() = request.payload();
    co_return Status{};
  }

  Task<Status> streaming_output_call(ServerContext&, StreamingOutputCallRequest& request,
                                     Writer<StreamingOutputCallResponse>& responses) {
    co_await answer(request, responses);
    co_return Status{};
  }

  Task<Status> streaming_input_call(ServerContext&, Reader<StreamingInputCallRequest>& requests,
                                    StreamingInputCallResponse& response) {
    StreamingInputCallRequest request;
    size_t total = 0;
    while (co_await requests.read(request)) total += request.payload().body().size();
    response.set_aggregated_payload_size(static_cast<int32_t>(total));
    co_return Status{};
  }

  Task<Status> full_duplex_call(ServerContext&, Reader<StreamingOutputCallRequest>& requests,
                                Writer<StreamingOutputCallResponse>& responses) {
    StreamingOutputCallRequest request;
    while (co_await requests.read(request)) co_await answer(request, responses);
    co_return Status{};
  }

 private:
  static Task<bool> answer(const StreamingOutputCallRequest& request,
                           Writer<StreamingOutputCallResponse>& responses) {
    StreamingOutputCallResponse response;
    for (const ResponseParameters& parameters : request.response_parameters()) {
      response.mutable_payload()->set_body(std::string(parameters.size(), '\0'));
      if (!co_await responses.write(response)) co_return false;
    }
    co_return true;
  }
};

class Interop : public testing::Test {
 protected:
  static StreamingOutputCallRequest ask_for(std::initializer_list<int> sizes) {
    StreamingOutputCallRequest request;
    for (const int size : sizes) request.add_response_parameters()->set_size(size);
    return request;
  }
  template <typename Replies>
  static std::vector<size_t> sizes_of(const Replies& replies) {
    std::vector<size_t> sizes;
    for (const auto& reply : replies) sizes.push_back(reply.payload().body().size());
    return sizes;
  }

  TestServiceHandlers handlers;
  TestServer server{
      [this](rpc::Dispatcher& dispatcher) { register_test_service(dispatcher, handlers); }};
  TestServiceStub stub{server.blocking()};
};

TEST_F(Interop, EmptyUnary) {
  Empty reply;
  EXPECT_TRUE(stub.empty_call({}, reply).ok());
}

TEST_F(Interop, LargeUnary) {
  SimpleRequest request;
  request.set_response_size(314159);
  request.mutable_payload()->set_body(std::string(271828, '\0'));
  SimpleResponse response;
  const Status status = stub.unary_call(request, response);
  EXPECT_TRUE(status.ok()) << status.message;
  EXPECT_EQ(response.payload().body().size(), 314159u);
}

TEST_F(Interop, UnaryCoroutine) {
  SimpleRequest request;
  request.mutable_payload()->set_body("body");
  SimpleResponse response;
  EXPECT_TRUE(stub.cacheable_unary_call(request, response).ok());
  EXPECT_EQ(response.payload().body(), "body");
}

TEST_F(Interop, StatusCodeAndMessage) {
  SimpleRequest request;
  request.mutable_response_status()->set_code(2);
  request.mutable_response_status()->set_message(
      "\t\ntest with whitespace\r\nand Unicode BMP ☺\t\n");
  SimpleResponse response;
  const Status status = stub.unary_call(request, response);
  EXPECT_EQ(status.code, StatusCode::kUnknown);
  EXPECT_EQ(status.message, request.response_status().message());
}

TEST_F(Interop, CustomMetadata) {
  rpc::BlockingContext context;
  ASSERT_EQ(context.metadata.add("x-grpc-test-echo-initial", "test_initial_metadata_value"),
            grpc::AddResult::kOk);
  SimpleResponse response;
  EXPECT_TRUE(stub.unary_call({}, response, context).ok());
  EXPECT_EQ(context.initial_metadata.find("x-grpc-test-echo-initial"),
            "test_initial_metadata_value");
}

TEST_F(Interop, UnimplementedMethods) {
  Empty reply;
  const Status status = stub.unimplemented_call({}, reply);
  EXPECT_EQ(status.code, StatusCode::kUnimplemented);
  EXPECT_EQ(status.message,
            "method /grpc.testing.TestService/UnimplementedCall is not implemented");
  Conversation<TestServiceStub::HalfDuplexCallCall, StreamingOutputCallRequest,
               StreamingOutputCallResponse>
      call;
  call.start(server.channel());
  ASSERT_TRUE(server.run_until([&] { return call.done == 1; }));
  EXPECT_EQ(call.status().code, StatusCode::kUnimplemented);
}

TEST_F(Interop, UnimplementedService) {
  Empty reply;
  const Status status = UnimplementedServiceStub(server.blocking()).unimplemented_call({}, reply);
  EXPECT_EQ(status.code, StatusCode::kUnimplemented);
}

TEST_F(Interop, ClientStreaming) {
  Conversation<TestServiceStub::StreamingInputCallCall, StreamingInputCallRequest,
               StreamingInputCallResponse>
      call;
  for (const size_t size : {27182u, 8u, 1828u, 45904u}) {
    call.requests.emplace_back().mutable_payload()->set_body(std::string(size, '\0'));
  }
  call.start(server.channel());
  ASSERT_TRUE(server.run_until([&] { return call.done == 1; }));
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  ASSERT_EQ(call.replies.size(), 1u);
  EXPECT_EQ(call.replies[0].aggregated_payload_size(), 74922);
}

TEST_F(Interop, ServerStreaming) {
  Conversation<TestServiceStub::StreamingOutputCallCall, StreamingOutputCallRequest,
               StreamingOutputCallResponse>
      call;
  call.requests.push_back(ask_for({31415, 9, 2653, 58979}));
  call.start(server.channel());
  ASSERT_TRUE(server.run_until([&] { return call.done == 1; }));
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  EXPECT_EQ(sizes_of(call.replies), (std::vector<size_t>{31415, 9, 2653, 58979}));
}

TEST_F(Interop, PingPong) {
  Conversation<TestServiceStub::FullDuplexCallCall, StreamingOutputCallRequest,
               StreamingOutputCallResponse>
      call;
  for (const int size : {31415, 9, 2653, 58979}) call.requests.push_back(ask_for({size}));
  call.start(server.channel());
  ASSERT_TRUE(server.run_until([&] { return call.done == 1; }));
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  EXPECT_EQ(sizes_of(call.replies), (std::vector<size_t>{31415, 9, 2653, 58979}));
}

TEST_F(Interop, EmptyStream) {
  Conversation<TestServiceStub::FullDuplexCallCall, StreamingOutputCallRequest,
               StreamingOutputCallResponse>
      call;
  call.start(server.channel());
  ASSERT_TRUE(server.run_until([&] { return call.done == 1; }));
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  EXPECT_TRUE(call.replies.empty());
}

TEST_F(Interop, AwaitedCalls) {
  const auto body = [](rpc::Channel& channel) -> Task<Status> {
    SimpleRequest request;
    for (int size = 0; size < 100; ++size) {
      request.set_response_size(size);
      auto [status, reply] =
          co_await rpc::call(channel, TestServiceStub::unary_call_method(), request);
      if (!status.ok()) co_return status;
      EXPECT_EQ(reply.payload().body().size(), static_cast<size_t>(size));
    }
    co_return Status{};
  };
  Task<Status> task = body(server.channel());
  bool done = false;
  task.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done);
  ASSERT_TRUE(server.run_until([&] { return done; }));
  EXPECT_TRUE(task.result().ok()) << task.result().message;
}

}  // namespace
}  // namespace saker::codegen

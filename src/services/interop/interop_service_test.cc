#include "saker/services/interop/interop_service.h"

#include <gtest/gtest.h>

#include "grpc/testing/messages.pb.h"
#include "saker/rpc/rpc_testing.h"

namespace saker::interop {
namespace {

using grpc::Compression;
using grpc::StatusCode;
using ::grpc::testing::SimpleRequest;
using ::grpc::testing::SimpleResponse;
using ::grpc::testing::StreamingInputCallRequest;
using ::grpc::testing::StreamingInputCallResponse;
using ::grpc::testing::StreamingOutputCallRequest;
using ::grpc::testing::StreamingOutputCallResponse;
using rpc::ClientMethod;
using rpc::MethodKind;

class Unary final : public rpc::UnaryClientCall<SimpleRequest, SimpleResponse> {
 public:
  int done = 0;

 private:
  void on_done() override { ++done; }
};

// Sends its requests at once, each compressed if `compressed` says so, and keeps the replies' sizes.
template <typename Request, typename Reply>
class Stream final : public rpc::StreamingClientCall<Request, Reply> {
 public:
  std::vector<Request> requests;
  std::vector<bool> compressed;
  std::vector<Reply> replies;
  std::vector<bool> replies_compressed;
  int done = 0;

 private:
  void on_writable() override {
    for (; sent_ < requests.size(); ++sent_) {
      this->compress_requests(sent_ < compressed.size() && compressed[sent_]);
      if (!this->write(requests[sent_], sent_ + 1 == requests.size())) return;
    }
  }
  void on_reply(Reply& reply) override {
    replies.push_back(reply);
    replies_compressed.push_back(this->reply_was_compressed());
  }
  void on_done() override { ++done; }
  size_t sent_ = 0;
};
using Output = Stream<StreamingOutputCallRequest, StreamingOutputCallResponse>;
using Input = Stream<StreamingInputCallRequest, StreamingInputCallResponse>;

class Interop : public testing::Test {
 protected:
  Interop() {
    register_interop_service(world.dispatcher);
    world.start();
  }

  template <typename Call>
  void run(Call& call, const ClientMethod& method, const rpc::CallOptions& options = {}) {
    call.start(world.channel(), method, options);
    ASSERT_TRUE(world.run_until([&] { return call.done == 1; }));
  }
  static rpc::CallOptions gzip() {
    rpc::CallOptions options;
    options.compression = Compression::kGzip;
    return options;
  }

  rpc::SimWorld world;
  const ClientMethod unary{"/grpc.testing.TestService/UnaryCall"};
  const ClientMethod cacheable{"/grpc.testing.TestService/CacheableUnaryCall"};
  const ClientMethod output{"/grpc.testing.TestService/StreamingOutputCall",
                            MethodKind::kServerStreaming};
  const ClientMethod input{"/grpc.testing.TestService/StreamingInputCall",
                           MethodKind::kClientStreaming};
  const ClientMethod full{"/grpc.testing.TestService/FullDuplexCall", MethodKind::kBidiStreaming};
  const ClientMethod half{"/grpc.testing.TestService/HalfDuplexCall", MethodKind::kBidiStreaming};
};

TEST_F(Interop, AnswersAsManyBytesAsAreAskedFor) {
  Unary call;
  call.request().set_response_size(1000);
  run(call, unary);
  EXPECT_TRUE(call.status().ok());
  EXPECT_EQ(call.reply().payload().body(), std::string(1000, '\0'));
}

TEST_F(Interop, SizesBeyondTheLimitAreInvalid) {
  for (const int32_t bytes : {-1, kMaxResponseBytes + 1}) {
    Unary call;
    call.request().set_response_size(bytes);
    run(call, unary);
    EXPECT_EQ(call.status().code, StatusCode::kInvalidArgument) << bytes;
    Output stream;
    stream.requests.emplace_back().add_response_parameters()->set_size(bytes);
    run(stream, output);
    EXPECT_EQ(stream.status().code, StatusCode::kInvalidArgument) << bytes;
  }
}

TEST_F(Interop, EchoesMetadataAlsoWithAnError) {
  grpc::Metadata metadata;
  ASSERT_EQ(metadata.add("x-grpc-test-echo-initial", "first"), grpc::AddResult::kOk);
  ASSERT_EQ(metadata.add("x-grpc-test-echo-trailing-bin", "\xab\x00"), grpc::AddResult::kOk);
  rpc::CallOptions options;
  options.metadata = &metadata;
  Unary good;
  run(good, unary, options);
  EXPECT_EQ(good.initial_metadata().find("x-grpc-test-echo-initial"), "first");
  EXPECT_EQ(good.trailing_metadata().find("x-grpc-test-echo-trailing-bin"), "\xab");
  Unary bad;
  bad.request().mutable_response_status()->set_code(9);
  run(bad, unary, options);
  EXPECT_EQ(bad.status().code, StatusCode::kFailedPrecondition);
  EXPECT_EQ(bad.trailing_metadata().find("x-grpc-test-echo-trailing-bin"), "\xab");
}

TEST_F(Interop, CodesThatAreNoneAreUnknown) {
  for (const int32_t code : {-1, 17, 1000}) {
    Unary call;
    call.request().mutable_response_status()->set_code(code);
    call.request().mutable_response_status()->set_message("odd");
    run(call, unary);
    EXPECT_EQ(call.status().code, StatusCode::kUnknown) << code;
    EXPECT_EQ(call.status().message, "odd");
  }
}

TEST_F(Interop, RequestsMustComeAsTheySayTheyDo) {
  for (const bool says : {false, true}) {
    for (const bool is : {false, true}) {
      Unary call;
      call.request().mutable_expect_compressed()->set_value(says);
      call.request().mutable_payload()->set_body(std::string(500, '\0'));
      run(call, unary, is ? gzip() : rpc::CallOptions());
      EXPECT_EQ(call.status().code, says == is ? StatusCode::kOk : StatusCode::kInvalidArgument);
    }
  }
}

TEST_F(Interop, EachMessageOfAStreamMustComeAsItSaysItDoes) {
  Input call;
  for (const bool compressed : {true, false}) {
    auto& request = call.requests.emplace_back();
    request.mutable_expect_compressed()->set_value(compressed);
    request.mutable_payload()->set_body(std::string(500, '\0'));
    call.compressed.push_back(compressed);
  }
  run(call, input, gzip());
  ASSERT_TRUE(call.status().ok()) << call.status().message;
  EXPECT_EQ(call.replies.at(0).aggregated_payload_size(), 1000);
}

TEST_F(Interop, CompressesTheRepliesThatAreToBe) {
  for (const bool wanted : {false, true}) {
    Unary call;
    call.request().set_response_size(500);
    call.request().mutable_response_compressed()->set_value(wanted);
    run(call, unary);
    EXPECT_EQ(call.reply_was_compressed(), wanted);
  }
  Output stream;
  auto& request = stream.requests.emplace_back();
  for (const bool wanted : {false, true, false}) {
    auto* parameters = request.add_response_parameters();
    parameters->set_size(500);
    parameters->mutable_compressed()->set_value(wanted);
  }
  run(stream, output);
  EXPECT_EQ(stream.replies_compressed, (std::vector<bool>{false, true, false}));
}

TEST_F(Interop, FullDuplexEndsWithTheStatusThatIsAskedFor) {
  Output call;
  call.requests.emplace_back().add_response_parameters()->set_size(7);
  call.requests.emplace_back().mutable_response_status()->set_code(5);
  call.requests.emplace_back().add_response_parameters()->set_size(8);
  run(call, full);
  EXPECT_EQ(call.status().code, StatusCode::kNotFound);
  EXPECT_EQ(call.replies.size(), 1u);
}

TEST_F(Interop, HalfDuplexAnswersAllInOrder) {
  Output call;
  for (const int32_t bytes : {3, 1, 2}) {
    auto* parameters = call.requests.emplace_back().add_response_parameters();
    parameters->set_size(bytes);
    parameters->set_interval_us(1000);
  }
  run(call, half);
  ASSERT_TRUE(call.status().ok());
  ASSERT_EQ(call.replies.size(), 3u);
  EXPECT_EQ(call.replies[0].payload().body().size(), 3u);
  EXPECT_EQ(call.replies[2].payload().body().size(), 2u);
}

TEST_F(Interop, HalfDuplexKeepsOnlySoMuch) {
  Output call;
  auto& request = call.requests.emplace_back();
  for (int at = 0; at < 20'000; ++at) request.add_response_parameters()->set_interval_us(at + 1);
  call.requests.resize(10, request);
  run(call, half);
  EXPECT_EQ(call.status().code, StatusCode::kResourceExhausted);
  EXPECT_TRUE(call.replies.empty());
}

TEST_F(Interop, CacheableCallsSayForHowLong) {
  Unary call;
  run(call, cacheable);
  EXPECT_TRUE(call.status().ok());
  EXPECT_EQ(call.initial_metadata().find("cache-control"), "max-age=60, public");
}

TEST_F(Interop, WhatNobodyImplementsIsUnimplemented) {
  for (const char* path : {"/grpc.testing.TestService/UnimplementedCall",
                           "/grpc.testing.UnimplementedService/UnimplementedCall"}) {
    const ClientMethod method(path);
    Unary call;
    run(call, method);
    EXPECT_EQ(call.status().code, StatusCode::kUnimplemented) << path;
  }
}

}  // namespace
}  // namespace saker::interop

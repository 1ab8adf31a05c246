#include "saker/services/reflection/reflection_service.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "extended.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "saker/rpc/blocking_client.h"
#include "saker/rpc/server.h"
#include "saker/rpc/streaming_client_call.h"

namespace saker::reflection {
namespace {

namespace health = ::grpc::health::v1;
namespace v1 = ::grpc::reflection::v1;
namespace v1alpha = ::grpc::reflection::v1alpha;
using grpc::StatusCode;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

// One stream that asks one question after the other, and keeps the answers.
template <typename Request, typename Response>
class InterrogationBase : public rpc::StreamingClientCall<Request, Response> {
 public:
  std::vector<Request> questions;
  std::vector<Response> answers;

 private:
  void on_writable() override {
    if (asked_ == 0) ask();
  }
  void on_reply(Response& response) override {
    answers.push_back(response);
    ask();
  }
  void ask() {
    if (asked_ == questions.size()) return this->writes_done();
    this->write(questions[asked_++]);
  }
  size_t asked_ = 0;
};
using Interrogation = rpc::BlockingClient::Waiting<
    InterrogationBase<v1::ServerReflectionRequest, v1::ServerReflectionResponse>>;
using OldInterrogation = rpc::BlockingClient::Waiting<
    InterrogationBase<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>>;

v1::ServerReflectionRequest symbol(const std::string& name) {
  v1::ServerReflectionRequest request;
  request.set_file_containing_symbol(name);
  return request;
}

v1::ServerReflectionRequest extension(const std::string& type, int number) {
  v1::ServerReflectionRequest request;
  request.mutable_file_containing_extension()->set_containing_type(type);
  request.mutable_file_containing_extension()->set_extension_number(number);
  return request;
}

std::vector<std::string> file_names(const v1::ServerReflectionResponse& answer) {
  std::vector<std::string> names;
  for (const std::string& bytes : answer.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto file;
    EXPECT_TRUE(file.ParseFromString(bytes));
    names.push_back(file.name());
  }
  return names;
}

class ReflectionTest : public testing::Test {
 protected:
  ReflectionTest() : server_(options()) {
    server_.dispatcher().add_unary<health::HealthCheckRequest, health::HealthCheckResponse>(
        "/grpc.health.v1.Health/Check",
        [](rpc::ServerContext&, auto&, auto&) { return grpc::Status{}; });
    service_.register_on(server_.dispatcher());
    EXPECT_TRUE(server_.prepare());
    const auto bound = server_.listen(*net::parse_address("127.0.0.1:0"));
    EXPECT_TRUE(bound);
    server_.start();
    client_ = *rpc::BlockingClient::create(*bound);
  }
  ~ReflectionTest() override {
    client_.reset();
    server_.shut_down();
    server_.wait();
  }
  static rpc::ServerOptions options() {
    rpc::ServerOptions options;
    options.threads = 1;
    // A client that no thread drives after its call does not answer the drain's PING.
    options.connection.drain_ping_timeout = std::chrono::milliseconds(100);
    return options;
  }
  template <typename Call>
  void run(Call& call, const std::string& path) {
    const rpc::ClientMethod method(path, rpc::MethodKind::kBidiStreaming);
    rpc::BlockingContext context;
    context.timeout = std::chrono::seconds(20);
    client_->run(call, call.waiter, method, context);
    EXPECT_TRUE(call.status().ok()) << call.status().message;
    ASSERT_EQ(call.answers.size(), call.questions.size());
  }
  std::vector<v1::ServerReflectionResponse> ask(
      std::vector<v1::ServerReflectionRequest> questions) {
    Interrogation call;
    call.questions = std::move(questions);
    run(call, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
    return call.answers;
  }
  v1::ServerReflectionResponse ask(const v1::ServerReflectionRequest& question) {
    return ask(std::vector{question}).at(0);
  }

  ReflectionService service_;
  rpc::Server server_;
  std::unique_ptr<rpc::BlockingClient> client_;
};

TEST_F(ReflectionTest, ListsTheServicesOfTheServerAndItself) {
  v1::ServerReflectionRequest request;
  request.set_host("example.com");
  request.set_list_services("*");
  const auto answer = ask(request);
  std::vector<std::string> names;
  for (const auto& service : answer.list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_THAT(names, ElementsAre("grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                                 "grpc.reflection.v1alpha.ServerReflection"));
  EXPECT_EQ(names, service_.services());
  EXPECT_EQ(answer.valid_host(), "example.com");
  EXPECT_EQ(answer.original_request().list_services(), "*");
}

TEST_F(ReflectionTest, FindsFilesByServiceMethodMessageAndName) {
  v1::ServerReflectionRequest by_name;
  by_name.set_file_by_filename("grpc/health/v1/health.proto");
  for (const auto& request :
       {symbol("grpc.health.v1.Health"), symbol("grpc.health.v1.Health.Watch"),
        symbol("grpc.health.v1.HealthCheckRequest"), by_name}) {
    EXPECT_THAT(file_names(ask(request)), ElementsAre("grpc/health/v1/health.proto"));
  }
}

TEST_F(ReflectionTest, WhatIsNotThereIsAnErrorAndTheStreamGoesOn) {
  v1::ServerReflectionRequest no_such_file, no_such_type;
  no_such_file.set_file_by_filename("no/such.proto");
  no_such_type.set_all_extension_numbers_of_type("no.Such");
  const auto answers = ask({symbol("no.Such"),
                            no_such_file,
                            extension("no.Such", 1),
                            no_such_type,
                            extension("google.protobuf.FieldOptions", 77),
                            {},
                            symbol("grpc.health.v1.Health")});
  for (size_t at = 0; at < 5; ++at) {
    EXPECT_EQ(answers[at].error_response().error_code(), static_cast<int>(StatusCode::kNotFound));
    EXPECT_FALSE(answers[at].error_response().error_message().empty());
  }
  EXPECT_EQ(answers[5].error_response().error_code(),
            static_cast<int>(StatusCode::kInvalidArgument));
  EXPECT_EQ(file_names(answers[6]).size(), 1u);
}

TEST_F(ReflectionTest, ExtensionsAreFound) {
  const std::string type = testdata::Open::descriptor()->full_name();
  v1::ServerReflectionRequest numbers;
  numbers.set_all_extension_numbers_of_type(type);
  const auto answers = ask({extension(type, 100), extension(type, 150), extension(type, 101),
                            numbers, symbol("saker.reflection.testdata.Holder.inner")});
  EXPECT_THAT(file_names(answers[0]), ElementsAre("extended.proto"));
  EXPECT_THAT(file_names(answers[1]), ElementsAre("extended.proto"));
  EXPECT_EQ(answers[2].error_response().error_code(), static_cast<int>(StatusCode::kNotFound));
  EXPECT_EQ(answers[2].original_request().file_containing_extension().extension_number(), 101);
  EXPECT_THAT(answers[3].all_extension_numbers_response().extension_number(),
              UnorderedElementsAre(100, 150));
  EXPECT_THAT(file_names(answers[4]), ElementsAre("extended.proto"));
}

TEST_F(ReflectionTest, ATypeWithoutExtensionsHasNoNumbers) {
  v1::ServerReflectionRequest request;
  request.set_all_extension_numbers_of_type("google.protobuf.FieldOptions");
  const auto answer = ask(request);
  EXPECT_EQ(answer.all_extension_numbers_response().base_type_name(),
            "google.protobuf.FieldOptions");
  EXPECT_EQ(answer.all_extension_numbers_response().extension_number_size(), 0);
}

TEST_F(ReflectionTest, AFileThatIsAskedForAgainIsSentAgain) {
  const auto answers = ask({symbol("grpc.health.v1.Health"), symbol("grpc.health.v1.Health")});
  EXPECT_EQ(file_names(answers[0]), file_names(answers[1]));
}

TEST_F(ReflectionTest, ImportsComeOnceOnAStream) {
  const auto answers = ask({symbol("grpc.testing.TestService"), symbol("grpc.testing.Empty"),
                            symbol("grpc.testing.TestService.EmptyCall")});
  EXPECT_THAT(file_names(answers[0]),
              ElementsAre("grpc/testing/test.proto", "grpc/testing/empty.proto",
                          "grpc/testing/messages.proto"));
  EXPECT_THAT(file_names(answers[1]), ElementsAre("grpc/testing/empty.proto"));
  EXPECT_THAT(file_names(answers[2]), ElementsAre("grpc/testing/test.proto"));
}

TEST_F(ReflectionTest, TheOldVersionAnswersAlike) {
  OldInterrogation call;
  call.questions.resize(2);
  call.questions[0].set_list_services("");
  call.questions[1].set_file_containing_symbol("grpc.reflection.v1alpha.ServerReflection");
  run(call, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
  EXPECT_EQ(call.answers[0].list_services_response().service_size(), 3);
  EXPECT_EQ(call.answers[1].file_descriptor_response().file_descriptor_proto_size(), 1);
}

}  // namespace
}  // namespace saker::reflection

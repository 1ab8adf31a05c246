// Names that give a generator trouble: keywords, clashes, no package, a package called saker;
// compiled and called.
#include <gtest/gtest.h>

#include "awkward/keywords.saker.h"
#include "awkward/nested_saker.saker.h"
#include "awkward/no_package.saker.h"
#include "test_server_testing.h"

namespace saker::codegen {
namespace {

using grpc::Status;
using grpc::StatusCode;
using rpc::Reader;
using rpc::ServerContext;
using rpc::Task;
using rpc::Writer;
using Text = ::awkward::keywords::EchoStub;  // a message, of all things
using Inner = ::awkward::shapes::Outer_Inner;
using Leaf = ::awkward::shapes::Outer_Inner_Leaf;

// Not derived from anything: every method has to be here.
struct EchoHandlers {
  static Status say(const char* what, Text& reply) {
    reply.set_text(what);
    return {};
  }
  Status echo(ServerContext&, Text& request, Text& reply) {
    reply.set_text(request.text());
    return {};
  }
  Status echo_method(ServerContext&, Text&, Text& reply) { return say("echo_method", reply); }
  Status delete_(ServerContext&, ::awkward::keywords::Outer_delete& request,
                 ::awkward::keywords::Outer_delete& reply) {
    reply.set_value(request.value() + 1);
    return {};
  }
  Status register_(ServerContext&, ::awkward::keywords::class_& request,
                   ::awkward::keywords::class_& reply) {
    reply.set_return_(request.return_() + "!");
    return {};
  }
  Status get_url(ServerContext&, Text&, Text& reply) { return say("GetURL", reply); }
  Status get_url_(ServerContext&, Text&, Text& reply) { return say("getUrl", reply); }
  Status client__(ServerContext&, google::protobuf::Empty&, google::protobuf::Empty&) {
    return {StatusCode::kAborted, "client_", {}};
  }
  Status old(ServerContext&, Text&, Text& reply) { return say("old", reply); }
  Task<Status> operator_(ServerContext&, Reader<Inner>& requests, Writer<Leaf>& replies) {
    Inner inner;
    while (co_await requests.read(inner)) co_await replies.write(inner.leaf());
    co_return Status{};
  }
  Task<Status> collect(ServerContext&, Reader<Text>& requests, Text& reply) {
    Text request;
    while (co_await requests.read(request)) reply.mutable_text()->append(request.text());
    co_return Status{};
  }
  Task<Status> old_expand(ServerContext&, Text& request, Writer<Text>& replies) {
    for (int index = 0; index < 3; ++index) co_await replies.write(request);
    co_return Status{};
  }
};

struct UnionHandlers {
  Status union_(ServerContext&, Text&, Text& reply) const {
    return EchoHandlers::say("union", reply);
  }
};

struct BareHandlers {
  Status get(ServerContext&, BareMessage& request, BareMessage& reply) {
    reply.set_text("bare " + request.text());
    return {};
  }
};

// Serves one method, leaves the other to the base.
struct RelayHandlers : other::saker::UnimplementedRelay {
  Status pass(ServerContext&, other::saker::Message& request, other::saker::Message& reply) const {
    reply.Swap(&request);
    return {};
  }
};

class Awkward : public testing::Test {
 protected:
  EchoHandlers echo;
  const UnionHandlers unions{};
  BareHandlers bare;
  const RelayHandlers relay{};
  UnionHandlers nothing;
  TestServer server{[this](rpc::Dispatcher& dispatcher) {
    ::awkward::keywords::register_echo_(dispatcher, echo);
    ::awkward::keywords::register_union(dispatcher, unions);
    ::awkward::keywords::register_nothing(dispatcher, nothing);
    ::register_bare(dispatcher, bare);
    ::other::saker::register_relay(dispatcher, relay);
  }};
  ::awkward::keywords::EchoStub_ stub{server.blocking()};
};

TEST_F(Awkward, KeywordsAndClashes) {
  Text request;
  request.set_text("hello");
  Text reply;
  EXPECT_TRUE(stub.echo(request, reply).ok());
  EXPECT_EQ(reply.text(), "hello");
  EXPECT_TRUE(stub.echo_method(request, reply).ok());
  EXPECT_EQ(reply.text(), "echo_method");
  EXPECT_TRUE(stub.get_url(request, reply).ok());
  EXPECT_EQ(reply.text(), "GetURL");
  EXPECT_TRUE(stub.get_url_(request, reply).ok());
  EXPECT_EQ(reply.text(), "getUrl");
  ::awkward::keywords::Outer_delete number;
  number.set_value(41);
  EXPECT_TRUE(stub.delete_(number, number).ok());
  EXPECT_EQ(number.value(), 42);
  ::awkward::keywords::class_ klass;
  klass.set_return_("x");
  EXPECT_TRUE(stub.register_(klass, klass).ok());
  EXPECT_EQ(klass.return_(), "x!");
  google::protobuf::Empty empty;
  EXPECT_EQ(stub.client__({}, empty).message, "client_");
}

TEST_F(Awkward, DescriptorsOfClashingNames) {
  using Stub = ::awkward::keywords::EchoStub_;
  EXPECT_EQ(Stub::echo_method_().path(), "/awkward.keywords.Echo/Echo");
  EXPECT_EQ(Stub::echo_method_method().path(), "/awkward.keywords.Echo/EchoMethod");
  EXPECT_STREQ(Stub::kServiceName, "awkward.keywords.Echo");
}

TEST_F(Awkward, NestedTypesOfAnotherPackage) {
  Conversation<::awkward::keywords::EchoStub_::operatorCall, Inner, Leaf> call;
  for (const char* text : {"a", "b"}) call.requests.emplace_back().mutable_leaf()->set_text(text);
  call.start(server.channel());
  ASSERT_TRUE(server.run_until([&] { return call.done == 1; }));
  EXPECT_TRUE(call.status().ok()) << call.status().message;
  ASSERT_EQ(call.replies.size(), 2u);
  EXPECT_EQ(call.replies[1].text(), "b");
}

// proto2: a message without its required field does not parse.
TEST_F(Awkward, MissingRequiredFieldIsInternal) {
  Conversation<::awkward::keywords::EchoStub_::operatorCall, Inner, Leaf> call;
  call.requests.emplace_back();
  call.start(server.channel());
  ASSERT_TRUE(server.run_until([&] { return call.done == 1; }));
  EXPECT_EQ(call.status().code, StatusCode::kInternal);
}

TEST_F(Awkward, DeprecatedMethodsStillWork) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  Text reply;
  EXPECT_TRUE(stub.old({}, reply).ok());
  EXPECT_EQ(reply.text(), "old");
  EXPECT_TRUE(::awkward::keywords::unionStub(server.blocking()).union_({}, reply).ok());
  EXPECT_EQ(reply.text(), "union");
  Conversation<::awkward::keywords::EchoStub_::OldExpandCall, Text, Text> call;
#pragma GCC diagnostic pop
  call.requests.emplace_back().set_text("x");
  call.start(server.channel());
  ASSERT_TRUE(server.run_until([&] { return call.done == 1; }));
  EXPECT_EQ(call.replies.size(), 3u);
}

TEST_F(Awkward, NoPackage) {
  BareMessage message;
  message.set_text("get");
  EXPECT_TRUE(BareStub(server.blocking()).get(message, message).ok());
  EXPECT_EQ(message.text(), "bare get");
}

TEST_F(Awkward, ANamespaceCalledSaker) {
  other::saker::Message message;
  message.set_text("x");
  EXPECT_TRUE(other::saker::RelayStub(server.blocking()).pass(message, message).ok());
  EXPECT_EQ(message.text(), "x");
  Conversation<other::saker::RelayStub::ChatCall, other::saker::Message, other::saker::Message>
      call;
  call.start(server.channel());
  ASSERT_TRUE(server.run_until([&] { return call.done == 1; }));
  EXPECT_EQ(call.status().code, StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace saker::codegen

// Calls over every transport: the same kinds, sizes, ends and statuses on sockets of each family, and
// in the simulator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/net/transport_harness.h"
#include "saker/rpc/rpc_testing.h"

namespace saker::rpc {
namespace {

using grpc::Status;
using grpc::StatusCode;
using net::Transport;
using testing::HasSubstr;

class OverTransport : public testing::TestWithParam<net::test::WorldKind>, net::ListenerEvents {
 protected:
  void SetUp() override {
    world_ = GetParam().make();
    if (world_->server_tls() != nullptr) server_options_.tls = *world_->server_tls();
    if (const std::string why = world_->why_unavailable(); !why.empty()) GTEST_SKIP() << why;
    add_methods();
    dispatcher_.prepare(1);
    start_server(world_->listen_address());
    channel_ = std::make_unique<Channel>(world_->client(), address_, channel_options());
  }
  void TearDown() override {
    channel_.reset();
    stop_server();
    world_.reset();
  }

  void add_methods() {
    dispatcher_.add_unary<RawMessage, RawMessage>(
        "/t.T/Unary", [this](ServerContext& context, RawMessage& request, RawMessage& reply) {
          peer_ = context.peer();
          if (peer_.identity != nullptr) identity_ = *peer_.identity;
          if (request.bytes == "fail") return Status{StatusCode::kAborted, "as you wish", {}};
          reply.bytes.swap(request.bytes);
          return Status{};
        });
    dispatcher_.add_client_streaming<RawMessage, RawMessage>(
        "/t.T/Collect",
        [](ServerContext&, Reader<RawMessage>& requests, RawMessage& reply) -> Task<Status> {
          RawMessage request;
          while (co_await requests.read(request)) reply.bytes += request.bytes + ";";
          co_return Status{};
        });
    dispatcher_.add_server_streaming<RawMessage, RawMessage>(
        "/t.T/Expand",
        [](ServerContext&, RawMessage& request, Writer<RawMessage>& replies) -> Task<Status> {
          for (int index = 0; index < std::stoi(request.bytes); ++index) {
            if (!co_await replies.write({std::to_string(index)})) break;
          }
          co_return Status{};
        });
    dispatcher_.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", echo_stream);
  }
  ChannelOptions channel_options() {
    ChannelOptions options;
    options.initial_backoff = 10ms;
    if (world_->client_tls() != nullptr) options.tls = *world_->client_tls();
    return options;
  }

  void start_server(const net::Address& address) {
    server_ = std::make_unique<ServerLoop>(0, world_->server(), dispatcher_, server_options_);
    listener_ = net::test::must(world_->server().listen(address, {}, *this), "listen");
    address_ = world_->connect_address(listener_->address());
  }
  void stop_server() {
    listener_.reset();
    server_.reset();
  }
  void on_accept(net::Accepted accepted) override {
    server_->expect_connection();
    server_->adopt(std::move(accepted));
  }

  void wait(const std::function<bool()>& done) { ASSERT_TRUE(world_->run_until(done)); }
  Status unary(std::string bytes, std::string* reply = nullptr, const CallOptions& options = {}) {
    TestUnary call;
    call.request().bytes = std::move(bytes);
    call.start(*channel_, unary_method(), options);
    wait([&] { return call.done > 0; });
    if (reply != nullptr) *reply = call.reply().bytes;
    return call.status();
  }

  std::unique_ptr<net::test::World> world_;
  ServerOptions server_options_;
  Dispatcher dispatcher_;
  std::unique_ptr<ServerLoop> server_;
  std::unique_ptr<net::Listener> listener_;
  net::Address address_;
  std::unique_ptr<Channel> channel_;
  net::Peer peer_;  // of the last unary call
  tls::PeerIdentity identity_;
};

INSTANTIATE_TEST_SUITE_P(All, OverTransport, testing::ValuesIn(net::test::all_worlds()),
                         [](const auto& kind) { return kind.param.name; });

TEST_P(OverTransport, UnaryCallsOfEverySize) {
  for (const size_t size : {0u, 1u, 1000u, 16'384u, 65'536u, 1'048'576u, 4'000'000u}) {
    std::string reply;
    const std::string bytes = net::test::pattern(size);
    const Status status = unary(bytes, &reply);
    EXPECT_TRUE(status.ok()) << size << ": " << status.message;
    EXPECT_TRUE(reply == bytes) << size;
  }
}

TEST_P(OverTransport, ManyCallsAtOnce) {
  std::vector<TestUnary> calls(2000);
  int done = 0;
  for (size_t at = 0; at < calls.size(); ++at) {
    calls[at].request().bytes = net::test::pattern(100 + at, at);
    calls[at].when_done = [&] { ++done; };
    calls[at].start(*channel_, unary_method());
  }
  wait([&] { return done == 2000; });
  for (size_t at = 0; at < calls.size(); ++at) {
    EXPECT_EQ(calls[at].done, 1);
    EXPECT_TRUE(calls[at].status().ok()) << calls[at].status().message;
    EXPECT_TRUE(calls[at].reply().bytes == net::test::pattern(100 + at, at)) << at;
  }
}

TEST_P(OverTransport, StreamsOfEveryKind) {
  TestStream collect, expand, chat;
  collect.when_writable = [&] {
    for (int index = 0; index < 50; ++index) collect.send("x", index == 49);
  };
  expand.when_writable = [&] { expand.send("3000", true); };
  const std::string large = net::test::pattern(300'000);
  chat.when_writable = [&] { chat.send(large); };
  chat.when_reply = [&](const std::string&) {
    if (chat.replies.size() == 20) chat.writes_done();
  };
  collect.start(*channel_, collect_method());
  expand.start(*channel_, expand_method());
  chat.start(*channel_, bidi_method());
  wait([&] { return collect.done + expand.done + chat.done == 3; });
  for (TestStream* stream : {&collect, &expand, &chat}) {
    EXPECT_TRUE(stream->status().ok()) << stream->status().message;
  }
  ASSERT_EQ(collect.replies.size(), 1u);
  EXPECT_EQ(collect.replies[0].size(), 100u);
  EXPECT_EQ(expand.replies.size(), 3000u);
  ASSERT_GE(chat.replies.size(), 20u);
  for (const std::string& reply : chat.replies) EXPECT_TRUE(reply == large);
}

TEST_P(OverTransport, StatusesAndTheConnectionAfterThem) {
  const Status failed = unary("fail");
  EXPECT_EQ(failed.code, StatusCode::kAborted);
  EXPECT_EQ(failed.message, "as you wish");
  TestUnary unknown;
  static const ClientMethod method("/t.T/None", MethodKind::kUnary);
  unknown.start(*channel_, method);
  wait([&] { return unknown.done > 0; });
  EXPECT_EQ(unknown.status().code, StatusCode::kUnimplemented);
  EXPECT_EQ(unary(std::string((4 << 20) + 1, 'x')).code, StatusCode::kResourceExhausted);
  EXPECT_TRUE(unary("fine").ok());
}

TEST_P(OverTransport, CancelledAndOverdueCalls) {
  TestStream cancelled, overdue;  // the server waits for requests that do not come
  cancelled.start(*channel_, bidi_method());
  overdue.start(*channel_, bidi_method(), {.deadline = world_->client().read_clock() + 100ms});
  wait([&] { return overdue.done > 0; });
  cancelled.cancel();
  wait([&] { return cancelled.done > 0; });
  EXPECT_EQ(overdue.status().code, StatusCode::kDeadlineExceeded);
  EXPECT_EQ(cancelled.status().code, StatusCode::kCancelled);
  EXPECT_TRUE(unary("fine").ok());
}

TEST_P(OverTransport, AServerThatDiesAndComesBack) {
  TestStream open;
  open.start(*channel_, bidi_method());
  ASSERT_TRUE(unary("before").ok());
  stop_server();
  wait([&] { return open.done > 0; });
  EXPECT_EQ(open.status().code, StatusCode::kUnavailable);
  EXPECT_THAT(open.status().message, HasSubstr("closed by the peer"));
  world_->settle();
  EXPECT_EQ(open.done, 1);
  start_server(listener_ ? listener_->address() : address_);
  const Status after = unary("after", nullptr, {.wait_for_ready = true});
  EXPECT_TRUE(after.ok()) << after.message;
}

TEST_P(OverTransport, NobodyListens) {
  Channel nobody(world_->client(), world_->dead_address(), channel_options());
  TestUnary call, patient;
  patient.start(nobody, unary_method(),
                {.deadline = world_->client().read_clock() + 150ms, .wait_for_ready = true});
  call.start(nobody, unary_method());
  wait([&] { return call.done + patient.done == 2; });
  EXPECT_EQ(call.status().code, StatusCode::kUnavailable);
  EXPECT_THAT(call.status().message, HasSubstr("nobody listens there"));
  EXPECT_EQ(patient.status().code, StatusCode::kDeadlineExceeded);
}

TEST_P(OverTransport, TheHandlerKnowsItsPeer) {
  ASSERT_TRUE(unary("who am I").ok());
  EXPECT_EQ(peer_.transport,
            address_.transport == Transport::kUnixAbstract ? Transport::kUnix : address_.transport);
  if (address_.transport == Transport::kVsock) {
    EXPECT_EQ(peer_.cid, net::kVsockCidLocal);
    EXPECT_THAT(peer_.name, HasSubstr("vsock:1:"));
  }
  EXPECT_EQ(peer_.is_tls, world_->server_tls() != nullptr);
  if (!peer_.is_tls) return;
  EXPECT_EQ(identity_.subject, "CN=client");
  EXPECT_EQ(identity_.uris, std::vector<std::string>{"spiffe://test/client"});
  EXPECT_EQ(identity_.dns, std::vector<std::string>{"client.test"});
}

}  // namespace
}  // namespace saker::rpc

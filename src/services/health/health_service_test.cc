#include "saker/services/health/health_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>

#include "grpc/health/v1/health.pb.h"
#include "saker/rpc/blocking_client.h"
#include "saker/rpc/server.h"
#include "saker/rpc/streaming_client_call.h"

namespace saker::health {
namespace {

namespace pb = ::grpc::health::v1;
using grpc::StatusCode;
using testing::ElementsAre;

constexpr int kServing = pb::HealthCheckResponse::SERVING;
constexpr int kNotServing = pb::HealthCheckResponse::NOT_SERVING;
constexpr int kServiceUnknown = pb::HealthCheckResponse::SERVICE_UNKNOWN;

const rpc::ClientMethod& check_method() {
  static const rpc::ClientMethod method("/grpc.health.v1.Health/Check");
  return method;
}
const rpc::ClientMethod& watch_method() {
  static const rpc::ClientMethod method("/grpc.health.v1.Health/Watch",
                                        rpc::MethodKind::kServerStreaming);
  return method;
}

// A Watch that calls `on_status` with each status, on the thread that runs the call.
class WatchBase : public rpc::StreamingClientCall<pb::HealthCheckRequest, pb::HealthCheckResponse> {
 public:
  std::string service;
  std::vector<int> seen;
  std::function<void()> on_status = [] {};

 private:
  void on_writable() override {
    pb::HealthCheckRequest request;
    request.set_service(service);
    if (write(request)) writes_done();
  }
  void on_reply(pb::HealthCheckResponse& reply) override {
    seen.push_back(reply.status());
    on_status();
  }
};
using Watch = rpc::BlockingClient::Waiting<WatchBase>;

class HealthTest : public testing::Test {
 protected:
  HealthTest() : server_(options()) {
    service_.register_on(server_.dispatcher());
    EXPECT_TRUE(server_.prepare());
    const auto bound = server_.listen(*net::parse_address("127.0.0.1:0"));
    EXPECT_TRUE(bound);
    server_.start();
    client_ = *rpc::BlockingClient::create(*bound);
  }
  ~HealthTest() override {
    client_.reset();
    server_.shut_down();
    server_.wait();
  }
  static rpc::ServerOptions options() {
    rpc::ServerOptions options;
    options.threads = 2;
    // A client that no thread drives after its call does not answer the drain's PING.
    options.connection.drain_ping_timeout = std::chrono::milliseconds(500);
    options.drain_timeout = std::chrono::seconds(30);
    return options;
  }

  grpc::Status check(const std::string& name, pb::HealthCheckResponse& reply) {
    pb::HealthCheckRequest request;
    request.set_service(name);
    rpc::BlockingContext context;
    context.timeout = std::chrono::seconds(10);
    return client_->call(check_method(), request, reply, context);
  }
  grpc::Status watch(Watch& call) {
    rpc::BlockingContext context;
    context.timeout = std::chrono::seconds(10);
    client_->run(call, call.waiter, watch_method(), context);
    return call.status();
  }

  HealthService service_;
  rpc::Server server_;
  std::unique_ptr<rpc::BlockingClient> client_;
};

TEST_F(HealthTest, CheckAnswersForTheServerAndForEachService) {
  service_.set_status("a.B", ServingStatus::kServing);
  service_.set_status("c.D", ServingStatus::kNotServing);
  pb::HealthCheckResponse reply;
  EXPECT_TRUE(check("", reply).ok());
  EXPECT_EQ(reply.status(), kServing);
  EXPECT_TRUE(check("a.B", reply).ok());
  EXPECT_EQ(reply.status(), kServing);
  EXPECT_TRUE(check("c.D", reply).ok());
  EXPECT_EQ(reply.status(), kNotServing);
}

TEST_F(HealthTest, CheckOfAnUnknownServiceIsNotFound) {
  pb::HealthCheckResponse reply;
  EXPECT_EQ(check("no.Such", reply).code, StatusCode::kNotFound);
  EXPECT_EQ(service_.status("no.Such"), std::nullopt);
}

TEST_F(HealthTest, WatchTellsEachChangeOnce) {
  service_.set_status("a.B", ServingStatus::kServing);
  Watch call;
  call.service = "a.B";
  call.on_status = [&] {
    if (call.seen.size() == 1) {
      service_.set_status("", ServingStatus::kNotServing);  // another service
      service_.set_status("a.B", ServingStatus::kServing);  // no change
      service_.set_status("a.B", ServingStatus::kNotServing);
    } else if (call.seen.size() == 2) {
      service_.set_status("a.B", ServingStatus::kServing);
    } else {
      call.cancel();
    }
  };
  EXPECT_EQ(watch(call).code, StatusCode::kCancelled);
  EXPECT_THAT(call.seen, ElementsAre(kServing, kNotServing, kServing));
}

TEST_F(HealthTest, WatchOfAnUnknownServiceWaitsForIt) {
  Watch call;
  call.service = "late.Service";
  call.on_status = [&] {
    if (call.seen.size() == 1) {
      service_.set_status("late.Service", ServingStatus::kServing);
    } else {
      call.cancel();
    }
  };
  watch(call);
  EXPECT_THAT(call.seen, ElementsAre(kServiceUnknown, kServing));
}

TEST_F(HealthTest, ShutDownTellsWatchersAndEndsTheirStreams) {
  Watch call;
  call.on_status = [&] {
    if (call.seen.size() == 1) service_.shut_down();
  };
  EXPECT_EQ(watch(call).code, StatusCode::kUnavailable);
  EXPECT_THAT(call.seen, ElementsAre(kServing, kNotServing));
  service_.set_status("", ServingStatus::kServing);
  EXPECT_EQ(service_.status(""), ServingStatus::kNotServing);
}

// A change that is posted while its stream ends must not find a dead watcher.
TEST_F(HealthTest, ChangesRaceWithTheEndOfWatchers) {
  for (int round = 0; round < 200; ++round) {
    Watch call;
    call.on_status = [&] {
      if (call.seen.size() == 1) call.cancel();
    };
    std::thread setter([&] {
      for (int change = 0; change < 50; ++change) {
        service_.set_status("",
                            change % 2 == 0 ? ServingStatus::kNotServing : ServingStatus::kServing);
      }
    });
    watch(call);
    setter.join();
  }
}

// An open Watch is no reason for a drain to last until its time-out.
TEST_F(HealthTest, DrainDoesNotWaitForWatchers) {
  Watch call;
  call.on_status = [&] {
    if (call.seen.size() != 1) return;
    service_.shut_down();
    server_.shut_down();
  };
  watch(call);
  const auto before = std::chrono::steady_clock::now();
  server_.wait();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(15));
}

}  // namespace
}  // namespace saker::health

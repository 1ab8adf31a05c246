// A health service for SimBackend, and a cluster whose client watches it (gRFC A17).
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "saker/rpc/client_testing.h"

namespace saker::rpc {

// What grpc/health/v1/health.proto calls ServingStatus.
enum class Serving : uint8_t { kUnknown, kServing, kNotServing, kServiceUnknown };

inline std::string health_response(Serving status) {
  if (status == Serving::kUnknown) return "";  // proto3 leaves a zero out
  return {'\x08', static_cast<char>(status)};
}

// Says its status at once and whenever it changes, as health-checking.md asks.
class TestHealth {
 public:
  TestHealth(net::Loop& loop, SimBackend& backend) : loop_(loop) {
    backend.on_watch = [this](ServerContext& context, RawMessage& request,
                              Writer<RawMessage>& replies) {
      return watch(context, request, replies);
    };
  }

  Serving status = Serving::kServing;
  Duration delay{};  // before the first answer
  // How streams end, each one: by this status, before or behind an answer.
  grpc::StatusCode fails = grpc::StatusCode::kOk;
  bool answers_first = false;
  bool ends_now = false;  // the streams there are end with `fails`
  int open = 0;
  std::vector<std::string> requests;
  std::vector<Time> asked_at;

 private:
  struct Open {
    explicit Open(int& counter) : count(counter) { ++count; }
    ~Open() { --count; }
    int& count;
  };

  Task<grpc::Status> watch(ServerContext& context, RawMessage& request,
                           Writer<RawMessage>& replies) {
    const Open counted(open);
    requests.push_back(request.bytes);
    asked_at.push_back(loop_.now());
    const grpc::Status end{fails, "as planned", {}};
    if (fails != grpc::StatusCode::kOk && !answers_first) co_return end;
    if (delay != Duration{}) co_await Nap(loop_, delay);
    bool first = true;
    Serving said = status;
    while (!context.cancelled()) {
      if (std::exchange(first, false) || said != status) {
        said = status;
        const RawMessage response(health_response(said));
        if (!co_await replies.write(response)) break;
      }
      if (fails != grpc::StatusCode::kOk) co_return end;
      if (ends_now) co_return grpc::Status{};
      co_await Nap(loop_, 10ms);
    }
    co_return grpc::Status{};
  }

  net::Loop& loop_;
};

struct HealthObserver final : ConnectionObserver {
  void on_connected(Duration) override {}
  void on_health_unimplemented(const std::string& backend) override { without.push_back(backend); }
  std::vector<std::string> without;
};

// Two backends under round robin, both healthy, until the test says otherwise.
class Health : public testing::Test {
 protected:
  Health() {
    for (auto& backend : cluster.backends) {
      services.push_back(std::make_unique<TestHealth>(cluster.server_loop, *backend));
    }
    cluster.options.balancing = Balancing::kRoundRobin;
    cluster.options.observer = &observer;
    cluster.configure(R"({"healthCheckConfig": {"serviceName": "a.S"}})");
  }

  TestHealth& service(size_t index = 0) { return *services[index]; }
  SimBackend& backend(size_t index = 0) { return cluster.backend(index); }
  // Both have said how they are.
  void start() {
    cluster.start();
    CallOptions first;
    first.deadline = time_after(cluster.client_loop.now(), 100ms);
    cluster.call(first);
    cluster.run_for(200ms);
  }
  std::vector<std::string> answers(int count) {
    std::vector<std::string> all;
    for (int call = 0; call < count; ++call) all.push_back(cluster.call());
    return all;
  }
  size_t ready() { return cluster.channel->ready_connections(); }
  bool wait_for_ready(size_t connections, Duration limit = 60s) {
    return cluster.run_until([&] { return ready() == connections; }, limit);
  }

  HealthObserver observer;
  std::vector<std::unique_ptr<TestHealth>> services;  // outlives the servers' handlers
  SimCluster cluster{2};
};

}  // namespace saker::rpc

// The fixture of the tests that run on every transport: a listener, and pairs of streams connected
// through it. Checks at the end that no descriptor was left open.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "saker/net/transport_harness.h"

namespace saker::net::test {

class TransportFixture : public testing::TestWithParam<WorldKind> {
 protected:
  void SetUp() override {
    descriptors_ = open_descriptors();
    world_ = GetParam().make();
    if (const std::string why = world_->why_unavailable(); !why.empty()) GTEST_SKIP() << why;
    events_ = std::make_unique<TestListener>(world_->server(), world_->wrap_server());
    listener_ = must(world_->server().listen(world_->listen_address(), {}, *events_), "listen");
  }
  void TearDown() override {
    client_.reset();
    connects_.clear();
    listener_.reset();
    events_.reset();
    world_.reset();
    EXPECT_EQ(open_descriptors(), descriptors_) << "a descriptor was left open";
  }

  TestConnect& connect() {
    connects_.push_back(std::make_unique<TestConnect>(world_->client(),
                                                      world_->connect_address(listener_->address()),
                                                      ConnectOptions{}, world_->wrap_client()));
    return *connects_.back();
  }
  // A connected pair, both started.
  void make_pair() {
    TestConnect& attempt = connect();
    ASSERT_TRUE(world_->run_until([&] { return attempt.count > 0 && !events_->streams.empty(); }));
    ASSERT_TRUE(attempt.stream) << attempt.error.message;
    client_ = std::move(attempt.stream);
    client_->start();
  }
  TestStream& server() { return *events_->streams.front(); }

  size_t descriptors_ = 0;
  std::unique_ptr<World> world_;
  std::unique_ptr<TestListener> events_;
  std::unique_ptr<Listener> listener_;
  std::vector<std::unique_ptr<TestConnect>> connects_;
  std::unique_ptr<TestStream> client_;
};

}  // namespace saker::net::test

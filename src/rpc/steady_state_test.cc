// In the steady state a call allocates nothing, on either side: counted on a real loop that is
// server and client at once. A program of its own, because it replaces operator new.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

#include "saker/rpc/rpc_testing.h"

namespace {
size_t allocations = 0;
}

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();  // lint-allow: abort nothing is left to tell it with
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace saker::rpc {
namespace {

class SteadyState : public testing::Test, private net::ListenerEvents {
 protected:
  void start(const ChannelOptions& options) {
    dispatcher_.add_unary<RawMessage, RawMessage>(
        "/t.T/Unary", [](ServerContext&, RawMessage& request, RawMessage& reply) {
          reply.bytes.assign(request.bytes);
          return grpc::Status{};
        });
    dispatcher_.prepare(1);
    server_ = std::make_unique<ServerLoop>(0, *loop_, dispatcher_, server_options_);
    const std::string name = "unix-abstract:saker-steady-" + std::to_string(getpid());
    const net::Address address = *net::parse_address(name);
    listener_ = *loop_->listen(address, {}, *this);
    channel_ = std::make_unique<Channel>(*loop_, address, options);
  }
  void TearDown() override {
    channel_.reset();
    listener_.reset();
    server_.reset();
  }
  // How many allocations `count` calls took, one after the other.
  size_t allocations_of(int count) {
    const size_t before = allocations;
    for (int call = 0; call < count; ++call) {
      const int done = unary_.done;
      unary_.start(*channel_, unary_method());
      while (unary_.done == done) loop_->run_once(loop_->read_clock() + 1s);
      if (!unary_.status().ok()) ++failed_;
    }
    return allocations - before;
  }

  TestUnary unary_;
  int failed_ = 0;

 private:
  void on_accept(net::Accepted accepted) override {
    server_->expect_connection();
    server_->adopt(std::move(accepted));
  }

  std::unique_ptr<net::Loop> loop_ = *net::make_epoll_loop();
  ServerOptions server_options_;
  Dispatcher dispatcher_;
  std::unique_ptr<ServerLoop> server_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<Channel> channel_;
};

TEST_F(SteadyState, ACallAllocatesNothing) {
  start({});
  for (const size_t bytes : {16u, 1024u}) {
    unary_.request().bytes.assign(bytes, 'x');
    allocations_of(200);
    EXPECT_EQ(allocations_of(1000), 0u) << bytes << " bytes";
  }
  EXPECT_EQ(failed_, 0);
}

// What a policy needs is made once with the call's object.
TEST_F(SteadyState, ACallUnderARetryPolicyAllocatesNothing) {
  ChannelOptions options;
  options.service_config =
      std::make_shared<const ServiceConfig>(*ServiceConfig::parse(R"({"methodConfig": [
        {"name": [{}], "timeout": "100s", "retryPolicy": {"maxAttempts": 3, "initialBackoff": "1s",
         "maxBackoff": "1s", "backoffMultiplier": 1, "retryableStatusCodes": [14]}}]})"));
  start(options);
  unary_.request().bytes.assign(16, 'x');
  allocations_of(200);
  // A timeout is encoded anew each time, and now and then the peer's table has to grow.
  EXPECT_LE(allocations_of(1000), 10u);
  EXPECT_EQ(failed_, 0);
}

}  // namespace
}  // namespace saker::rpc

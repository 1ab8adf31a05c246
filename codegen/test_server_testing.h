// A real server on a loopback port and both kinds of client for it, for tests of generated code.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "saker/rpc/blocking_client.h"
#include "saker/rpc/channel.h"
#include "saker/rpc/server.h"

namespace saker::codegen {

class TestServer {
 public:
  explicit TestServer(const std::function<void(rpc::Dispatcher&)>& register_services)
      : server_(one_thread()) {
    register_services(server_.dispatcher());
    EXPECT_TRUE(server_.prepare());
    address_ = *server_.listen(*net::parse_address("127.0.0.1:0"));
    server_.start();
    blocking_ = *rpc::BlockingClient::create(address_);
    loop_ = *net::make_epoll_loop();
    channel_ = std::make_unique<rpc::Channel>(*loop_, address_);
  }
  ~TestServer() {
    channel_.reset();
    blocking_.reset();
    server_.shut_down();
    server_.wait();
  }

  rpc::BlockingClient& blocking() { return *blocking_; }
  rpc::Channel& channel() { return *channel_; }
  // Turns the channel's loop until done() holds, for ten seconds at most.
  bool run_until(const std::function<bool()>& done) {
    const Time end = loop_->read_clock() + std::chrono::seconds(10);
    while (!done() && loop_->read_clock() < end) loop_->run_once(end);
    return done();
  }

 private:
  static rpc::ServerOptions one_thread() {
    rpc::ServerOptions options;
    options.threads = 1;
    return options;
  }

  rpc::Server server_;
  net::Address address_;
  std::unique_ptr<rpc::BlockingClient> blocking_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<rpc::Channel> channel_;
};

// A streaming call that sends `requests` as the server takes them and keeps the replies.
// `Call` is a stub's call type.
template <typename Call, typename Request, typename Reply>
class Conversation final : public Call {
 public:
  std::vector<Request> requests;
  std::vector<Reply> replies;
  int done = 0;

 private:
  void on_writable() override {
    while (sent_ < requests.size() && this->writable()) {
      this->write(requests[sent_], sent_ + 1 == requests.size());
      ++sent_;
    }
    if (requests.empty()) this->writes_done();
  }
  void on_reply(Reply& reply) override { replies.push_back(std::move(reply)); }
  void on_done() override { ++done; }

  size_t sent_ = 0;
};

}  // namespace saker::codegen

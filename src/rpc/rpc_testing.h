// A client and a server in one simulated world: real Channel, real ServerLoop, virtual time, a
// network whose faults a seed decides. Nothing sleeps, and a run repeats exactly. Messages are
// RawMessage: what is tested is calls, not protobuf.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "saker/net/sim_loop.h"
#include "saker/net/sim_network.h"
#include "saker/rpc/channel.h"
#include "saker/rpc/dispatcher.h"
#include "saker/rpc/server_loop.h"
#include "saker/rpc/streaming_client_call.h"
#include "saker/rpc/unary_client_call.h"

namespace saker::rpc {

using namespace std::chrono_literals;

// Reads and writes in pieces of every size, late.
inline net::SimFaults rough_network() {
  net::SimFaults faults;
  faults.short_read = 0.5;
  faults.short_write = 0.5;
  faults.late_write = 0.5;
  return faults;
}

class SimWorld final : private net::ListenerEvents {
 public:
  explicit SimWorld(uint64_t seed = 1, const net::SimFaults& faults = {})
      : network(seed, faults), server_loop(network), client_loop(network) {}
  ~SimWorld() {
    channel_.reset();
    server_.reset();
  }

  // Once the methods are registered and the options set.
  void start() {
    dispatcher.prepare(1);
    server_ = std::make_unique<ServerLoop>(0, server_loop, dispatcher, server_options, memory);
    const net::Address address = *net::parse_address("memory://server");
    listener_ = *server_loop.listen(address, {}, *this);
    channel_ = std::make_unique<Channel>(client_loop, address, channel_options);
  }

  bool run_until(const std::function<bool()>& done, Duration limit = 60s) {
    return network.run_until(done, limit);
  }
  // Whatever is under way arrives.
  void run_for(Duration time) {
    network.run_until([] { return false; }, time);
  }

  // Calls that the server has ended with `code`.
  uint64_t calls(grpc::StatusCode code) {
    uint64_t total = 0;
    for (const CallCounters& row : server_->counters().all_calls()) {
      total += row.by_code[static_cast<size_t>(code)];
    }
    return total;
  }

  Channel& channel() { return *channel_; }
  ServerLoop& server() { return *server_; }
  void destroy_channel() { channel_.reset(); }
  void destroy_server() { server_.reset(); }
  void stop_listening() { listener_.reset(); }

  net::SimNetwork network;
  net::SimLoop server_loop;
  net::SimLoop client_loop;
  ServerOptions server_options;
  ChannelOptions channel_options;
  Dispatcher dispatcher;
  MemoryGuard memory{256 << 20};  // kOk until a test updates it

 private:
  void on_accept(net::Accepted accepted) override {
    server_->expect_connection();
    server_->adopt(std::move(accepted));
  }

  std::unique_ptr<ServerLoop> server_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<Channel> channel_;
};

// A streaming call that records what happens to it.
class TestStream final : public StreamingClientCall<RawMessage, RawMessage> {
 public:
  std::vector<std::string> replies;
  int writable_events = 0;
  int done = 0;
  std::function<void()> when_writable = [] {};
  std::function<void(const std::string&)> when_reply = [](const std::string&) {};
  std::function<void()> when_done = [] {};

  bool send(std::string bytes, bool last = false) { return write({std::move(bytes)}, last); }

 private:
  void on_reply(RawMessage& reply) override {
    replies.push_back(reply.bytes);
    when_reply(reply.bytes);
  }
  void on_writable() override {
    ++writable_events;
    when_writable();
  }
  void on_done() override {
    ++done;
    when_done();
  }
};

class TestUnary final : public UnaryClientCall<RawMessage, RawMessage> {
 public:
  int done = 0;
  std::function<void()> when_done = [] {};

 private:
  void on_done() override {
    ++done;
    when_done();
  }
};

inline const ClientMethod& unary_method() {
  static const ClientMethod method("/t.T/Unary", MethodKind::kUnary);
  return method;
}
inline const ClientMethod& collect_method() {
  static const ClientMethod method("/t.T/Collect", MethodKind::kClientStreaming);
  return method;
}
inline const ClientMethod& expand_method() {
  static const ClientMethod method("/t.T/Expand", MethodKind::kServerStreaming);
  return method;
}
inline const ClientMethod& bidi_method() {
  static const ClientMethod method("/t.T/Bidi", MethodKind::kBidiStreaming);
  return method;
}

// The same bytes back. Captures nothing, so that it may outlive whoever made it.
inline Task<grpc::Status> echo_stream(ServerContext&, Reader<RawMessage>& requests,
                                      Writer<RawMessage>& replies) {
  RawMessage message;
  while (co_await requests.read(message)) {
    if (!co_await replies.write(message)) break;
  }
  co_return grpc::Status{};
}

// A sleep that no cancellation ends.
class Nap final : private net::Timer {
 public:
  Nap(net::Loop& loop, Duration time) : loop_(loop), time_(time) {}
  ~Nap() { loop_.cancel(*this); }
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    loop_.arm(*this, time_after(loop_.read_clock(), time_));
  }
  void await_resume() const {}

 private:
  void on_timer(Time) override { waiter_.resume(); }
  net::Loop& loop_;
  Duration time_;
  std::coroutine_handle<> waiter_;
};

using BidiHandler =
    std::function<Task<grpc::Status>(ServerContext&, Reader<RawMessage>&, Writer<RawMessage>&)>;

}  // namespace saker::rpc

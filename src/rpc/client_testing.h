// Several servers and one channel in one simulated world: what a client makes of backends that
// fail, answer late, go away and come back, on virtual time. Messages are RawMessage.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "saker/rpc/rpc_testing.h"

namespace saker::rpc {

// A server that may be stopped and started again, and does what the test says.
class SimBackend final : private net::ListenerEvents {
 public:
  using Handler = std::function<grpc::Status(ServerContext&, RawMessage&, RawMessage&)>;
  using Watch = std::function<Task<grpc::Status>(ServerContext&, RawMessage&, Writer<RawMessage>&)>;

  SimBackend(net::SimLoop& loop, std::string name) : name_(std::move(name)), loop_(loop) {
    on_call = [this](ServerContext&, RawMessage&, RawMessage& reply) {
      reply.bytes = name_;
      return grpc::Status{};
    };
    on_watch = [](ServerContext&, RawMessage&, Writer<RawMessage>&) -> Task<grpc::Status> {
      co_return grpc::Status{grpc::StatusCode::kUnimplemented, "no health service", {}};
    };
    dispatcher_.add_unary<RawMessage, RawMessage>(
        "/t.T/Unary",
        [this](ServerContext& context, RawMessage& request,
               RawMessage& reply) -> Task<grpc::Status> {
          ++calls;
          previous_attempts.emplace_back(
              context.metadata().find("grpc-previous-rpc-attempts").value_or(""));
          called_at.push_back(loop_.now());
          const Duration wait = delays.empty() ? Duration{} : delays[(calls - 1) % delays.size()];
          const std::string copy = request.bytes;
          if (wait != Duration{}) co_await Nap(loop_, wait);
          RawMessage kept{copy};
          co_return on_call(context, kept, reply);
        });
    dispatcher_.add_client_streaming<RawMessage, RawMessage>(
        "/t.T/Collect",
        [this](ServerContext& context, Reader<RawMessage>& requests,
               RawMessage& reply) -> Task<grpc::Status> {
          ++calls;
          RawMessage all;
          RawMessage message;
          while (co_await requests.read(message)) all.bytes += message.bytes + ";";
          co_return on_call(context, all, reply);
        });
    dispatcher_.add_server_streaming<RawMessage, RawMessage>(
        "/grpc.health.v1.Health/Watch",
        [this](ServerContext& context, RawMessage& request, Writer<RawMessage>& replies) {
          ++watches;
          return on_watch(context, request, replies);
        });
    dispatcher_.prepare(1);
  }
  ~SimBackend() { stop(); }

  net::Address address() const { return *net::parse_address("memory://" + name_); }
  void start() {
    server_ = std::make_unique<ServerLoop>(0, loop_, dispatcher_, options);
    listener_ = *loop_.listen(address(), {}, *this);
  }
  // Its connections break.
  void stop() {
    listener_.reset();
    server_.reset();
  }
  ServerLoop& server() { return *server_; }
  void stop_listening() { listener_.reset(); }

  // Called when the request is there; how each call is delayed before that.
  Handler on_call;
  std::vector<Duration> delays;
  ServerOptions options;
  Watch on_watch;  // the health service; without one: none
  int watches = 0;
  int calls = 0;
  std::vector<std::string> previous_attempts;
  std::vector<Time> called_at;

 private:
  void on_accept(net::Accepted accepted) override {
    server_->expect_connection();
    server_->adopt(std::move(accepted));
  }

  const std::string name_;
  net::SimLoop& loop_;
  Dispatcher dispatcher_;
  std::unique_ptr<ServerLoop> server_;
  std::unique_ptr<net::Listener> listener_;
};

// Backends "s0", "s1" …, all up, and a channel to them once start() is called.
class SimCluster {
 public:
  explicit SimCluster(int count = 1, uint64_t seed = 1) : network(seed) {
    for (int index = 0; index < count; ++index) {
      backends.push_back(std::make_unique<SimBackend>(server_loop, "s" + std::to_string(index)));
      backends.back()->start();
    }
  }
  ~SimCluster() { channel.reset(); }

  void start() {
    net::Target target;
    for (const auto& backend : backends) target.addresses.push_back(backend->address());
    start(target);
  }
  void start(const net::Target& target) {
    channel = std::make_unique<Channel>(client_loop, target, options);
  }
  void configure(std::string_view json) {
    auto config = ServiceConfig::parse(json);
    if (!config) throw_away = config.error().message;
    if (config) options.service_config = std::make_shared<const ServiceConfig>(*std::move(config));
  }
  bool run_until(const std::function<bool()>& done, Duration limit = 60s) {
    return network.run_until(done, limit);
  }
  void run_for(Duration time) {
    network.run_until([] { return false; }, time);
  }
  // One call to its end; the reply is the backend's name.
  std::string call(const CallOptions& call_options = {}) {
    TestUnary unary;
    unary.request().bytes = "request";
    unary.start(*channel, unary_method(), call_options);
    run_until([&] { return unary.done == 1; }, 200s);
    if (unary.done != 1) return "not ended";
    status = unary.status();
    return status.ok() ? unary.reply().bytes : std::string(grpc::status_code_name(status.code));
  }
  SimBackend& backend(size_t index = 0) { return *backends[index]; }

  net::SimNetwork network;
  net::SimLoop server_loop{network};
  net::SimLoop client_loop{network};
  ChannelOptions options;
  std::vector<std::unique_ptr<SimBackend>> backends;
  std::unique_ptr<Channel> channel;
  grpc::Status status;
  std::string throw_away;  // what was wrong with a config
};

// Fails with `code` the first `times` calls, then answers.
inline SimBackend::Handler fail_times(int times, grpc::StatusCode code) {
  return [times, code](ServerContext&, RawMessage& request, RawMessage& reply) mutable {
    if (times-- > 0) return grpc::Status{code, "not yet", {}};
    reply.bytes = request.bytes;
    return grpc::Status{};
  };
}

}  // namespace saker::rpc

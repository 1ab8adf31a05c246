// life_guest: what the guest of the VM-life tests runs. A server on vsock:any:kGuestPort, and a client
// of the server that the host may or may not have on kHostPort, under load all the time.
//
//   /vm.Life/Echo    the request's bytes
//   /vm.Life/Boot    "<nanoseconds from listening to this call's arrival>"
//   /vm.Life/Hang    nothing, ever
//   /vm.Life/Report  "<started> <ended> <ok> <unavailable> <other> <wrong>" of the client's calls
#include <cstdio>
#include <thread>

#include "life.h"
#include "saker/rpc/server.h"
#include "saker/rpc/sleep.h"
#include "saker/rpc/streaming_call.h"

namespace saker::vm {
namespace {

using grpc::Status;
using rpc::RawMessage;
using rpc::ServerContext;

struct Shared {
  Time listening_since{};
  std::atomic<const Load*> load{nullptr};
};

rpc::Task<Status> hang(ServerContext& context, rpc::Reader<RawMessage>& requests,
                       rpc::Writer<RawMessage>&) {
  RawMessage request;
  while (co_await requests.read(request)) {
  }
  while (!context.cancelled()) co_await rpc::sleep_for(context, std::chrono::seconds(1));
  co_return Status{};
}

void add_methods(rpc::Dispatcher& dispatcher, Shared& shared) {
  dispatcher.add_unary<RawMessage, RawMessage>(
      "/vm.Life/Echo", [](ServerContext&, RawMessage& request, RawMessage& reply) {
        reply.bytes.swap(request.bytes);
        return Status{};
      });
  dispatcher.add_unary<RawMessage, RawMessage>(
      "/vm.Life/Boot", [&shared](ServerContext& context, RawMessage&, RawMessage& reply) {
        reply.bytes = std::to_string((context.received_at() - shared.listening_since).count());
        return Status{};
      });
  dispatcher.add_unary<RawMessage, RawMessage>(
      "/vm.Life/Report", [&shared](ServerContext&, RawMessage&, RawMessage& reply) {
        const Load* load = shared.load;
        reply.bytes = load == nullptr ? "0 0 0 0 0 0" : load->report();
        return Status{};
      });
  dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/vm.Life/Hang", hang);
}

void load_the_host(Shared& shared) {
  const auto loop = must(net::make_epoll_loop());
  rpc::Channel channel(*loop, vsock(net::kVsockCidHost, kHostPort), patient_channel());
  Load load(*loop, channel, 4);
  shared.load = &load;
  load.start();
  loop->run();
}

int run() {
  Shared shared;
  rpc::ServerOptions options;
  options.threads = 1;
  rpc::Server server(options);
  add_methods(server.dispatcher(), shared);
  must(server.prepare());
  must(server.listen(vsock(net::kVsockCidAny, kGuestPort)));
  shared.listening_since = clock_now();
  server.start();
  std::puts("listening");
  std::fflush(stdout);
  std::thread(load_the_host, std::ref(shared)).join();
  return 0;
}

}  // namespace
}  // namespace saker::vm

int main() {
  return saker::vm::run();
}

// Echo of bytes without protobuf (RawMessage), server and client in one program, for what the engine
// itself costs:
//   raw_messages server ADDR
//   raw_messages client ADDR BYTES CALLS      one call in flight; prints one line of JSON
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "saker/net/loop.h"
#include "saker/rpc/channel.h"
#include "saker/rpc/codec.h"
#include "saker/rpc/server.h"
#include "saker/rpc/unary_client_call.h"

namespace {

using namespace saker;
using rpc::RawMessage;
using Call = rpc::CallbackCall<RawMessage, RawMessage>;

constexpr char kPath[] = "/bench.Raw/Echo";

int serve(const net::Address& address) {
  rpc::ServerOptions options;
  options.threads = 1;
  rpc::Server server(options);
  server.dispatcher().add_unary<RawMessage, RawMessage>(
      kPath, [](rpc::ServerContext&, RawMessage& request, RawMessage& reply) {
        reply.bytes.swap(request.bytes);
        return grpc::Status{};
      });
  if (!server.prepare()) return 2;
  const auto bound = server.listen(address);
  if (!bound) {
    std::fprintf(stderr, "raw_messages: %s\n", bound.error().message.c_str());
    return 2;
  }
  std::printf("listening on %s\n", net::to_string(*bound).c_str());
  std::fflush(stdout);
  server.start();
  server.wait();
  return 0;
}

int call(const net::Address& address, size_t bytes, uint64_t calls) {
  auto loop = net::make_epoll_loop();
  if (!loop) return 2;
  rpc::Channel channel(**loop, address, {});
  const rpc::ClientMethod method(kPath);
  const std::string payload(bytes, 'p');
  uint64_t done = 0;
  bool failed = false;
  Call unary([&](Call& ended) {
    failed = failed || !ended.status().ok() || ended.reply().bytes != payload;
    if (!failed && ++done < calls) ended.start(channel, method, {});
  });
  unary.request().bytes = payload;
  const Time start = (*loop)->read_clock();
  unary.start(channel, method, {});
  while (done < calls && !failed) (*loop)->run_once(kNever);
  const double wall_ns = static_cast<double>(((*loop)->read_clock() - start).count());
  if (failed) {
    std::fprintf(stderr, "raw_messages: %s\n", unary.status().message.c_str());
    return 1;
  }
  std::printf("{\"calls\": %llu, \"wall_ns_per_call\": %.1f}\n",
              static_cast<unsigned long long>(calls), wall_ns / static_cast<double>(calls));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto address = net::parse_address(argc > 2 ? argv[2] : "");
  const bool is_server = argc == 3 && std::strcmp(argv[1], "server") == 0;
  const bool is_client = argc == 5 && std::strcmp(argv[1], "client") == 0;
  if (!address || (!is_server && !is_client)) {
    std::fprintf(stderr, "usage: raw_messages server ADDR | client ADDR BYTES CALLS\n");
    return 2;
  }
  if (is_server) return serve(*address);
  return call(*address, std::strtoul(argv[3], nullptr, 10), std::strtoull(argv[4], nullptr, 10));
}

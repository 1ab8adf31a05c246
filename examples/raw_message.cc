// raw_message: RawMessage is bytes in, bytes out: no .proto, no protobuf. For proxies, for other
// serialisations, for payloads that are bytes anyway. Server and client in one program.
#include <algorithm>
#include <cstdio>
#include <string>

#include "saker/rpc/blocking_client.h"
#include "saker/rpc/codec.h"
#include "saker/rpc/server.h"

namespace grpc = saker::grpc;
namespace rpc = saker::rpc;
using rpc::RawMessage;

namespace {

grpc::Status reverse(rpc::ServerContext&, RawMessage& request, RawMessage& reply) {
  reply.bytes = std::move(request.bytes);
  std::ranges::reverse(reply.bytes);
  return {};
}

}  // namespace

int main() {
  rpc::ServerOptions options;
  options.threads = 1;
  rpc::Server server(options);
  server.dispatcher().add_unary<RawMessage, RawMessage>("/example.Bytes/Reverse", reverse);
  if (!server.prepare()) return 2;
  const auto bound = server.listen(*saker::net::parse_address("127.0.0.1:0"));
  if (!bound) return 2;
  server.start();

  auto client = rpc::BlockingClient::create(*bound);
  if (!client) return 2;
  static const rpc::ClientMethod method("/example.Bytes/Reverse");
  RawMessage reply;
  rpc::BlockingContext context;
  const RawMessage request{"stressed"};
  const grpc::Status status = (*client)->call(method, request, reply, context);
  std::printf("%s: %s\n", std::string(grpc::status_code_name(status.code)).c_str(),
              reply.bytes.c_str());

  client->reset();  // first: nobody drives it while we wait for the server
  server.shut_down();
  server.wait();
  return status.ok() ? 0 : 1;
}

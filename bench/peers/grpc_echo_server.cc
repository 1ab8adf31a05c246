// gRPC C++ as a peer: the same echo.proto, served with gRPC's callback API
// as its documentation shows it.
//   grpc_echo_server ADDRESS [CERTIFICATE KEY]
// ADDRESS: 127.0.0.1:50061, unix:/tmp/echo.sock or vsock:local:50061; CERTIFICATE and KEY: TLS with
// these files (PEM), not over VSOCK. $ECHO_DELAY_MS: so long it keeps each call.
#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "grpc_vsock.h"
#include "saker/echo/v1/echo.grpc.pb.h"

namespace {

using saker::echo::v1::EchoReply;
using saker::echo::v1::EchoRequest;

uint64_t clock_ns(auto now) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count());
}

class EchoService final : public saker::echo::v1::Echo::CallbackService {
  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const EchoRequest* request,
                                 EchoReply* reply) override {
    const uint64_t start = clock_ns(std::chrono::steady_clock::now());
    const uint64_t received = clock_ns(std::chrono::system_clock::now());
    reply->set_payload(request->payload());
    reply->set_client_send_time_ns(request->client_send_time_ns());
    reply->set_sequence(request->sequence());
    const uint64_t processing = clock_ns(std::chrono::steady_clock::now()) - start;
    reply->set_server_receive_time_ns(received);
    reply->set_server_send_time_ns(received + processing);
    reply->set_processing_ns(processing);
    auto* reactor = context->DefaultReactor();
    if (delay_.count() == 0) {
      reactor->Finish(grpc::Status::OK);
    } else {
      auto alarm = std::make_shared<grpc::Alarm>();
      alarm->Set(std::chrono::system_clock::now() + delay_,
                 [reactor, alarm](bool) { reactor->Finish(grpc::Status::OK); });
    }
    return reactor;
  }

  static std::chrono::milliseconds delay() {
    const char* text = std::getenv("ECHO_DELAY_MS");
    return std::chrono::milliseconds(text == nullptr ? 0 : std::atoi(text));
  }
  const std::chrono::milliseconds delay_ = delay();
};

std::string read_file(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::shared_ptr<grpc::ServerCredentials> credentials(int argc, char** argv) {
  if (argc != 4) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({read_file(argv[3]), read_file(argv[2])});
  return grpc::SslServerCredentials(options);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    std::fprintf(stderr, "usage: grpc_echo_server ADDRESS [CERTIFICATE KEY]\n");
    return 2;
  }
  EchoService service;
  grpc::ServerBuilder builder;
  const std::string address = argv[1];
  const bool by_descriptor = interop::is_vsock(address);
  if (!by_descriptor) builder.AddListeningPort(address, credentials(argc, argv));
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) return 2;
  std::optional<interop::VsockListener> vsock;
  if (by_descriptor && vsock.emplace(address, *server).address().empty()) return 2;
  std::printf("listening on %s\n", argv[1]);
  std::fflush(stdout);
  server->Wait();
}

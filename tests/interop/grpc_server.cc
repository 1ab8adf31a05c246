// gRPC C++'s server of the interoperability tests: Echo, the test service and reflection (v1alpha).
//   grpc_interop_server --listen ADDRESS [--max-streams N]
// Prints "listening on ADDRESS" when it listens; drains on SIGTERM.
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "grpc_service.h"
#include "grpc_vsock.h"

namespace {

int serve(const std::string& listen, int max_streams, const sigset_t& signals) {
  interop::InteropService interop_service;
  interop::EchoService echo_service;
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  const bool by_descriptor = interop::is_vsock(listen);
  if (!by_descriptor) {
    builder.AddListeningPort(listen, grpc::InsecureServerCredentials(), &port);
  }
  builder.RegisterService(&interop_service);
  builder.RegisterService(&echo_service);
  if (max_streams != 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, max_streams);
  }
  const auto server = builder.BuildAndStart();
  std::optional<interop::VsockListener> vsock;
  std::string bound = listen;
  if (server != nullptr && by_descriptor) {
    vsock.emplace(listen, *server);
    bound = vsock->address();
  } else if (!listen.starts_with("unix")) {
    bound = listen.substr(0, listen.rfind(':') + 1) + std::to_string(port);
  }
  if (server == nullptr || bound.empty() || (!by_descriptor && port == 0)) {
    std::fprintf(stderr, "grpc_interop_server: cannot listen on %s\n", listen.c_str());
    return 2;
  }
  std::printf("listening on %s\n", bound.c_str());
  std::fflush(stdout);
  int received = 0;
  sigwait(&signals, &received);
  vsock.reset();
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(20));
  server->Wait();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string listen;
  int max_streams = 0;
  for (int at = 1; at + 1 < argc; at += 2) {
    const std::string name = argv[at];
    if (name == "--listen") listen = argv[at + 1];
    if (name == "--max-streams") max_streams = std::atoi(argv[at + 1]);
  }
  if (listen.empty()) {
    std::fprintf(stderr, "usage: grpc_interop_server --listen ADDRESS [--max-streams N]\n");
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread, so that all inherit it
  return serve(listen, max_streams, signals);
}

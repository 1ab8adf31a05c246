// Temporary entry for bring-up.
#include <csignal>
#include <cstdio>

#include "saker/rpc/server.h"
#include "saker/services/echo/echo_service.h"

int main(int argc, char** argv) {
  using namespace saker;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  rpc::ServerOptions options;
  options.threads = 1;
  rpc::Server server(options);
  echo::register_echo_service(server.dispatcher());
  if (auto r = server.prepare(); !r) return std::puts(r.error().message.c_str()), 2;
  auto address = net::parse_address(argc > 1 ? argv[1] : "127.0.0.1:50051");
  auto bound = server.listen(*address);
  if (!bound) return std::puts(bound.error().message.c_str()), 2;
  std::printf("listening on %s\n", net::to_string(*bound).c_str());
  std::fflush(stdout);
  server.start();
  int signal = 0;
  sigwait(&set, &signal);
  server.shut_down();
  server.wait();
  std::printf("ok=%lu\n", (unsigned long)server.calls(grpc::StatusCode::kOk));
}

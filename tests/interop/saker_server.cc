// Saker's server of the interoperability tests: Echo and the test service.
//   saker_interop_server --listen ADDRESS [--max-streams N] [--threads N]
// Prints "listening on ADDRESS" when it listens; drains on SIGTERM;
// then prints what it counted as one line of JSON.
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "marks.h"
#include "saker/rpc/server.h"
#include "saker/services/echo/echo_service.h"
#include "saker_service.h"

namespace {

using saker::rpc::Server;

struct Arguments {
  std::string listen;
  saker::rpc::ServerOptions options;
};

bool read_arguments(int argc, char** argv, Arguments& arguments) {
  arguments.options.threads = 2;
  arguments.options.drain_timeout = std::chrono::seconds(20);
  for (int at = 1; at + 1 < argc; at += 2) {
    const std::string_view name = argv[at];
    const char* value = argv[at + 1];
    if (name == "--listen") {
      arguments.listen = value;
    } else if (name == "--max-streams") {
      arguments.options.connection.max_concurrent_streams =
          static_cast<uint32_t>(std::strtoul(value, nullptr, 10));
    } else if (name == "--threads") {
      arguments.options.threads = std::strtoul(value, nullptr, 10);
    } else {
      return false;
    }
  }
  return argc % 2 == 1 && !arguments.listen.empty();
}

void print_counts(Server& server) {
  uint64_t all = 0;
  uint64_t bytes_sent = 0;
  for (size_t code = 0; code < saker::grpc::kStatusCodeCount; ++code) {
    all += server.calls(static_cast<saker::grpc::StatusCode>(code));
  }
  for (size_t index = 0; index < server.loop_count(); ++index) {
    bytes_sent += server.loop(index).counters().bytes_sent;
  }
  std::printf("{\"ok\": %llu, \"not_ok\": %llu, \"bytes_sent\": %llu}\n",
              static_cast<unsigned long long>(server.calls(saker::grpc::StatusCode::kOk)),
              static_cast<unsigned long long>(all - server.calls(saker::grpc::StatusCode::kOk)),
              static_cast<unsigned long long>(bytes_sent));
}

int fail(const saker::Error& error) {
  std::fprintf(stderr, "saker_interop_server: %s\n", error.message.c_str());
  return 2;
}

int serve(const Arguments& arguments, const sigset_t& signals) {
  const auto address = saker::net::parse_address(arguments.listen);
  if (!address) return fail(address.error());
  saker::interop::Marks marks;
  Server server(arguments.options);
  saker::echo::register_echo_service(server.dispatcher());
  saker::interop::register_interop_service(server.dispatcher(), marks);
  if (const auto prepared = server.prepare(); !prepared) return fail(prepared.error());
  const auto bound = server.listen(*address);
  if (!bound) return fail(bound.error());
  server.start();
  std::printf("listening on %s\n", saker::net::to_string(*bound).c_str());
  std::fflush(stdout);
  int received = 0;
  sigwait(&signals, &received);
  server.shut_down();
  server.wait();
  print_counts(server);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!read_arguments(argc, argv, arguments)) {
    std::fprintf(stderr,
                 "usage: saker_interop_server --listen ADDRESS [--max-streams N] [--threads N]\n");
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread, so that all inherit it
  signal(SIGPIPE, SIG_IGN);
  return serve(arguments, signals);
}

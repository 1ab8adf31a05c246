// saker interop-server: the server of gRPC's official interoperability tests.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "interrupt.h"
#include "listening.h"
#include "saker/rpc/server.h"
#include "saker/services/interop/interop_service.h"
#include "tls_files.h"

namespace saker::app {
namespace {

// Of messages in assembly: a client may send a thousand large ones at once, and no other peer of
// the tests refuses that.
constexpr size_t kServerMemoryBytes = 512 << 20;

struct InteropServerArguments {
  std::vector<net::Address> listen;
  uint64_t threads = 1;
  ServeTlsOptions tls;
};

Result<rpc::ServerOptions> server_options(const InteropServerArguments& arguments) {
  rpc::ServerOptions options;
  options.threads = arguments.threads;
  options.max_connection_memory_bytes = kServerMemoryBytes;
  if (auto checked = check_server_tls(arguments.tls); !checked) {
    return std::unexpected(checked.error());
  }
  if (!arguments.tls.is_wanted()) return options;
  auto context = load_server_tls(arguments.tls);
  if (!context) return std::unexpected(context.error());
  options.tls = *std::move(context);
  return options;
}

int run_server(const InteropServerArguments& arguments) {
  prepare_server_process();
  const auto options = server_options(arguments);
  if (!options) return fail_usage(options.error().message);
  rpc::Server server(*options);
  interop::register_interop_service(server.dispatcher());
  if (auto prepared = server.prepare(); !prepared) return fail_usage(prepared.error().message);
  auto listen = arguments.listen;
  if (listen.empty()) listen.push_back(*net::parse_address(kDefaultTarget));
  const auto opened =
      open_listeners(listen, [&](const net::Address& address) { return server.listen(address); });
  if (!opened) return fail_usage(opened.error().message);
  Interrupt interrupt([&](int count) {
    if (count > 1) _exit(kExitInterrupted);
    server.shut_down();
  });
  server.start();
  std::cout.flush();
  server.wait();
  return kExitOk;
}

}  // namespace

void add_interop_server_command(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<InteropServerArguments>();
  CLI::App& command =
      *app.add_subcommand("interop-server", "the server of gRPC's interoperability tests");
  add_listen(command, arguments->listen)->default_str(std::string(kDefaultTarget));
  add_count(command, "--threads", arguments->threads, 1, 1024, "event loops")->default_str("1");
  command.add_option("--tls-cert", arguments->tls.certificate, "TLS: certificate and chain (PEM)")
      ->type_name("FILE");
  command.add_option("--tls-key", arguments->tls.key, "the certificate's private key (PEM)")
      ->type_name("FILE");
  command.footer(
      "Serves grpc.testing.TestService as grpc/doc/interop-test-descriptions.md asks, for\n"
      "saker interop-client and the interoperability clients of any other gRPC.\n\n"
      "Examples:\n"
      "  saker interop-server\n"
      "  saker interop-server --listen 0.0.0.0:50051 --listen unix:/run/interop.sock");
  command.callback([arguments, &exit_code] { exit_code = run_server(*arguments); });
}

}  // namespace saker::app

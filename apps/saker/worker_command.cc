// saker worker: a worker of gRPC's own distributed performance tests.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "interrupt.h"
#include "listeners.h"
#include "listening.h"
#include "saker/rpc/server.h"
#include "tls_files.h"
#include "worker_service.h"

namespace saker::app {
namespace {

constexpr uint64_t kDefaultDriverPort = 10000;  // where gRPC's LoadTest operator looks for workers
// An interrupted worker gives up its run.
constexpr Duration kGiveUpTime = std::chrono::seconds(1);

struct WorkerArguments {
  uint64_t driver_port = kDefaultDriverPort;
  uint64_t server_port = 0;
  std::string host;
  Duration connect_timeout = std::chrono::seconds(10);
  ServeTlsOptions tls;
  std::string ca;
};

Result<tls::ClientContext> load_ca(const std::string& file) {
  auto pem = read_pem("--ca", file);
  if (!pem) return std::unexpected(pem.error());
  tls::ClientContextOptions options;
  options.ca = *std::move(pem);
  return tls::ClientContext::make(options);
}

Result<void> load_tls(const WorkerArguments& arguments, WorkerOptions& options) {
  if (auto checked = check_server_tls(arguments.tls); !checked) return checked;
  if (arguments.tls.is_wanted()) {
    auto own = load_server_tls(arguments.tls);
    if (!own) return std::unexpected(own.error());
    options.server_tls = *std::move(own);
  }
  if (!arguments.ca.empty()) {
    auto ca = load_ca(arguments.ca);
    if (!ca) return std::unexpected(ca.error());
    options.test_ca = *std::move(ca);
  }
  auto system = load_ca({});
  if (!system) return std::unexpected(system.error());
  options.system_ca = *std::move(system);
  return {};
}

Result<WorkerOptions> worker_options(const WorkerArguments& arguments) {
  WorkerOptions options;
  options.host = arguments.host;
  options.server_port = static_cast<uint16_t>(arguments.server_port);
  options.connect_timeout = arguments.connect_timeout;
  options.cores = static_cast<uint32_t>(rpc::available_cpus());
  if (auto loaded = load_tls(arguments, options); !loaded) return std::unexpected(loaded.error());
  return options;
}

void warn_who_steers(const net::Address& address) {
  const auto who = who_can_reach(address, {});
  if (!who) return;
  std::cerr << "saker: warning: " << *who << " can steer this worker: "
            << "it sends and serves what it is told to\n";
}

int serve(const WorkerOptions& options, const net::Address& address) {
  rpc::ServerOptions server_options;
  server_options.threads = 1;
  server_options.drain_timeout = kGiveUpTime;
  rpc::Server server(server_options);
  WorkerService service(options, [&server] { server.shut_down(); });
  ::grpc::testing::register_worker_service(server.dispatcher(), service);
  if (auto prepared = server.prepare(); !prepared) return fail_usage(prepared.error().message);
  const std::vector<net::Address> listen = {address};
  const auto opened =
      open_listeners(listen, [&](const net::Address& at) { return server.listen(at); });
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

int run_worker(const WorkerArguments& arguments) {
  prepare_server_process();
  const auto options = worker_options(arguments);
  if (!options) return fail_usage(options.error().message);
  const net::Address address{.host = arguments.host,
                             .port = static_cast<uint32_t>(arguments.driver_port)};
  warn_who_steers(address);
  return serve(*options, address);
}

void add_port(CLI::App& command, const char* names, uint64_t& port, const char* help) {
  add_count(command, names, port, 0, 65535, help)->type_name("PORT");
}

}  // namespace

void add_worker_command(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<WorkerArguments>();
  CLI::App& command =
      *app.add_subcommand("worker", "a worker of gRPC's distributed performance tests");
  add_port(command, "--driver-port,--driver_port", arguments->driver_port,
           "where the driver finds this worker; 0: a free port");
  add_port(command, "--server-port,--server_port", arguments->server_port,
           "where its servers listen; 0: where the driver says");
  command.add_option("--host", arguments->host, "listen at this address only, both ports")
      ->type_name("HOST");
  add_positive_duration(command, "--connect-timeout", arguments->connect_timeout,
                        "for all connections of a client")
      ->default_str("10s");
  command.add_option("--tls-cert", arguments->tls.certificate, "of servers with TLS (PEM)")
      ->type_name("FILE");
  command.add_option("--tls-key", arguments->tls.key, "the certificate's private key (PEM)")
      ->type_name("FILE");
  command.add_option("--ca", arguments->ca, "the test CA that clients are told to trust (PEM)")
      ->type_name("FILE");
  command.footer(
      "Serves grpc.testing.WorkerService: gRPC's qps_json_driver, or the LoadTest operator of\n"
      "grpc/test-infra, makes it a server or a client and collects what it measures. Listens on\n"
      "all interfaces, as such workers do: for test fleets. Ends when the driver says so.\n\n"
      "Examples:\n"
      "  saker worker\n"
      "  saker worker --driver-port 10000 --server-port 10010");
  command.callback([arguments, &exit_code] { exit_code = run_worker(*arguments); });
}

}  // namespace saker::app

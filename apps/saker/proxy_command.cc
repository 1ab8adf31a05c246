// saker proxy: a byte-transparent relay between any two addresses.
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "command_line.h"
#include "commands.h"
#include "interrupt.h"
#include "listeners.h"
#include "listening.h"
#include "metric_families.h"
#include "metrics.h"
#include "proxy.h"
#include "saker/base/quantity.h"
#include "serve_settings.h"
#include "server_log.h"

namespace saker::app {
namespace {

struct ProxyArguments {
  ProxyOptions options;
  std::vector<net::Address> listen;
  std::optional<net::Address> metrics;
};

constexpr MetricName kAccepted = {"saker_proxy_connections_total", "Connections accepted."};
constexpr MetricName kOpen = {"saker_proxy_connections_open", "Connections being relayed."};
constexpr MetricName kRefused = {"saker_proxy_connections_refused_total",
                                 "Connections closed unrelayed, by reason."};
constexpr MetricName kBytes = {"saker_proxy_bytes_total",
                               "Bytes relayed on connections that have ended, by direction."};

void collect(const ProxyCounters& counters, MetricFamilies& out) {
  const auto value = [](const std::atomic<uint64_t>& counter) {
    return static_cast<double>(counter.load(std::memory_order_relaxed));
  };
  out.add_counter(kAccepted, value(counters.accepted));
  out.add_gauge(kOpen, value(counters.open));
  out.add_counter(kRefused, value(counters.refused_full), {{"reason", "full"}});
  out.add_counter(kRefused, value(counters.refused_cid), {{"reason", "cid"}});
  out.add_counter(kRefused, value(counters.connect_failed), {{"reason", "target"}});
  out.add_counter(kBytes, value(counters.bytes_forth), {{"direction", "to_target"}});
  out.add_counter(kBytes, value(counters.bytes_back), {{"direction", "from_target"}});
}

// The signal that comes second does not wait for anything.
void handle_signal(int count, Proxy& proxy, ServerLog& log) {
  if (count > 1) _exit(kExitInterrupted);
  (void)sd_notify(0, "STOPPING=1");
  log.info("draining; a second signal ends at once");
  proxy.shut_down();
}

Result<void> listen(const ProxyArguments& arguments, Proxy& proxy) {
  auto wanted = inherited_listeners();
  if (!wanted) return std::unexpected(wanted.error());
  wanted->insert(wanted->end(), arguments.listen.begin(), arguments.listen.end());
  if (wanted->empty()) return fail("--listen is missing: where are clients to connect to?");
  return open_listeners(*wanted,
                        [&](const net::Address& address) { return proxy.listen(address); });
}

int run_proxy(const ProxyArguments& arguments) {
  prepare_server_process();
  auto log = ServerLog::open({});
  if (!log) return fail_usage(log.error().message);
  auto loop = net::make_epoll_loop();
  if (!loop) return fail_usage(loop.error().message);
  Proxy proxy(**loop, arguments.options, [&](const std::string& what) { (*log)->warning(what); });
  if (auto opened = listen(arguments, proxy); !opened) {
    return fail_usage(opened.error().message);
  }
  Interrupt interrupt([&](int count) { handle_signal(count, proxy, **log); });
  std::unique_ptr<MetricsEndpoint> metrics;
  if (arguments.metrics) {
    auto endpoint = MetricsEndpoint::start(
        *arguments.metrics, {[&](MetricFamilies& out) { collect(proxy.counters(), out); }});
    if (!endpoint) return fail_usage(endpoint.error().message);
    metrics = *std::move(endpoint);
    std::cout << "metrics on http://" << net::to_string(metrics->address()) << "/metrics\n";
  }
  std::cout.flush();
  (void)sd_notifyf(0, "READY=1\nSTATUS=relaying to %s",
                   net::to_string(arguments.options.target).c_str());
  proxy.run();
  (*log)->info("relayed " + format_count(proxy.counters().accepted) + " connections");
  return kExitOk;
}

}  // namespace

void add_proxy_command(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<ProxyArguments>();
  ProxyOptions& options = arguments->options;
  CLI::App& command = *app.add_subcommand("proxy", "relay connections from any address to another");
  add_listen(command, arguments->listen);
  add_target(command, options.target);
  add_count(command, "--max-connections", options.max_connections, 1, 10'000'000,
            "connections relayed at a time; more are closed at once");
  add_positive_duration(command, "--connect-timeout", options.connect_timeout,
                        "of the connection to the target");
  add_duration(command, "--half-close-timeout", options.relay.half_close_timeout,
               "without a byte, once one side has ended");
  add_duration(command, "--drain-timeout", options.drain_timeout,
               "on SIGTERM, connections may last so long");
  const auto set_cids = [arguments](const std::vector<std::string>& texts) {
    std::vector<uint32_t>& cids = arguments->options.allowed_vsock_cids = *parse_cids(texts);
    if (std::ranges::find(cids, net::kVsockCidAny) != cids.end()) cids.clear();
  };
  const auto check_cids = [](const std::string& text) {
    const auto cids = parse_cids({&text, 1});
    return cids ? std::string() : cids.error().message;
  };
  command
      .add_option_function<std::vector<std::string>>(
          "--allow-cid", set_cids, "VSOCK peers to accept: 42,43; repeatable (default: any)")
      ->check(check_cids)
      ->type_name("CID")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  const auto check_address = [](const std::string& text) {
    const auto address = net::parse_address(text);
    return address ? std::string() : address.error().message;
  };
  const auto set_metrics = [arguments](const std::string& text) {
    arguments->metrics = *net::parse_address(text);
  };
  command
      .add_option_function<std::string>("--metrics", set_metrics,
                                        "serve Prometheus metrics over HTTP here")
      ->check(check_address)
      ->type_name("ADDR");
  command.footer(
      "Passes bytes on unchanged, in both directions, whatever they mean: gRPC, TLS, anything.\n\n"
      "Examples:\n"
      "  saker proxy --listen 0.0.0.0:50051 vsock:42:50051\n"
      "  saker proxy --listen unix:/run/guest.sock vsock-mux:/run/v.sock:50051");
  command.callback([arguments, &exit_code] { exit_code = run_proxy(*arguments); });
}

}  // namespace saker::app

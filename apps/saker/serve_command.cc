// saker serve: from settings to a server that listens, says so, and drains when it is told to.
//
//   settings ─▶ services ─▶ loops ─▶ listeners ─▶ "listening on …" ─▶ SIGTERM ─▶ drain ─▶ summary
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "command_line.h"
#include "commands.h"
#include "interrupt.h"
#include "listeners.h"
#include "listening.h"
#include "printable.h"
#include "process.h"
#include "reload_thread.h"
#include "saker/base/quantity.h"
#include "saker/rpc/server.h"
#include "serve_check.h"
#include "serve_config.h"
#include "serve_observation.h"
#include "serve_services.h"
#include "serve_settings.h"
#include "server_log.h"
#include "tls_files.h"
#include "tls_reload.h"

namespace saker::app {
namespace {

// As they stood on the command line.
struct ServeArguments {
  std::map<std::string_view, std::vector<std::string>> settings;
  std::string config;
  bool check_config = false;
};

// ---- settings

Result<ServeOptions> read_options(const ServeArguments& arguments) {
  ServeOptions options;
  std::set<std::string_view> given;
  for (const auto& [name, values] : arguments.settings) given.insert(name);
  if (!arguments.config.empty()) {
    auto loaded = load_config(arguments.config, given, options);
    if (!loaded) return std::unexpected(loaded.error());
  }
  for (const auto& [name, values] : arguments.settings) {
    auto set = find_setting(name)->set(options, values);
    if (!set) return fail("--" + std::string(name) + ": " + set.error().message);
  }
  return options;
}

// What the service manager passes is listened on beside what is named, and instead of the defaults.
Result<void> add_inherited_listeners(ServeOptions& options) {
  const auto inherited = inherited_listeners();
  if (!inherited) return std::unexpected(inherited.error());
  for (const net::Address& address : *inherited) {
    const bool is_named = std::ranges::find(options.listen, address) != options.listen.end();
    if (!is_named) options.listen.push_back(address);
  }
  return {};
}

bool listens_by_default(const ServeOptions& options) {
  return options.listen.empty() && options.listen_plaintext.empty();
}

Result<void> check_key_sources(const crypto::CryptoSources& sources) {
  const crypto::TokenOptions& token = sources.token;
  if (!sources.key_directory.empty() && !sources.keys.empty())
    return fail("--key generates keys, --key-dir has its own: use one of them");
  if (sources.key_directory.empty() && !sources.passphrase_file.empty())
    return fail("--key-passphrase-file needs the --key-dir that it opens");
  if (!token.module.empty() && !(sources.key_directory.empty() && sources.keys.empty()))
    return fail("--pkcs11-module has the token's keys: neither --key nor --key-dir goes with it");
  if (token.module.empty() && !(token.label.empty() && token.pin_file.empty()))
    return fail("--pkcs11-token and --pkcs11-pin-file need --pkcs11-module");
  return {};
}

// Fills in what depends on this machine or on other settings; afterwards the options are what runs.
Result<void> complete(ServeOptions& options) {
  if (auto checked = check_server_tls(options.tls); !checked) return checked;
  const size_t cpus = rpc::available_cpus();
  rpc::ServerOptions& server = options.server;
  if (server.threads == 0) server.threads = cpus;
  if (options.crypto_threads == 0) options.crypto_threads = cpus;
  const size_t threads = server.threads + options.crypto_threads;
  if (server.loop.busy_poll > Duration::zero() && threads > cpus && !options.force) {
    return fail("--busy-poll with " + std::to_string(threads) + " threads (--threads " +
                std::to_string(server.threads) + ", --crypto-threads " +
                std::to_string(options.crypto_threads) + ") on " + std::to_string(cpus) +
                " CPUs would keep threads from running; use fewer, or --force");
  }
  if (auto checked = check_key_sources(options.crypto); !checked) return checked;
  if (options.audit_required && !options.audit) return fail("--audit-required needs --audit FILE");
  if (listens_by_default(options) && options.allowed_cids.empty()) {
    options.allowed_cids = {net::kVsockCidLocal, net::kVsockCidHost};
  }
  const bool any =
      std::ranges::find(options.allowed_cids, net::kVsockCidAny) != options.allowed_cids.end();
  if (!any) server.allowed_vsock_cids = options.allowed_cids;
  // A limit of all messages below that of one would refuse what is allowed.
  server.max_connection_memory_bytes =
      std::max<size_t>(server.max_connection_memory_bytes, server.max_receive_message_bytes);
  server.call_log = call_log_options(options.log);
  return {};
}

// ---- the server

struct Listening {
  net::Address address;  // as bound
  bool is_tls = false;
};

// A default VSOCK listener is a courtesy: what keeps it from listening is a warning.
Result<std::vector<Listening>> open_listeners(const ServeOptions& options, rpc::Server& server,
                                              ServerLog& log) {
  const bool is_default = listens_by_default(options);
  std::vector<Listening> bound;
  for (const net::Address& address :
       is_default ? default_listeners(!options.no_vsock) : options.listen) {
    auto listening = server.listen(address);
    if (listening) {
      bound.push_back({*std::move(listening), options.tls.is_wanted()});
    } else if (is_default && address.transport == net::Transport::kVsock) {
      log.warning("no VSOCK listener: " + listening.error().message);
    } else {
      return std::unexpected(listening.error());
    }
  }
  for (const net::Address& address : options.listen_plaintext) {
    auto listening = server.listen(address, rpc::ListenerSecurity::kPlaintext);
    if (!listening) return std::unexpected(listening.error());
    bound.push_back({*std::move(listening), false});
  }
  return bound;
}

void announce(const ServeOptions& options, const std::vector<Listening>& listeners,
              const ServeObservation& observation, ServerLog& log) {
  std::string all;
  for (const Listening& listener : listeners) {
    const std::string text = net::to_string(listener.address);
    std::cout << "listening on " << text << (listener.is_tls ? " with TLS" : "") << '\n';
    all += (all.empty() ? "" : ", ") + text;
    const auto who = who_can_reach(listener.address, options.server.allowed_vsock_cids);
    if (who && !listener.is_tls) log.warning(text + " is open, without TLS, to " + *who);
  }
  if (const auto metrics = observation.metrics_address()) {
    std::cout << "metrics on http://" << net::to_string(*metrics) << "/metrics\n";
  }
  std::cout.flush();
  (void)sd_notifyf(0, "READY=1\nSTATUS=listening on %s", all.c_str());
}

std::string summary(const rpc::Server& server) {
  uint64_t total = 0;
  std::string statuses;
  for (size_t index = 0; index < grpc::kStatusCodeCount; ++index) {
    const auto code = static_cast<grpc::StatusCode>(index);
    const uint64_t calls = server.calls(code);
    if (calls == 0) continue;
    total += calls;
    statuses.append(statuses.empty() ? ": " : ", ").append(grpc::status_code_name(code));
    statuses += " " + format_count(calls);
  }
  return "served " + format_count(total) + (total == 1 ? " call" : " calls") + statuses;
}

// The first signal drains; the second ends the process where it stands, because whoever sends it
// does not want to wait for anything.
void handle_signal(int count, rpc::Server& server, ServeServices& services, ServerLog& log) {
  if (count > 1) _exit(kExitInterrupted);
  (void)sd_notify(0, "STOPPING=1");
  log.info("draining; a second signal ends at once");
  services.drain();
  server.shut_down();
}

// The certificate, and where peers that cannot be served are told of.
Result<rpc::ServerOptions> server_options(const ServeOptions& options, ServerLog& log) {
  rpc::ServerOptions server = options.server;
  server.report_peer = [&log](const net::Peer& peer, const std::string& why) {
    log.warning("connection from " + peer.name + ": " + why);
  };
  server.report_memory = [&log](const std::string& what) { log.warning(what); };
  if (!options.tls.is_wanted()) return server;
  auto context = load_server_tls(options.tls);
  if (!context) return std::unexpected(context.error());
  server.tls = *std::move(context);
  return server;
}

// SIGHUP. sd_notify(3): a service manager that asked for it waits for READY=1 again.
void reload(ServeServices& services, ServerLog& log) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const long long now_us = now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
  (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", now_us);
  services.reload(log);
  (void)sd_notify(0, "READY=1");
}

// Where something that is read again does not answer, the process ends where it stands: all calls have
// ended, and their records are written.
void end_reloads(ReloadThread& services, TlsReload& certificate, ServerLog& log) {
  const bool ended = services.end();
  if (certificate.end() && ended) return;
  log.warning("what is read again on SIGHUP does not answer: ending without it");
  std::cout.flush();
  _exit(kExitOk);
}

int run_server(const ServeOptions& options) {
  prepare_server_process();
  ignore_file_size_limit();
  if (options.server.max_memory_bytes != 0) share_one_heap();
  auto opened = ServerLog::open(options.log);
  if (!opened) return fail_usage(opened.error().message);
  ServerLog& log = **opened;
  auto services =
      ServeServices::make(options);  // hardens the process, hence before any key is read
  if (!services) return fail_usage(services.error().message);
  auto configured = server_options(options, log);
  if (!configured) return fail_usage(configured.error().message);
  rpc::Server server(*configured);
  (*services)->register_on(server);
  if (auto prepared = server.prepare(); !prepared) return fail_usage(prepared.error().message);
  const auto listeners = open_listeners(options, server, log);
  if (!listeners) return fail_usage(listeners.error().message);
  TlsReload certificate(options.tls, log,
                        [&](const tls::ServerContext& context) { server.replace_tls(context); });
  ReloadThread reloading([&](bool) { reload(**services, log); });
  Interrupt interrupt([&](int count) { handle_signal(count, server, **services, log); },
                      [&] {
                        reloading.ask();
                        certificate.ask();
                      });
  auto observation = ServeObservation::start(options, server, log, (*services)->metrics());
  if (!observation) return fail_usage(observation.error().message);
  server.start();
  if (options.tls.is_wanted()) certificate.start();
  if (auto started = (*services)->start(server, log); !started) {
    return fail_usage(started.error().message);
  }
  announce(options, *listeners, **observation, log);
  reloading.start();
  server.wait();
  (*services)->stop();
  (*observation)->finish();
  log.info(summary(server));
  end_reloads(reloading, certificate, log);
  return kExitOk;
}

int run_serve(const ServeArguments& arguments) {
  auto options = read_options(arguments);
  if (!options) return fail_usage(options.error().message);
  if (auto added = add_inherited_listeners(*options); !added) {
    return fail_usage(added.error().message);
  }
  if (auto completed = complete(*options); !completed) {
    return fail_usage(completed.error().message);
  }
  if (!arguments.check_config) return run_server(*options);
  if (auto checked = check_files(*options); !checked) return fail_usage(checked.error().message);
  if (listens_by_default(*options)) options->listen = default_listeners(!options->no_vsock);
  std::cout << format_config(*options);
  return kExitOk;
}

// ---- flags

std::string check_values(const Setting& setting, const std::string& text) {
  // --check-config could not show it: a configuration file is UTF-8.
  if (!is_utf8(text)) return "is not UTF-8";
  ServeOptions unused;
  const auto set = setting.set(unused, {&text, 1});
  return set ? std::string() : set.error().message;
}

void add_setting(CLI::App& command, const Setting& setting, ServeArguments& arguments) {
  const std::string flag = "--" + std::string(setting.name);
  const std::string help(setting.help);
  if (setting.kind == SettingKind::kFlag) {
    const auto assign = [&arguments, &setting](int64_t count) {
      if (count > 0) arguments.settings[setting.name] = {"on"};
    };
    command.add_flag_function(flag, assign, help);
    return;
  }
  const auto assign = [&arguments, &setting](const std::vector<std::string>& texts) {
    arguments.settings[setting.name] = texts;
  };
  const auto check = [&setting](const std::string& text) { return check_values(setting, text); };
  CLI::Option* option = command.add_option_function<std::vector<std::string>>(flag, assign, help)
                            ->check(check)
                            ->type_name(std::string(setting.value_name))
                            ->allow_extra_args(false);
  if (setting.kind == SettingKind::kList) {
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    return;
  }
  option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  const std::vector<std::string> shown = setting.show(ServeOptions());
  if (!shown.empty()) option->default_str(shown.front());
}

}  // namespace

void add_serve_command(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<ServeArguments>();
  CLI::App& command = *app.add_subcommand("serve", "the server: Echo, Crypto, Health");
  for (const Setting& setting : serve_settings()) add_setting(command, setting, *arguments);
  command.add_option("--config", arguments->config, "settings from this TOML file; flags beat it")
      ->type_name("FILE");
  command.add_flag("--check-config", arguments->check_config,
                   "check all settings and their files, print those in effect as TOML, and end");
  command.footer(
      "A configuration file has a key for each of these flags, with _ for -: max_streams = 10\n\n"
      "Examples:\n"
      "  saker serve\n"
      "  saker serve --listen 0.0.0.0:50051 --listen unix:/run/saker.sock --threads 2\n"
      "  saker serve --listen vsock:any:50051 --allow-cid 42 --key signing=ec-p256\n"
      "  saker serve --listen 0.0.0.0:50051 --tls-cert server.pem --tls-key server.key \\\n"
      "    --tls-client-ca ca.pem --require-client-cert\n"
      "  saker serve --key-dir /var/lib/saker/keys --key-passphrase-file /etc/saker/passphrase \\\n"
      "      --policy /etc/saker/policy.toml --audit /var/log/saker/audit.log --audit-required\n"
      "  saker serve --pkcs11-module /usr/lib/softhsm/libsofthsm2.so --pkcs11-token signing \\\n"
      "      --pkcs11-pin-file /etc/saker/pin\n"
      "  saker serve --config /etc/saker.toml --check-config");
  command.callback([arguments, &exit_code] { exit_code = run_serve(*arguments); });
}

}  // namespace saker::app

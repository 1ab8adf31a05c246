#include "serve_settings.h"

#include <algorithm>
#include <ranges>

#include "saker/services/crypto/key_spec.h"
#include "setting_values.h"

namespace saker::app {
namespace {

using Options = ServeOptions;

constexpr size_t kMaxThreads = 1024;
constexpr uint64_t kMaxWindowBytes = (uint64_t{1} << 31) - 1;  // RFC 9113 section 6.9.1
constexpr uint64_t kMinFrameBytes = 1 << 14;                   // RFC 9113 section 6.5.2
constexpr uint64_t kMaxFrameBytes = (uint64_t{1} << 24) - 1;
constexpr uint64_t kMaxHeaderListBytes = uint64_t{16} << 20;
constexpr uint64_t kMaxMessageBytes = (uint64_t{1} << 31) - 1;  // what protobuf takes

// ---- lists

Result<void> set_addresses(Values values, std::vector<net::Address>& out) {
  out.clear();
  for (const std::string& text : values) {
    auto address = net::parse_address(text);
    if (!address) return std::unexpected(address.error());
    if (address->transport == net::Transport::kMemory)
      return fail_in_one_line("'" + text + "': for tests only");
    out.push_back(*std::move(address));
  }
  return {};
}

Shown show_addresses(const std::vector<net::Address>& addresses) {
  Shown shown;
  for (const net::Address& address : addresses) shown.push_back(net::to_string(address));
  return shown;
}

Result<void> set_file(Values values, std::string& out) {
  if (values.back().empty()) return fail("a file name is missing");
  out = values.back();
  return {};
}

Shown show_file(const std::string& name) {
  return name.empty() ? Shown{} : Shown{name};
}

constexpr Named<uint32_t> kCids[] = {{"any", net::kVsockCidAny},
                                     {"hypervisor", net::kVsockCidHypervisor},
                                     {"local", net::kVsockCidLocal},
                                     {"host", net::kVsockCidHost}};

Result<uint32_t> parse_cid(const std::string& text) {
  uint32_t cid = 0;
  if (set_choice({&text, 1}, cid, kCids) || set_number({&text, 1}, cid, 0)) return cid;
  return fail_in_one_line("'" + text + "' is not a CID: a number, any, local, host or hypervisor");
}

Result<void> set_cids(Options& options, Values values) {
  auto cids = parse_cids(values);
  if (!cids) return std::unexpected(cids.error());
  options.allowed_cids = *std::move(cids);
  return {};
}

Shown show_cids(const Options& options) {
  Shown shown;
  for (const uint32_t cid : options.allowed_cids) {
    const auto at = std::ranges::find(kCids, cid, &Named<uint32_t>::value);
    shown.push_back(at != std::end(kCids) ? std::string(at->name) : std::to_string(cid));
  }
  return shown;
}

Result<void> set_keys(Options& options, Values values) {
  if (const auto specs = crypto::parse_key_specs(values); !specs) {
    return std::unexpected(specs.error());
  }
  options.crypto.keys.assign(values.begin(), values.end());
  return {};
}

Result<void> set_path(Values values, std::string& out) {
  if (values.back().empty()) return fail("needs a path");
  out = values.back();
  return {};
}

Shown show_path(const std::string& path) {
  return path.empty() ? Shown{} : Shown{path};
}

Result<void> set_metrics(Options& options, Values values) {
  auto address = net::parse_address(values.back());
  if (!address) return std::unexpected(address.error());
  if (address->transport != net::Transport::kTcp)
    return fail_in_one_line("'" + values.back() + "': metrics are served over TCP, at host:port");
  options.metrics = *std::move(address);
  return {};
}

// ---- the table

constexpr Named<LogLevel> kLevels[] = {{"error", LogLevel::kError},
                                       {"warn", LogLevel::kWarning},
                                       {"info", LogLevel::kInfo},
                                       {"debug", LogLevel::kDebug}};
constexpr Named<grpc::Compression> kCompressions[] = {{"off", grpc::Compression::kIdentity},
                                                      {"deflate", grpc::Compression::kDeflate},
                                                      {"gzip", grpc::Compression::kGzip}};
constexpr Named<crypto::AuditSync> kAuditSyncs[] = {{"always", crypto::AuditSync::kAlways},
                                                    {"batch", crypto::AuditSync::kBatch},
                                                    {"none", crypto::AuditSync::kNone}};
constexpr Named<LogFormat> kFormats[] = {{"text", LogFormat::kText}, {"json", LogFormat::kJson}};

using Kind = SettingKind;

constexpr Setting kSettings[] = {
    {"listen", "ADDR", Kind::kList,
     "listen here; repeatable (default: 127.0.0.1:50051, and vsock:any:50051 for CIDs 1 and 2)",
     [](Options& o, Values v) { return set_addresses(v, o.listen); },
     [](const Options& o) { return show_addresses(o.listen); }},
    {"listen-plaintext", "ADDR", Kind::kList,
     "listen here without TLS although there is --tls-cert; repeatable",
     [](Options& o, Values v) { return set_addresses(v, o.listen_plaintext); },
     [](const Options& o) { return show_addresses(o.listen_plaintext); }},
    {"tls-cert", "FILE", Kind::kText,
     "TLS on all listeners, with this certificate and its chain (PEM); read again when it changes, "
     "and on SIGHUP",
     [](Options& o, Values v) { return set_file(v, o.tls.certificate); },
     [](const Options& o) { return show_file(o.tls.certificate); }},
    {"tls-key", "FILE", Kind::kText, "the certificate's private key (PEM)",
     [](Options& o, Values v) { return set_file(v, o.tls.key); },
     [](const Options& o) { return show_file(o.tls.key); }},
    {"tls-client-ca", "FILE", Kind::kText,
     "whose certificates clients may show (PEM); without it they are not asked for any",
     [](Options& o, Values v) { return set_file(v, o.tls.client_ca); },
     [](const Options& o) { return show_file(o.tls.client_ca); }},
    {"require-client-cert", "", Kind::kFlag, "refuse clients without a certificate",
     [](Options& o, Values v) { return set_switch(v, o.tls.require_client_certificate); },
     [](const Options& o) { return show_switch(o.tls.require_client_certificate); }},
    {"no-vsock", "", Kind::kFlag, "no VSOCK among the default listeners",
     [](Options& o, Values v) { return set_switch(v, o.no_vsock); },
     [](const Options& o) { return show_switch(o.no_vsock); }},
    {"no-reflection", "", Kind::kFlag, "do not tell clients which services and messages there are",
     [](Options& o, Values v) { return set_switch(v, o.no_reflection); },
     [](const Options& o) { return show_switch(o.no_reflection); }},
    {"allow-cid", "CID", Kind::kList,
     "VSOCK peers to accept: numbers, any, local, host; 42,43 or repeated (default: any, but local "
     "and host on the default listener)",
     set_cids, show_cids},
    {"threads", "N", Kind::kNumber, "event loops; 0: one for each CPU that this process may use",
     [](Options& o, Values v) { return set_number(v, o.server.threads, 0, kMaxThreads); },
     [](const Options& o) { return show(o.server.threads); }},
    {"crypto-threads", "N", Kind::kNumber, "threads that sign; 0: as many as CPUs",
     [](Options& o, Values v) { return set_number(v, o.crypto_threads, 0, kMaxThreads); },
     [](const Options& o) { return show(o.crypto_threads); }},
    {"key", "[NAME=]TYPE", Kind::kList,
     "a key to sign with; repeatable; types: rsa-2048, rsa-3072, rsa-4096, ec-p256, ec-p384",
     set_keys, [](const Options& o) { return o.crypto.keys; }},
    {"key-dir", "DIR", Kind::kText,
     "sign with the keys that saker keystore keeps there, instead of --key; SIGHUP reads it again",
     [](Options& o, Values v) { return set_path(v, o.crypto.key_directory); },
     [](const Options& o) { return show_path(o.crypto.key_directory); }},
    {"key-passphrase-file", "FILE", Kind::kText,
     "whose first line opens --key-dir (default: the credential saker-key-passphrase)",
     [](Options& o, Values v) { return set_path(v, o.crypto.passphrase_file); },
     [](const Options& o) { return show_path(o.crypto.passphrase_file); }},
    {"pkcs11-module", "FILE", Kind::kText,
     "sign with the keys on a token (HSM), by way of this PKCS#11 library, instead of --key",
     [](Options& o, Values v) { return set_path(v, o.crypto.token.module); },
     [](const Options& o) { return show_path(o.crypto.token.module); }},
    {"pkcs11-token", "LABEL", Kind::kText, "which token (default: the only one there is)",
     [](Options& o, Values v) {
       if (v.back().empty()) return Result<void>(fail("needs a label"));
       o.crypto.token.label = v.back();
       return Result<void>();
     },
     [](const Options& o) { return show_path(o.crypto.token.label); }},
    {"pkcs11-pin-file", "FILE", Kind::kText,
     "whose first line is the token's user PIN (default: the credential saker-pkcs11-pin)",
     [](Options& o, Values v) { return set_path(v, o.crypto.token.pin_file); },
     [](const Options& o) { return show_path(o.crypto.token.pin_file); }},
    {"policy", "FILE", Kind::kText,
     "who may use which key (TOML); what it does not allow is refused; SIGHUP reads it again",
     [](Options& o, Values v) { return set_path(v, o.crypto.policy_file); },
     [](const Options& o) { return show_path(o.crypto.policy_file); }},
    {"audit", "FILE", Kind::kText, "append a record of every signature to this file",
     [](Options& o, Values v) { return set_path(v, o.audit.emplace()); },
     [](const Options& o) { return o.audit ? Shown{*o.audit} : Shown{}; }},
    {"audit-sync", "always|batch|none", Kind::kText,
     "when audit records go to the disk: before the reply, once a second, when the kernel does",
     [](Options& o, Values v) { return set_choice(v, o.audit_sync, kAuditSyncs); },
     [](const Options& o) { return show_choice(o.audit_sync, kAuditSyncs); }},
    {"audit-required", "", Kind::kFlag, "no signature whose audit record cannot be written",
     [](Options& o, Values v) { return set_switch(v, o.audit_required); },
     [](const Options& o) { return show_switch(o.audit_required); }},
    {"max-sign-stream", "SIZE", Kind::kText, "one message of SignStream",
     [](Options& o, Values v) { return set_size(v, o.max_sign_stream_bytes, 1); },
     [](const Options& o) { return show_size(o.max_sign_stream_bytes); }},
    {"max-connections", "N", Kind::kNumber, "open connections",
     [](Options& o, Values v) { return set_number(v, o.server.max_connections, 1); },
     [](const Options& o) { return show(o.server.max_connections); }},
    {"max-memory", "SIZE", Kind::kText,
     "the whole process's: near it new connections are refused, then new calls, then the "
     "connections that hold most are closed; off: no limit",
     [](Options& o, Values v) { return set_size_or_off(v, o.server.max_memory_bytes); },
     [](const Options& o) { return show_size_or_off(o.server.max_memory_bytes); }},
    {"max-streams", "N", Kind::kNumber, "calls in flight on one connection",
     [](Options& o, Values v) {
       return set_number(v, o.server.connection.max_concurrent_streams, 1);
     },
     [](const Options& o) { return show(o.server.connection.max_concurrent_streams); }},
    {"max-receive-size", "SIZE", Kind::kText, "one request message",
     [](Options& o, Values v) {
       return set_size(v, o.server.max_receive_message_bytes, 1, kMaxMessageBytes);
     },
     [](const Options& o) { return show_size(o.server.max_receive_message_bytes); }},
    {"max-send-size", "SIZE", Kind::kText, "one reply message",
     [](Options& o, Values v) {
       return set_size(v, o.server.max_send_message_bytes, 1, kMaxMessageBytes);
     },
     [](const Options& o) { return show_size(o.server.max_send_message_bytes); }},
    {"max-connection-memory", "SIZE", Kind::kText,
     "messages being received on one connection, together; at least --max-receive-size",
     [](Options& o, Values v) { return set_size(v, o.server.max_connection_memory_bytes, 1); },
     [](const Options& o) { return show_size(o.server.max_connection_memory_bytes); }},
    {"initial-window", "SIZE", Kind::kText, "flow-control window of a new stream",
     [](Options& o, Values v) {
       return set_size(v, o.server.connection.initial_stream_window_bytes, 1, kMaxWindowBytes);
     },
     [](const Options& o) { return show_size(o.server.connection.initial_stream_window_bytes); }},
    {"adaptive-window", "on|off", Kind::kSwitch, "grow windows with the bandwidth-delay product",
     [](Options& o, Values v) { return set_switch(v, o.server.connection.adaptive_window); },
     [](const Options& o) { return show_switch(o.server.connection.adaptive_window); }},
    {"compression", "off|deflate|gzip", Kind::kText, "compress replies to clients that accept it",
     [](Options& o, Values v) { return set_choice(v, o.server.compression, kCompressions); },
     [](const Options& o) { return show_choice(o.server.compression, kCompressions); }},
    {"max-frame-size", "SIZE", Kind::kText, "payload of one HTTP/2 frame",
     [](Options& o, Values v) {
       return set_size(v, o.server.connection.max_frame_bytes, kMinFrameBytes, kMaxFrameBytes);
     },
     [](const Options& o) { return show_size(o.server.connection.max_frame_bytes); }},
    {"max-header-list", "SIZE", Kind::kText, "a call's metadata: names, values and 32 B for each",
     [](Options& o, Values v) {
       return set_size(v, o.server.connection.max_header_list_bytes, 1, kMaxHeaderListBytes);
     },
     [](const Options& o) { return show_size(o.server.connection.max_header_list_bytes); }},
    {"keepalive-time", "DURATION", Kind::kText, "ping a peer that was silent so long; off: never",
     [](Options& o, Values v) { return set_interval(v, o.server.keepalive.time); },
     [](const Options& o) { return show_duration(o.server.keepalive.time); }},
    {"keepalive-timeout", "DURATION", Kind::kText, "the ping's answer takes no longer",
     [](Options& o, Values v) { return set_interval(v, o.server.keepalive.timeout); },
     [](const Options& o) { return show_duration(o.server.keepalive.timeout); }},
    {"keepalive-min-ping-interval", "DURATION", Kind::kText,
     "peers that ping more often lose their connection",
     [](Options& o, Values v) { return set_duration(v, o.server.pings.min_interval); },
     [](const Options& o) { return show_duration(o.server.pings.min_interval); }},
    {"keepalive-permit-without-calls", "", Kind::kFlag,
     "either side may ping while no call is open",
     [](Options& o, Values v) {
       auto set = set_switch(v, o.server.pings.permit_without_calls);
       o.server.keepalive.permit_without_calls = o.server.pings.permit_without_calls;
       return set;
     },
     [](const Options& o) { return show_switch(o.server.pings.permit_without_calls); }},
    {"max-connection-idle", "DURATION", Kind::kText, "without a call so long, it is drained",
     [](Options& o, Values v) { return set_interval(v, o.server.age.max_idle); },
     [](const Options& o) { return show_duration(o.server.age.max_idle); }},
    {"max-connection-age", "DURATION", Kind::kText,
     "open so long, 10 % more or less, it is drained",
     [](Options& o, Values v) { return set_interval(v, o.server.age.max_age); },
     [](const Options& o) { return show_duration(o.server.age.max_age); }},
    {"max-connection-age-grace", "DURATION", Kind::kText,
     "what calls in flight get when a connection is too old; off: all they need",
     [](Options& o, Values v) { return set_interval(v, o.server.age.age_grace); },
     [](const Options& o) { return show_duration(o.server.age.age_grace); }},
    {"busy-poll", "DURATION", Kind::kText, "look for work so long before sleeping; needs idle CPUs",
     [](Options& o, Values v) { return set_duration(v, o.server.loop.busy_poll); },
     [](const Options& o) { return show_duration(o.server.loop.busy_poll); }},
    {"force", "", Kind::kFlag, "busy-poll although there are more threads than CPUs",
     [](Options& o, Values v) { return set_switch(v, o.force); },
     [](const Options& o) { return show_switch(o.force); }},
    {"drain-timeout", "DURATION", Kind::kText, "on SIGTERM, calls in flight may take so long",
     [](Options& o, Values v) { return set_duration(v, o.server.drain_timeout); },
     [](const Options& o) { return show_duration(o.server.drain_timeout); }},
    {"metrics", "ADDR", Kind::kText, "serve Prometheus metrics over HTTP here", set_metrics,
     [](const Options& o) { return o.metrics ? Shown{net::to_string(*o.metrics)} : Shown{}; }},
    {"log-file", "FILE", Kind::kText, "append the log to this file (default: stderr)",
     [](Options& o, Values v) {
       o.log.file = v.back();
       return Result<void>();
     },
     [](const Options& o) { return o.log.file.empty() ? Shown{} : Shown{o.log.file}; }},
    {"log-level", "LEVEL", Kind::kText, "error, warn, info or debug, which adds call records",
     [](Options& o, Values v) { return set_choice(v, o.log.level, kLevels); },
     [](const Options& o) { return show_choice(o.log.level, kLevels); }},
    {"log-format", "FORMAT", Kind::kText, "text or json",
     [](Options& o, Values v) { return set_choice(v, o.log.format, kFormats); },
     [](const Options& o) { return show_choice(o.log.format, kFormats); }},
    {"log-sample", "N", Kind::kNumber, "a call record for every so many calls",
     [](Options& o, Values v) { return set_number(v, o.log.sample, 1); },
     [](const Options& o) { return show(o.log.sample); }},
};

}  // namespace

Result<std::vector<uint32_t>> parse_cids(std::span<const std::string> lists) {
  std::vector<uint32_t> cids;
  for (const std::string& list : lists) {
    if (list.empty()) return fail("a CID is missing");  // no part at all, which would mean any
    for (const auto part : std::views::split(list, ',')) {
      auto cid = parse_cid(std::string(part.begin(), part.end()));
      if (!cid) return std::unexpected(cid.error());
      cids.push_back(*cid);
    }
  }
  return cids;
}

std::span<const Setting> serve_settings() {
  return kSettings;
}

const Setting* find_setting(std::string_view name) {
  const auto at = std::ranges::find(kSettings, name, &Setting::name);
  return at == std::end(kSettings) ? nullptr : at;
}

std::string key_of(const Setting& setting) {
  std::string key(setting.name);
  std::ranges::replace(key, '-', '_');
  return key;
}

}  // namespace saker::app

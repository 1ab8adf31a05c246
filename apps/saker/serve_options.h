// What `saker serve` is asked to do, from its flags and its configuration file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "saker/net/address.h"
#include "saker/rpc/server_options.h"
#include "saker/services/crypto/crypto_service.h"
#include "server_log.h"

namespace saker::app {

// Files of PEM text; the certificate's name empty: no TLS.
struct ServeTlsOptions {
  std::string certificate;
  std::string key;
  std::string client_ca;
  bool require_client_certificate = false;

  bool is_wanted() const { return !certificate.empty(); }
};

struct ServeOptions {
  rpc::ServerOptions server;
  std::vector<net::Address> listen;            // empty: the default ones
  std::vector<net::Address> listen_plaintext;  // without TLS though there is a certificate
  ServeTlsOptions tls;
  bool no_vsock = false;  // not among the default ones
  bool no_reflection = false;
  std::vector<uint32_t> allowed_cids;  // VSOCK peers; kVsockCidAny among them or none: all
  size_t crypto_threads = 0;           // 0: the CPUs that this process may use
  crypto::CryptoSources crypto;
  std::optional<std::string> audit;  // a file
  crypto::AuditSync audit_sync = crypto::AuditSync::kBatch;
  bool audit_required = false;
  uint64_t max_sign_stream_bytes = crypto::CryptoService::Options().max_stream_bytes;
  std::optional<net::Address> metrics;
  LogOptions log;
  bool force = false;  // busy-poll on more threads than CPUs
};

}  // namespace saker::app

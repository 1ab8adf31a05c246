// ServerContext and ClientContext: what all TLS connections of a server or of a channel share: the
// certificates, whom to trust, and the rules (TLS 1.2 and 1.3, the cipher suites that HTTP/2 allows,
// ALPN "h2", no renegotiation, no compression: RFC 9113 section 9.2). Counted handles: a copy costs
// nothing, and a connection keeps the context that it began with. Immutable, hence any thread.
// Deliberately unknown here: files; who reads them gives their text and what to call them.
#pragma once

#include <string>
#include <utility>

#include "saker/base/result.h"

struct ssl_ctx_st;

namespace saker::tls {

// PEM text, and what messages call it: "--tls-cert /etc/saker/server.pem".
struct Pem {
  std::string text{};
  std::string name{};

  // An empty file is given, and wrong.
  bool is_given() const { return !text.empty() || !name.empty(); }
};

struct ServerContextOptions {
  Pem certificate_chain{};  // the server's own certificate first
  Pem private_key{};
  Pem client_ca{};  // who signs clients' certificates; not given: clients are not asked for any
  bool require_client_certificate = false;
};

struct ClientContextOptions {
  Pem ca{};                 // who signs servers' certificates; not given: whom this machine trusts
  Pem certificate_chain{};  // the client's own, if any
  Pem private_key{};
  bool skip_verify = false;  // trust whatever the server shows
};

class Context {
 public:
  Context() = default;  // none
  Context(const Context& other);
  Context(Context&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
  Context& operator=(Context other) noexcept {
    std::swap(context_, other.context_);
    return *this;
  }
  ~Context();

  explicit operator bool() const { return context_ != nullptr; }
  ssl_ctx_st* get() const { return context_; }
  // Our own certificate's subject and end: "CN=server, valid until Nov 26 05:51:54 2027 GMT".
  std::string summary() const;

 protected:
  explicit Context(ssl_ctx_st* context) : context_(context) {}

 private:
  ssl_ctx_st* context_ = nullptr;
};

class ServerContext : public Context {
 public:
  using Context::Context;
  static Result<ServerContext> make(const ServerContextOptions& options);
};

class ClientContext : public Context {
 public:
  using Context::Context;
  static Result<ClientContext> make(const ClientContextOptions& options);
};

}  // namespace saker::tls

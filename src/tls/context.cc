#include "saker/tls/context.h"

#include <openssl/ssl.h>

#include <array>
#include <cstring>
#include <memory>
#include <string_view>

#include "saker/tls/engine.h"
#include "saker/tls/identity.h"
#include "saker/tls/pem.h"

namespace saker::tls {
namespace {

using NewContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

// RFC 9113 appendix A forbids every TLS 1.2 suite but those with ephemeral keys and AEAD.
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kTls13Ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";

constexpr std::array<unsigned char, 3> kAlpn = {2, 'h', '2'};
constexpr size_t kMaxCertificateListBytes = 64 * 1024;
constexpr long kSessionSeconds = 3600;
constexpr size_t kTickets = 1;
constexpr unsigned char kSessionContext[] = "saker";

Result<NewContext> make_context(const SSL_METHOD* method) {
  NewContext context(SSL_CTX_new(method), &SSL_CTX_free);
  if (context == nullptr) return fail("TLS: " + library_error());
  SSL_CTX* raw = context.get();
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_max_cert_list(raw, kMaxCertificateListBytes);
  SSL_CTX_set_timeout(raw, kSessionSeconds);
  const bool done = SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) == 1 &&
                    SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) == 1 &&
                    SSL_CTX_set_cipher_list(raw, kTls12Ciphers) == 1 &&
                    SSL_CTX_set_ciphersuites(raw, kTls13Ciphers) == 1 &&
                    SSL_CTX_set1_groups_list(raw, kGroups) == 1;
  if (!done) return fail("TLS: " + library_error());
  return context;
}

Result<void> use_own_certificate(SSL_CTX& context, const Pem& chain, const Pem& key) {
  if (auto used = use_certificate_chain(context, chain); !used) return used;
  return use_private_key(context, key);
}

// A client that offers protocols, but not HTTP/2.
int select_alpn(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                unsigned int offered_size, void*) {
  unsigned char* selected = nullptr;
  const int found =
      SSL_select_next_proto(&selected, size, kAlpn.data(), kAlpn.size(), offered, offered_size);
  *out = selected;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// A client that knows nothing of ALPN: RFC 9113 section 3.2 obliges it to.
int require_alpn(SSL* ssl, int* alert, void*) {
  const unsigned char* extension = nullptr;
  size_t size = 0;
  const int type = TLSEXT_TYPE_application_layer_protocol_negotiation;
  if (SSL_client_hello_get0_ext(ssl, type, &extension, &size) == 1) return SSL_CLIENT_HELLO_SUCCESS;
  Engine::of(*ssl).note_missing_alpn();
  *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
  return SSL_CLIENT_HELLO_ERROR;
}

int note_verification(int ok, X509_STORE_CTX* store) {
  if (ok != 1) Engine::of(*store).note_bad_certificate(*store);
  return ok;
}

int note_session(SSL* ssl, SSL_SESSION* session) {
  return Engine::of(*ssl).take_session(session) ? 1 : 0;
}

}  // namespace

Context::Context(const Context& other) : context_(other.context_) {
  if (context_ != nullptr) SSL_CTX_up_ref(context_);
}

Context::~Context() {
  SSL_CTX_free(context_);
}

std::string Context::summary() const {
  const X509* own = context_ == nullptr ? nullptr : SSL_CTX_get0_certificate(context_);
  if (own == nullptr) return "no certificate";
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new(BIO_s_mem()), &BIO_free_all);
  char* text = nullptr;
  if (out == nullptr || ASN1_TIME_print(out.get(), X509_get0_notAfter(own)) != 1) return "";
  const long size = BIO_get_mem_data(out.get(), &text);
  return read_identity(*own).subject + ", valid until " +
         std::string(text, static_cast<size_t>(size));
}

Result<ServerContext> ServerContext::make(const ServerContextOptions& options) {
  auto made = make_context(TLS_server_method());
  if (!made) return std::unexpected(made.error());
  SSL_CTX& context = **made;
  auto own = use_own_certificate(context, options.certificate_chain, options.private_key);
  if (!own) return std::unexpected(own.error());
  if (options.client_ca.is_given()) {
    auto trusted = trust(context, options.client_ca, true);
    if (!trusted) return std::unexpected(trusted.error());
    const int required = options.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | required, note_verification);
  } else if (options.require_client_certificate) {
    return fail("client certificates are required, but no CA says which ones are good");
  }
  // Sessions live in tickets that the clients keep; a new context, with new keys for them, knows
  // none of the old ones, so that a new certificate or CA counts for everybody at once.
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(&context, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_num_tickets(&context, kTickets);
  SSL_CTX_set_alpn_select_cb(&context, select_alpn, nullptr);
  SSL_CTX_set_client_hello_cb(&context, require_alpn, nullptr);
  return ServerContext(made->release());
}

Result<ClientContext> ClientContext::make(const ClientContextOptions& options) {
  auto made = make_context(TLS_client_method());
  if (!made) return std::unexpected(made.error());
  SSL_CTX& context = **made;
  if (options.certificate_chain.is_given()) {
    auto own = use_own_certificate(context, options.certificate_chain, options.private_key);
    if (!own) return std::unexpected(own.error());
  }
  if (options.skip_verify) {
    SSL_CTX_set_verify(&context, SSL_VERIFY_NONE, nullptr);
  } else {
    SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, note_verification);
    if (!options.ca.is_given()) {
      SSL_CTX_set_default_verify_paths(&context);  // without any, no server will be trusted
    } else if (auto trusted = trust(context, options.ca, false); !trusted) {
      return std::unexpected(trusted.error());
    }
  }
  SSL_CTX_set_alpn_protos(&context, kAlpn.data(), kAlpn.size());
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(&context, note_session);
  return ClientContext(made->release());
}

}  // namespace saker::tls

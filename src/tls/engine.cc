#include "saker/tls/engine.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "saker/base/check.h"
#include "saker/tls/engine_bio.h"
#include "saker/tls/failure.h"

namespace saker::tls {
namespace {

constexpr std::string_view kProtocol = "h2";

bool is_ip_address(const std::string& name) {
  const std::unique_ptr<ASN1_OCTET_STRING, decltype(&ASN1_OCTET_STRING_free)> parsed(
      a2i_IPADDRESS(name.c_str()), &ASN1_OCTET_STRING_free);
  ERR_clear_error();
  return parsed != nullptr;
}

// Whole records are read from where they lie if that is in one piece.
Bytes next_record(const ChunkQueue& plain, MutableBytes scratch) {
  const size_t size = std::min(plain.size(), scratch.size());
  const Bytes front = plain.front()->bytes();
  if (front.size() >= size) return front.first(size);
  plain.copy_to(scratch.first(size));
  return scratch.first(size);
}

// SSL_get_error() takes what anybody has left in this thread's queue for its own; clearing an empty
// queue goes over all of it nevertheless.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

}  // namespace

Engine::Engine(const Context& context, bool is_server)
    : ssl_(SSL_new(context.get())), is_server_(is_server) {
  SAKER_CHECK(ssl_ != nullptr);  // no memory
  BIO* bio = make_engine_bio(*this);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
}

Engine::Engine(const ServerContext& context) : Engine(context, true) {
  SSL_set_accept_state(ssl_);
}

Engine::Engine(const ClientContext& context, const std::string& server_name, SessionCache* sessions)
    : Engine(context, false) {
  sessions_ = sessions;
  SSL_set_connect_state(ssl_);
  if (!set_server_name(server_name)) {
    fail("there is no name to check the server's certificate for: \"" + server_name + "\"");
    return;
  }
  SSL_SESSION* session = sessions == nullptr ? nullptr : sessions->take();
  if (session == nullptr) return;
  SSL_set_session(ssl_, session);
  SSL_SESSION_free(session);
}

// OpenSSL takes a session whose connection ended without close_notify for one that an attacker has
// cut off, and never resumes it (RFC 2246 section 7.2.1; no longer so since RFC 4346). A server that
// was restarted is worth a resumption all the same.
Engine::~Engine() {
  if (state_ != State::kFailed) SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

// False: the certificate's name would go unchecked. SNI carries no addresses (RFC 6066 section 3).
bool Engine::set_server_name(const std::string& name) {
  const bool is_verified = (SSL_get_verify_mode(ssl_) & SSL_VERIFY_PEER) != 0;
  if (name.empty()) return !is_verified;
  if (is_ip_address(name)) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), name.c_str()) == 1;
  }
  SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool is_set = SSL_set1_host(ssl_, name.c_str()) == 1;
  return SSL_set_tlsext_host_name(ssl_, name.c_str()) == 1 && is_set;
}

Engine& Engine::of(const SSL& ssl) {
  return *static_cast<Engine*>(SSL_get_app_data(&ssl));
}

Engine& Engine::of(X509_STORE_CTX& store) {
  const int index = SSL_get_ex_data_X509_STORE_CTX_idx();
  return of(*static_cast<SSL*>(X509_STORE_CTX_get_ex_data(&store, index)));
}

// ---- bytes

void Engine::handshake(Bytes& input, ChunkQueue& output) {
  SAKER_DCHECK(state_ == State::kHandshake);
  input_ = input;
  output_ = &output;
  forget_errors();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    finish_handshake();
  } else {
    handle_result(result);
  }
  input = std::exchange(input_, {});
  output_ = nullptr;
}

size_t Engine::read(Bytes& input, MutableBytes plain, ChunkQueue& output, uint32_t& records) {
  SAKER_DCHECK(state_ == State::kOpen && plain.size() >= kMaxRecordBytes);
  input_ = input;
  output_ = &output;
  forget_errors();
  size_t size = 0;
  // There is room for a whole record, so OpenSSL never holds back plaintext: without more input, one
  // more question would cost as much as a record and yield nothing.
  while (!input_.empty() && plain.size() - size >= kMaxRecordBytes && records != 0) {
    --records;
    size_t part = 0;
    const int result = SSL_read_ex(ssl_, plain.data() + size, plain.size() - size, &part);
    size += part;
    if (result == 1) continue;
    handle_result(result);
    break;
  }
  input = std::exchange(input_, {});
  output_ = nullptr;
  return size;
}

void Engine::write(ChunkQueue& plain, size_t max_bytes, ChunkQueue& output) {
  SAKER_DCHECK(state_ == State::kOpen || state_ == State::kPeerClosed);
  output_ = &output;
  forget_errors();
  std::array<uint8_t, kMaxRecordBytes> scratch;
  const size_t before = plain.size();
  while (!plain.empty() && before - plain.size() < max_bytes) {
    const Bytes record = next_record(plain, scratch);
    size_t written = 0;
    const int result = SSL_write_ex(ssl_, record.data(), record.size(), &written);
    if (result != 1) {
      handle_result(result);
      break;
    }
    plain.consume(written);
  }
  output_ = nullptr;
}

void Engine::close(ChunkQueue& output) {
  if (state_ != State::kOpen && state_ != State::kPeerClosed) return;
  output_ = &output;
  SSL_shutdown(ssl_);
  ERR_clear_error();
  output_ = nullptr;
}

// ---- states

void Engine::handle_result(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return;
    case SSL_ERROR_ZERO_RETURN:
      state_ = State::kPeerClosed;
      return;
    default:
      break;
  }
  const std::string peer = is_server_ ? "the client" : "the server";
  if (lacks_alpn_) return fail(peer + " does not offer HTTP/2 (ALPN h2)");
  const bool is_certificate = ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  if (is_certificate && !bad_certificate_.empty()) return fail(bad_certificate_);
  fail(failure_text(peer));
}

void Engine::fail(std::string why) {
  ERR_clear_error();
  state_ = State::kFailed;
  error_ = std::move(why);
}

void Engine::finish_handshake() {
  const unsigned char* protocol = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &protocol, &size);
  if (std::string_view(reinterpret_cast<const char*>(protocol), size) != kProtocol) {
    SSL_shutdown(ssl_);
    return fail(std::string(is_server_ ? "the client" : "the server") +
                " did not agree to HTTP/2 (ALPN h2)");
  }
  state_ = State::kOpen;
  const bool is_verified = (SSL_get_verify_mode(ssl_) & SSL_VERIFY_PEER) != 0;
  const X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate != nullptr && is_verified) identity_ = read_identity(*certificate);
}

void Engine::note_bad_certificate(X509_STORE_CTX& store) {
  bad_certificate_ = certificate_text(store, is_server_ ? "the client" : "the server");
}

bool Engine::take_session(SSL_SESSION* session) {
  if (sessions_ == nullptr) return false;
  sessions_->put(session);
  return true;
}

bool Engine::was_resumed() const {
  return SSL_session_reused(ssl_) == 1;
}

const char* Engine::version() const {
  return SSL_get_version(ssl_);
}

bool Engine::is_tls13() const {
  return SSL_version(ssl_) == TLS1_3_VERSION;
}

const char* Engine::cipher() const {
  return SSL_get_cipher_name(ssl_);
}

}  // namespace saker::tls

// Engine: one TLS connection over memory, client or server. Ciphertext goes in and comes out,
// plaintext comes out and goes in; it knows no descriptor, no loop and no timer. Not pure: OpenSSL
// reads the clock and randomness.
//
//   kHandshake ──▶ kOpen ──the peer's close_notify──▶ kPeerClosed (we may still write)
//        └───────────┴──whatever is wrong──▶ kFailed: error() says what; the alert is in the output
//
// Ciphertext is never kept beyond one record that is incomplete. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "saker/base/bytes.h"
#include "saker/base/chunk.h"
#include "saker/tls/context.h"
#include "saker/tls/identity.h"
#include "saker/tls/session_cache.h"

struct ssl_st;
struct ssl_session_st;
struct x509_store_ctx_st;

namespace saker::tls {

enum class State : uint8_t { kHandshake, kOpen, kPeerClosed, kFailed };

class Engine {
 public:
  // Plaintext of one record at most (RFC 8446 section 5.1).
  static constexpr size_t kMaxRecordBytes = 16 * 1024;

  explicit Engine(const ServerContext& context);
  // `server_name`: a DNS name, which the server is also told (SNI), or an IP address; the server's
  // certificate must be for it, and without a name no server is trusted. `sessions`, if any, outlives
  // the engine.
  Engine(const ClientContext& context, const std::string& server_name, SessionCache* sessions);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  State state() const { return state_; }
  const std::string& error() const { return error_; }

  // While kHandshake: takes what it needs from the front of `input` and answers into `output`. A
  // client begins with no input.
  void handshake(Bytes& input, ChunkQueue& output);
  // While kOpen: takes ciphertext from the front of `input` until there is no more of it, no room in
  // `plain` for another record, or `records` are used up, which it counts down; returns the bytes of
  // plaintext. `plain` has room for one record.
  size_t read(Bytes& input, MutableBytes plain, ChunkQueue& output, uint32_t& records);
  // While kOpen or kPeerClosed: encrypts from the front of `plain`, all of it or a little more than
  // `max_bytes`, a record for every 16 KiB.
  void write(ChunkQueue& plain, size_t max_bytes, ChunkQueue& output);
  // Says that nothing more comes: close_notify. No write() after it.
  void close(ChunkQueue& output);

  // The peer's certificate, if it showed one that was verified. After the handshake.
  const PeerIdentity* peer_identity() const { return identity_ ? &*identity_ : nullptr; }
  bool was_resumed() const;
  const char* version() const;  // "TLSv1.3"
  bool is_tls13() const;
  const char* cipher() const;

  // ---- for OpenSSL's callbacks
  static Engine& of(const ssl_st& ssl);
  static Engine& of(x509_store_ctx_st& store);
  void note_missing_alpn() { lacks_alpn_ = true; }
  void note_bad_certificate(x509_store_ctx_st& store);
  // True: the session is ours now.
  bool take_session(ssl_session_st* session);

 private:
  friend struct EngineBio;

  Engine(const Context& context, bool is_server);
  bool set_server_name(const std::string& name);
  void finish_handshake();
  void fail(std::string why);
  // What a call that did not succeed means.
  void handle_result(int result);

  ssl_st* ssl_ = nullptr;
  State state_ = State::kHandshake;
  const bool is_server_;
  bool lacks_alpn_ = false;
  Bytes input_{};                 // during a call: what is left of the caller's
  ChunkQueue* output_ = nullptr;  // during a call
  SessionCache* sessions_ = nullptr;
  std::string bad_certificate_;  // why the peer's was refused
  std::string error_;
  std::optional<PeerIdentity> identity_;
};

}  // namespace saker::tls

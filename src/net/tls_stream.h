// TlsStream: TLS over any other Stream, keeping all that Stream promises: what is submitted before
// the handshake is done waits for it, a pause hides plaintext (never the handshake), and the end of a
// stream is the peer's close_notify or the end of the transport below.
//
//   submit ─▶ plain_ ─▶ engine ─▶ out_ ─▶ transport ─▶ on_sent ─▶ the next part, or our on_sent
//   on_data of the transport ─▶ engine ─▶ plaintext lent from a chunk of the loop's pool ─▶ on_data
//            └─ paused, or kTlsRecordsPerTurn done: the rest of the ciphertext waits in carry_
//
// A failure of TLS is an end with system_error EPROTO; its message begins with "TLS: ".
#pragma once

#include "saker/net/loop.h"
#include "saker/net/stream.h"
#include "saker/net/tls_options.h"
#include "saker/tls/engine.h"

namespace saker::net {

class TlsStream final : public Stream, private StreamEvents, private Timer, private TurnTask {
 public:
  // `transport` has not been started.
  TlsStream(Loop& loop, std::unique_ptr<Stream> transport, const tls::ServerContext& context,
            const TlsStreamOptions& options = {});
  TlsStream(Loop& loop, std::unique_ptr<Stream> transport, const tls::ClientContext& context,
            const std::string& server_name, tls::SessionCache* sessions,
            const TlsStreamOptions& options = {});
  ~TlsStream() override;

  void start(StreamEvents& events) override;
  void submit(ChunkQueue&& chunks) override;
  bool write_in_flight() const override { return in_flight_; }
  size_t unsent_bytes() const override {
    return plain_.size() + out_.size() + transport_->unsent_bytes();
  }
  void pause_reading(bool paused) override;
  void close() override;
  const Peer& peer() const override { return peer_; }
  size_t memory_bytes() const override;

  const tls::Engine& engine() const { return engine_; }

  // OpenSSL's own memory of a connection at rest, as measured; docs/tls.md.
  static constexpr size_t kEngineBytes = 12 * 1024;

 private:
  void on_data(Bytes bytes) override;
  void on_sent() override;
  void on_end(const Error& error) override;
  void on_timer(Time now) override;
  void run_at_turn_end() override;

  bool recognises(Bytes first);
  void begin_turn();
  void receive(Bytes& input);
  void shake_hands(Bytes& input);
  void deliver(Bytes& input);
  void resume();
  void go_on();
  void send();
  bool may_wait() const;
  void check_engine();
  void fail(const std::string& why);
  void end(const Error& error);
  bool may_read() const { return is_open() && !is_paused_; }
  bool is_open() const { return events_ != nullptr; }
  bool is_shaking_hands() const { return engine_.state() == tls::State::kHandshake; }
  std::string_view peer_word() const { return is_server_ ? "the client" : "the server"; }

  Loop& loop_;
  StreamEvents* events_ = nullptr;  // nullptr: not started, ended or closed
  std::unique_ptr<Stream> transport_;
  tls::Engine engine_;
  const TlsStreamOptions options_;
  Peer peer_;
  ChunkQueue plain_;           // submitted and not yet encrypted
  ChunkQueue out_;             // ciphertext that the transport has not been given yet
  ChunkQueue carry_;           // ciphertext that came before a pause, or was too much for one turn
  uint64_t turn_ = 0;          // of the loop, in which...
  uint32_t records_left_ = 0;  // ... so many more may be decrypted
  bool* is_gone_ = nullptr;    // set when this dies inside an event
  const bool is_server_;
  bool has_received_ = false;
  bool in_flight_ = false;
  bool is_paused_ = false;
  bool ended_ = false;
  bool closed_ = false;
};

}  // namespace saker::net

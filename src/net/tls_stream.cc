#include "saker/net/tls_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "saker/base/quantity.h"
#include "saker/net/failure_text.h"
#include "saker/net/tuning.h"

namespace saker::net {
namespace {

// "unexpected_message" (RFC 8446 section 6.2), fatal: what somebody who does not speak TLS is told,
// so that a client of ours recognises it.
constexpr std::array<uint8_t, 7> kNotTlsAlert = {21, 3, 1, 0, 2, 2, 10};

// A chunk to decrypt into, given back whatever happens meanwhile.
class Buffer {
 public:
  explicit Buffer(ChunkPool& pool) : pool_(pool), chunk_(pool.get(ChunkPool::kLargeBytes)) {}
  ~Buffer() { pool_.put(chunk_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  MutableBytes bytes() { return {chunk_->storage, chunk_->capacity}; }

 private:
  ChunkPool& pool_;
  Chunk* chunk_;
};

}  // namespace

TlsStream::TlsStream(Loop& loop, std::unique_ptr<Stream> transport,
                     const tls::ServerContext& context, const TlsStreamOptions& options)
    : loop_(loop),
      transport_(std::move(transport)),
      engine_(context),
      options_(options),
      peer_(transport_->peer()),
      plain_(loop.chunks()),
      out_(loop.chunks()),
      carry_(loop.chunks()),
      is_server_(true) {
  peer_.is_tls = true;
}

TlsStream::TlsStream(Loop& loop, std::unique_ptr<Stream> transport,
                     const tls::ClientContext& context, const std::string& server_name,
                     tls::SessionCache* sessions, const TlsStreamOptions& options)
    : loop_(loop),
      transport_(std::move(transport)),
      engine_(context, server_name, sessions),
      options_(options),
      peer_(transport_->peer()),
      plain_(loop.chunks()),
      out_(loop.chunks()),
      carry_(loop.chunks()),
      is_server_(false) {
  peer_.is_tls = true;
}

TlsStream::~TlsStream() {
  close();
  if (is_gone_ != nullptr) *is_gone_ = true;
}

void TlsStream::start(StreamEvents& events) {
  SAKER_DCHECK(events_ == nullptr && !ended_ && !closed_);
  events_ = &events;
  loop_.arm(*this, time_after(loop_.now(), options_.handshake_timeout));
  transport_->start(*this);
  if (is_server_) return;
  Bytes nothing;
  if (is_shaking_hands()) engine_.handshake(nothing, out_);
  if (engine_.state() == tls::State::kFailed) loop_.at_turn_end(*this);
  send();
}

size_t TlsStream::memory_bytes() const {
  return sizeof *this + kEngineBytes + plain_.size() + out_.size() + carry_.size() +
         transport_->memory_bytes();
}

// ---- reading

void TlsStream::on_data(Bytes bytes) {
  if (!is_open()) return;
  if (!has_received_ && !recognises(bytes)) return;
  has_received_ = true;
  bool gone = false;
  is_gone_ = &gone;
  begin_turn();
  receive(bytes);
  if (gone) return;
  is_gone_ = nullptr;
  if (is_open() && engine_.state() == tls::State::kOpen && !bytes.empty()) {
    carry_.append(bytes);
    transport_->pause_reading(true);
    go_on();
  }
  send();
  check_engine();
}

void TlsStream::begin_turn() {
  if (std::exchange(turn_, loop_.turn_number()) == loop_.turn_number()) return;
  records_left_ = tuning::kTlsRecordsPerTurn;
}

bool TlsStream::recognises(Bytes first) {
  if (begins_tls(first)) return true;
  if (is_server_) out_.append(Bytes(kNotTlsAlert));
  fail(not_tls_text(peer_word(), first));
  return false;
}

// Takes from `input` until it is used up, this turn's part is, reading is paused, or this has ended or is
// gone.
void TlsStream::receive(Bytes& input) {
  if (is_shaking_hands()) shake_hands(input);
  const bool& gone = *is_gone_;
  while (!gone && may_read() && !input.empty() && engine_.state() == tls::State::kOpen &&
         records_left_ != 0) {
    deliver(input);
  }
}

void TlsStream::shake_hands(Bytes& input) {
  engine_.handshake(input, out_);
  if (engine_.state() != tls::State::kOpen) return;
  loop_.cancel(*this);
  peer_.identity = engine_.peer_identity();
  if (is_paused_) transport_->pause_reading(true);
}

void TlsStream::deliver(Bytes& input) {
  Buffer buffer(loop_.chunks());
  const size_t size = engine_.read(input, buffer.bytes(), out_, records_left_);
  if (size != 0) events_->on_data(Bytes(buffer.bytes()).first(size));
}

void TlsStream::pause_reading(bool paused) {
  if (is_paused_ == paused) return;
  is_paused_ = paused;
  if (!is_open() || is_shaking_hands()) return;
  if (paused) {
    transport_->pause_reading(true);
  } else if (carry_.empty()) {
    transport_->pause_reading(false);
    send();
  } else {
    go_on();
  }
}

// With what waits in carry_, the transport paused; it follows when that is used up.
void TlsStream::go_on() {
  if (is_paused_) return;
  begin_turn();
  records_left_ != 0 ? loop_.at_turn_end(*this) : loop_.at_next_turn_end(*this);
}

void TlsStream::run_at_turn_end() {
  if (engine_.state() == tls::State::kFailed) return check_engine();
  if (may_read()) resume();
}

void TlsStream::resume() {
  begin_turn();
  ChunkQueue input = std::move(carry_);
  bool gone = false;
  is_gone_ = &gone;
  while (!input.empty() && may_read() && engine_.state() == tls::State::kOpen &&
         records_left_ != 0) {
    Bytes front = input.front()->bytes();
    const size_t before = front.size();
    receive(front);
    if (gone) return;
    input.consume(before - front.size());
  }
  is_gone_ = nullptr;
  if (!is_open()) return;
  carry_ = std::move(input);
  if (carry_.empty() && !is_paused_) transport_->pause_reading(false);
  if (!carry_.empty()) go_on();
  send();
  check_engine();
}

// ---- writing

void TlsStream::submit(ChunkQueue&& chunks) {
  SAKER_DCHECK(!in_flight_ && !chunks.empty());
  plain_ = std::move(chunks);
  if (closed_) return plain_.clear();
  in_flight_ = !ended_;
  send();
  if (ended_) plain_.clear();
}

// One write of the transport at a time; what cannot go now goes when that is through.
void TlsStream::send() {
  if (closed_ || transport_->write_in_flight()) return;
  const bool may_write =
      engine_.state() == tls::State::kOpen || engine_.state() == tls::State::kPeerClosed;
  if (may_write && !plain_.empty()) engine_.write(plain_, tuning::kTlsWriteBytes, out_);
  if (engine_.state() == tls::State::kFailed && is_open()) loop_.at_turn_end(*this);
  if (!out_.empty() && !may_wait()) transport_->submit(std::move(out_));
}

// A TLS 1.3 server's tickets, to a peer that may have gone already: that such a write fails must not
// take away what the peer sent before and a pause still hides.
bool TlsStream::may_wait() const {
  return is_server_ && is_paused_ && !in_flight_ && engine_.state() == tls::State::kOpen &&
         engine_.is_tls13();
}

void TlsStream::on_sent() {
  const bool is_done = in_flight_ && plain_.empty();
  send();
  if (!is_open() || !is_done) return;
  in_flight_ = false;
  events_->on_sent();
}

// ---- the end

// What reading or writing has made of the engine's state. Last in whoever calls it.
void TlsStream::check_engine() {
  if (!is_open()) return;
  if (engine_.state() == tls::State::kFailed) return fail(engine_.error());
  if (engine_.state() == tls::State::kPeerClosed) return end({end_text(0), 0});
  if (out_.size() > tuning::kTlsUnsentBytes) fail("the peer asks and does not read the answers");
}

void TlsStream::on_timer(Time) {
  fail("the handshake took longer than " + format_duration(options_.handshake_timeout));
}

// The alert is the last thing that goes out.
void TlsStream::fail(const std::string& why) {
  send();
  end({"TLS: " + why, EPROTO});
}

void TlsStream::on_end(const Error& error) {
  if (!is_open()) return;
  Error out = error;
  if (is_shaking_hands()) out.message = "TLS: " + error.message + " during the handshake";
  end(out);
}

void TlsStream::end(const Error& error) {
  ended_ = true;
  in_flight_ = false;
  plain_.clear();
  carry_.clear();
  loop_.cancel(*this);
  TurnTask::unlink();
  transport_->pause_reading(true);
  std::exchange(events_, nullptr)->on_end(error);
}

// A close_notify only behind all that was submitted: else the peer would take a part for the whole.
void TlsStream::close() {
  if (closed_) return;
  const bool is_clean = plain_.empty() && !transport_->write_in_flight();
  if (is_clean && !ended_) engine_.close(out_);
  if (is_clean && !out_.empty()) transport_->submit(std::move(out_));
  closed_ = true;
  events_ = nullptr;
  in_flight_ = false;
  plain_.clear();
  out_.clear();
  carry_.clear();
  loop_.cancel(*this);
  TurnTask::unlink();
  transport_->close();
}

}  // namespace saker::net

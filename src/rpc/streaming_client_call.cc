#include "saker/rpc/streaming_client_call.h"

#include "saker/rpc/over_limit.h"
#include "saker/rpc/replay_buffer.h"

namespace saker::rpc {

using grpc::ReadResult;
using grpc::StatusCode;

void StreamingClientCallBase::on_open() {
  stream().credit_on_receipt = false;
  replies_ = 0;
  if (!send_again()) begin_requests();
  make_ready();
}

// Of a stream before this one nothing was kept but, maybe, that there is nothing to send.
void StreamingClientCallBase::begin_requests() {
  wrote_ = false;
  writes_done_ = writes_done_ && started_over();
  owes_writable_ = !writes_done_;
  if (writes_done_) send_chunks(ChunkQueue(chunks()), true);
}

// What earlier attempts had sent. False: nothing.
bool StreamingClientCallBase::send_again() {
  ReplayBuffer* kept = replay();
  if (kept == nullptr || kept->is_empty()) return false;
  ChunkQueue requests(chunks());
  kept->copy_to(requests);
  send_chunks(std::move(requests), kept->last());
  note_kept();
  return true;
}

// ---- requests

void StreamingClientCallBase::writes_done() {
  if (!may_write() && !awaits_stream()) return;
  writes_done_ = true;
  if (awaits_stream()) return;  // on_open() sends it
  if (replay() != nullptr) return send_kept(ChunkQueue(chunks()), true);
  send_chunks(ChunkQueue(chunks()), true);
}

void StreamingClientCallBase::send_kept(ChunkQueue&& message, bool last) {
  replay()->keep(message, last);
  note_kept();
  if (open()) send_chunks(std::move(message), last);
}

void StreamingClientCallBase::written(bool last) {
  wrote_ = true;
  writes_done_ = last;
  if (!last && open() && congested()) {
    owes_writable_ = true;
    await_output();
  }
}

bool StreamingClientCallBase::writable() {
  if (!may_write()) return false;
  if (open() && !congested()) return true;
  owes_writable_ = true;
  if (open()) await_output();
  return false;
}

void StreamingClientCallBase::on_drained() {
  if (owes_writable_) make_ready();
}

// ---- replies

void StreamingClientCallBase::pause(bool paused) {
  paused_ = paused;
  if (!paused && open()) make_ready();
}

void StreamingClientCallBase::on_data(Bytes data, bool) {
  if (data.empty()) return;
  if (inbox_ == nullptr) inbox_ = std::make_unique<ChunkQueue>(chunks());
  inbox_->append(data);
  make_ready();
}

void StreamingClientCallBase::run() {
  while (!paused_ && open() && deliver_next()) {
  }
  if (owes_writable_ && writable()) {
    owes_writable_ = false;
    on_writable();
  }
}

// The stream has ended well: what has arrived is still delivered, pause or not.
void StreamingClientCallBase::on_complete() {
  while (deliver_next()) {
  }
  inbox_.reset();
  writes_done_ = wrote_ = false;
  if (!reader_.at_boundary()) fail(StatusCode::kInternal, "the stream ended inside a message");
  if (method().kind() == MethodKind::kClientStreaming && replies_ != 1) {
    fail(StatusCode::kUnimplemented,
         replies_ == 0 ? "status OK without a reply" : "more than one reply");
  }
  forget_requests();
}

// Replies that came before an error status are delivered like any others.
void StreamingClientCallBase::on_failed(bool by_us) {
  while (!by_us && deliver_next()) {
  }
  inbox_.reset();
  forget_requests();
}

// The object may call again.
void StreamingClientCallBase::forget_requests() {
  writes_done_ = wrote_ = false;
}

// False: no whole message is there, or the call has failed.
bool StreamingClientCallBase::deliver_next() {
  while (inbox_ != nullptr && !inbox_->empty()) {
    Bytes data = inbox_->front()->bytes();
    const size_t before = data.size();
    grpc::ReceivedMessage message;
    const ReadResult result = reader_.next(data, message);
    const size_t taken = before - data.size();
    if (result != ReadResult::kNeedMore && result != ReadResult::kMessage) {
      fail_read(message, result);
      return false;
    }
    if (result == ReadResult::kMessage) {
      ++replies_;
      note_compressed(message.compressed);
      if (message.compressed && !unpack(message)) {
        inbox_->clear();
        return false;
      }
      const bool parsed = deliver(message);
      drop_unpacked();
      release(taken);
      if (!parsed) fail(StatusCode::kInternal, "a reply does not parse");
      return parsed;
    }
    release(taken);
  }
  return false;
}

void StreamingClientCallBase::fail_read(const grpc::ReceivedMessage& message, ReadResult result) {
  inbox_->clear();
  if (result == ReadResult::kTooLarge) {
    fail(StatusCode::kResourceExhausted, over_limit_text("a reply", message.size, reader_));
  } else {
    fail(StatusCode::kInternal, "a reply's flag is neither 0 nor 1");
  }
}

void StreamingClientCallBase::release(size_t bytes) {
  inbox_->consume(bytes);
  consume(bytes);
}

}  // namespace saker::rpc

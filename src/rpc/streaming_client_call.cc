#include "saker/rpc/streaming_client_call.h"

namespace saker::rpc {

using grpc::ReadResult;
using grpc::StatusCode;

void StreamingClientCallBase::on_open() {
  stream().credit_on_receipt = false;
  writes_done_ = false;
  drained_ = true;
  make_ready();
}

void StreamingClientCallBase::writes_done() {
  if (!may_write()) return;
  writes_done_ = true;
  send_chunks(ChunkQueue(chunks()), true);
}

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

void StreamingClientCallBase::on_drained() {
  drained_ = true;
  make_ready();
}

void StreamingClientCallBase::run() {
  while (!paused_ && deliver_next()) {
  }
  if (drained_ && writable()) {
    drained_ = false;
    on_writable();
  }
}

// The stream has ended well: what has arrived is still delivered, pause or not.
void StreamingClientCallBase::on_complete() {
  while (deliver_next()) {
  }
  inbox_.reset();
  if (status_.code == StatusCode::kOk && !reader_.at_boundary()) {
    status_ = {StatusCode::kInternal, "the stream ended inside a message", {}};
  }
}

// False: no whole message is there, or the call has failed.
bool StreamingClientCallBase::deliver_next() {
  while (inbox_ != nullptr && !inbox_->empty()) {
    Bytes data = inbox_->front()->bytes();
    const size_t before = data.size();
    grpc::ReceivedMessage message;
    const ReadResult result = reader_.next(data, message);
    const size_t taken = before - data.size();
    const bool whole = result == ReadResult::kMessage && !message.compressed;
    if (!whole && result != ReadResult::kNeedMore) {
      inbox_->clear();
      fail(result == ReadResult::kTooLarge ? StatusCode::kResourceExhausted : StatusCode::kInternal,
           result == ReadResult::kTooLarge ? "a reply is over the size limit"
                                           : "compressed reply without a grpc-encoding, or a bad flag");
      return false;
    }
    const bool delivered = whole && deliver(message);
    if (inbox_ != nullptr) release(taken);
    if (delivered) return true;
    if (whole) {
      fail(StatusCode::kInternal, "a reply does not parse");
      return false;
    }
  }
  return false;
}

void StreamingClientCallBase::release(size_t bytes) {
  inbox_->consume(bytes);
  consume(bytes);
}

}  // namespace saker::rpc

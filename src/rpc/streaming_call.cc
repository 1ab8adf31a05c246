#include "saker/rpc/streaming_call.h"

#include "saker/rpc/over_limit.h"
#include "saker/rpc/server_connection.h"

namespace saker::rpc {

using grpc::ReadResult;
using grpc::StatusCode;

// The handler starts with the head: it may have something to say before it hears anything.
void StreamingCallBase::on_head(bool end) {
  ended_ = end;
  make_ready();
}

void StreamingCallBase::on_data(Bytes data, bool end) {
  if (!data.empty()) {
    if (inbox_ == nullptr) inbox_ = std::make_unique<ChunkQueue>(context_.loop().chunks());
    inbox_->append(data);
  }
  ended_ = ended_ || end;
  if (read_waiter_) make_ready();
}

void StreamingCallBase::run() {
  if (!started_) {
    if (refused()) return run_refusal();
    started_ = true;
    handler_started();
    return start_handler();
  }
  // The handler waits at one place at a time; resuming it may end and recycle this call.
  if (read_waiter_ && read_ready()) return std::exchange(read_waiter_, nullptr).resume();
  if (!write_waiter_) return;
  if (write_blocked()) return await_output();
  std::exchange(write_waiter_, nullptr).resume();
}

void StreamingCallBase::on_drained() {
  if (write_waiter_) make_ready();
}

void StreamingCallBase::on_cancel() {
  ended_ = true;
  if (read_waiter_ || write_waiter_) make_ready();
}

void StreamingCallBase::wait_to_read(std::coroutine_handle<> waiter) {
  read_waiter_ = waiter;
  if (waits_for_turn()) make_ready();
}

bool StreamingCallBase::waits_for_turn() const {
  return connection().turn_has_enough();
}

bool StreamingCallBase::read_ready() {
  if (message_ready_ || !stream_open() || !broken_status_.ok()) return true;
  if (is_unpacking()) return false;
  if (next_message() || !broken_status_.ok()) return true;
  if (is_unpacking()) return false;
  flush_credit();
  if (!ended_) return false;
  if (!reader_.at_boundary()) fail_read(StatusCode::kInternal, "the stream ended inside a message");
  return true;
}

// Looks for a whole message in the inbox. What goes into an unfinished one counts as read, or a
// message larger than the window could never arrive.
bool StreamingCallBase::next_message() {
  while (inbox_ != nullptr && !inbox_->empty()) {
    Bytes data = inbox_->front()->bytes();
    const size_t before = data.size();
    const ReadResult result = reader_.next(data, message_);
    taken_bytes_ = before - data.size();
    if (result == ReadResult::kMessage) return accept_message();
    if (result == ReadResult::kTooLarge) {
      fail_read(StatusCode::kResourceExhausted, over_limit_text("message", message_.size, reader_));
      return false;
    }
    if (result == ReadResult::kBadFlag) {
      fail_read(StatusCode::kInternal, "message flag is neither 0 nor 1");
      return false;
    }
    release_message();
  }
  return false;
}

bool StreamingCallBase::accept_message() {
  connection().note_streamed(message_.compressed ? 0 : message_.size);
  note_compressed(message_.compressed);
  if (!message_.compressed) return message_ready_ = true;
  unpack(message_);
  awaits_unpacked_ = is_unpacking();
  return message_ready_;
}

void StreamingCallBase::on_unpacked(const grpc::Status& status,
                                    const grpc::ReceivedMessage& message) {
  if (status.ok()) {
    message_ = message;
    message_ready_ = true;
  } else {
    fail_read(status.code, status.message);
  }
  // Before others, who would unpack theirs meanwhile.
  if (std::exchange(awaits_unpacked_, false)) make_ready_first();
}

void StreamingCallBase::release_message() {
  drop_unpacked();
  inbox_->consume(taken_bytes_);
  credit_bytes_ += taken_bytes_;
  taken_bytes_ = 0;
  if (credit_bytes_ >= kCreditStepBytes) flush_credit();
}

void StreamingCallBase::flush_credit() {
  if (credit_bytes_ != 0) consume(std::exchange(credit_bytes_, 0));
}

// Of a connection with nothing else to do; what is as large as that may be of one message.
size_t StreamingCallBase::memory_for_messages() const {
  constexpr size_t kHardlyMore = 4096;
  return connection().budget().limit() + kHardlyMore;
}

bool StreamingCallBase::fail_parsed() {
  fail_read(StatusCode::kResourceExhausted, "message of " + std::to_string(message_.size) +
                                                " bytes, parsed, is over the connection's memory "
                                                "for messages");
  release_message();
  return false;
}

void StreamingCallBase::fail_read(StatusCode code, std::string message) {
  broken_status_ = {code, std::move(message), {}};
}

// Whatever the handler makes of it, the call ends with this.
bool StreamingCallBase::fail_write(size_t size) {
  if (broken_status_.ok()) broken_status_ = reply_too_large(size);
  return false;
}

// gRPC statuscodes.md: "Request cardinality violation".
grpc::Status StreamingCallBase::wrong_request_count(bool more) {
  return {StatusCode::kUnimplemented,
          more ? "more than one request message in a call with one"
               : "a call without a request message",
          {}};
}

// The handler has ended. Messages that broke the call override what the handler made of it.
void StreamingCallBase::end_handler(Task<grpc::Status>& task, bool reply_due) {
  if (stream_open()) {
    if (task.failed()) {
      finish(handler_threw());
    } else if (!broken_status_.ok()) {
      finish(broken_status_);
    } else if (!task.result().ok()) {
      finish(task.result());
    } else {
      if (reply_due) send_single_reply();
      broken_status_.ok() ? finish_ok() : finish(broken_status_);
    }
  }
  handler_done();
}

void StreamingCallBase::recycle_base() {
  inbox_.reset();
  message_ready_ = last_was_large_ = started_ = ended_ = awaits_unpacked_ = false;
  taken_bytes_ = credit_bytes_ = 0;
  broken_status_ = {};
  read_waiter_ = write_waiter_ = nullptr;
}

}  // namespace saker::rpc

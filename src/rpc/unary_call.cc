#include "saker/rpc/unary_call.h"

#include <algorithm>

#include "saker/rpc/over_limit.h"
#include "saker/rpc/server_connection.h"

namespace saker::rpc {

void UnaryCallBase::on_head(bool end) {
  if (end) return on_data({}, true);
  await_request(true);
}

// False: refused.
bool UnaryCallBase::take_message(const grpc::ReceivedMessage& message) {
  request_bytes_ = message.size;
  if (message.size > kFreeMessageBytes && !find_room(message)) {
    refuse(grpc::StatusCode::kResourceExhausted,
           "request of " + std::to_string(message.size) + " bytes is over " + kMemoryForMessages);
    return false;
  }
  if (!parse_request(message)) {
    refuse(grpc::StatusCode::kInternal, "the request message does not parse");
    return false;
  }
  return true;
}

// All DATA of an event has been taken; `end`: there will be no more.
void UnaryCallBase::end_data(bool end) {
  using grpc::StatusCode;
  stream()->expected_bytes = reader_.missing_bytes();
  if (!end) {
    if (messages_ != 0) keep_request();
    return;
  }
  if (!reader_.at_boundary()) {
    return refuse(StatusCode::kInternal, "the request ended inside a message");
  }
  if (messages_ == 0) {
    return refuse(StatusCode::kUnimplemented, "a unary call without a request message");
  }
  await_request(false);
  // Until its handler starts: more requests may follow in the same read, each as large.
  if (request_bytes_ > kFreeMessageBytes && !keep_request()) return;
  make_ready();
}

void UnaryCallBase::on_data(Bytes data, bool end) {
  using grpc::ReadResult;
  using grpc::StatusCode;
  if (refused()) return;
  grpc::ReceivedMessage message;
  for (ReadResult result; (result = reader_.next(data, message)) != ReadResult::kNeedMore;) {
    if (result == ReadResult::kTooLarge) {
      return refuse(StatusCode::kResourceExhausted,
                    over_limit_text("request", message.size, reader_));
    }
    if (result == ReadResult::kBadFlag) {
      return refuse(StatusCode::kInternal, "message flag is neither 0 nor 1");
    }
    if (++messages_ > 1 || (message.compressed && !data.empty())) {
      return refuse(StatusCode::kUnimplemented, "more than one request message in a unary call");
    }
    if (message.compressed) [[unlikely]] {
      note_compressed(true);
      ended_ = end;
      return unpack(message);
    }
    if (message.size > kFreeMessageBytes) connection().note_message(message.size);
    if (!take_message(message)) return;
  }
  end_data(end);
}

void UnaryCallBase::on_unpacked(const grpc::Status& status, const grpc::ReceivedMessage& message) {
  if (!status.ok()) return refuse(status.code, status.message);
  if (!take_message(message)) return;
  drop_unpacked();
  end_data(ended_);
}

// Before it is parsed: whether there is memory for what it will be, which is what it is charged with from
// then on. What the reader has charged for the message covers one that takes hardly more than its bytes,
// which may be all that the budget allows.
bool UnaryCallBase::find_room(const grpc::ReceivedMessage& message) {
  constexpr size_t kHardlyMore = 4096;
  const size_t left = connection().budget().available() + reader_.charged_bytes();
  const size_t needed = parsed_bytes(message, left);
  const bool covered = reader_.charged_bytes() >= message.size;
  if (needed > left && (!covered || needed > message.size + kHardlyMore)) return false;
  request_bytes_ = std::min(needed, left);
  return true;
}

}  // namespace saker::rpc

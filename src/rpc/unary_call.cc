#include "saker/rpc/unary_call.h"

#include "saker/rpc/over_limit.h"

namespace saker::rpc {

void UnaryCallBase::on_head(bool end) {
  if (end) return on_data({}, true);
  await_request(true);
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
    if (message.compressed) [[unlikely]] {
      note_compressed(true);
      const grpc::Status unpacked = unpack(message);
      if (!unpacked.ok()) return refuse(unpacked.code, unpacked.message);
    }
    if (++messages_ > 1) {
      return refuse(StatusCode::kUnimplemented, "more than one request message in a unary call");
    }
    request_bytes_ = message.size;
    if (!parse_request(message)) {
      return refuse(StatusCode::kInternal, "the request message does not parse");
    }
    drop_unpacked();
  }
  stream()->expected_bytes = reader_.missing_bytes();
  if (!end) {
    if (messages_ != 0) keep_request();
    return;
  }
  let_request_go();
  if (!reader_.at_boundary()) {
    return refuse(StatusCode::kInternal, "the request ended inside a message");
  }
  if (messages_ == 0) {
    return refuse(StatusCode::kUnimplemented, "a unary call without a request message");
  }
  await_request(false);
  make_ready();
}

}  // namespace saker::rpc

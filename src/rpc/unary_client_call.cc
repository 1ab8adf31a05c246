#include "saker/rpc/unary_client_call.h"

#include "saker/rpc/over_limit.h"

namespace saker::rpc {

using grpc::ReadResult;
using grpc::StatusCode;

void UnaryClientCallBase::on_data(Bytes data, bool) {
  grpc::ReceivedMessage message;
  for (ReadResult result; (result = reader_.next(data, message)) != ReadResult::kNeedMore;) {
    if (result == ReadResult::kTooLarge) {
      return fail(StatusCode::kResourceExhausted, over_limit_text("reply", message.size, reader_));
    }
    if (result == ReadResult::kBadFlag) {
      return fail(StatusCode::kInternal, "a reply's flag is neither 0 nor 1");
    }
    if (message.compressed) [[unlikely]] {
      note_compressed(true);
      if (!unpack(message)) return;
    }
    if (++messages_ > 1) {
      return fail(StatusCode::kUnimplemented, "more than one reply to a unary call");
    }
    reply_bytes_ = message.size;
    if (!parse_reply(message)) return fail(StatusCode::kInternal, "the reply does not parse");
    drop_unpacked();
  }
  stream().expected_bytes = reader_.missing_bytes();
}

void UnaryClientCallBase::on_failed(bool) {
  take_request_back();
}

void UnaryClientCallBase::on_complete() {
  take_request_back();
  if (messages_ == 1 && reader_.at_boundary()) return;
  const bool is_missing = messages_ == 0 && reader_.at_boundary();
  status_ = {is_missing ? StatusCode::kUnimplemented : StatusCode::kInternal,
             is_missing ? "status OK without a reply" : "the reply was cut short",
             {}};
}

}  // namespace saker::rpc

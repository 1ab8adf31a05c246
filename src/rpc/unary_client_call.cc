#include "saker/rpc/unary_client_call.h"

namespace saker::rpc {

using grpc::ReadResult;
using grpc::StatusCode;

void UnaryClientCallBase::on_data(Bytes data, bool) {
  grpc::ReceivedMessage message;
  for (ReadResult result; (result = reader_.next(data, message)) != ReadResult::kNeedMore;) {
    if (result == ReadResult::kTooLarge) {
      return fail(StatusCode::kResourceExhausted,
                  "reply of " + std::to_string(message.size) + " bytes is over the limit");
    }
    if (result == ReadResult::kBadFlag || message.compressed) {
      return fail(StatusCode::kInternal, "compressed reply without a grpc-encoding, or a bad flag");
    }
    if (++messages_ > 1) return fail(StatusCode::kInternal, "more than one reply to a unary call");
    reply_bytes_ = message.size;
    if (!parse_reply(message)) return fail(StatusCode::kInternal, "the reply does not parse");
  }
}

void UnaryClientCallBase::on_complete() {
  if (messages_ == 1 && reader_.at_boundary()) return;
  status_ = {StatusCode::kInternal,
             messages_ == 0 ? "status OK without a reply" : "the reply was cut short",
             {}};
}

}  // namespace saker::rpc

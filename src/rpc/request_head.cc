#include "saker/rpc/request_head.h"

#include "saker/grpc/http.h"
#include "saker/grpc/timeout.h"

namespace saker::rpc {

using hpack::Token;

RequestHead read_request_head(std::span<const hpack::Field> fields, Time now) {
  RequestHead head;
  for (const hpack::Field& field : fields) {
    switch (field.token) {
      case Token::kPath:
        head.path = field.value;
        break;
      case Token::kMethod:
        head.is_post = field.value == "POST";
        break;
      case Token::kContentType:
        head.is_grpc = grpc::classify_content_type(field.value) != grpc::ContentType::kNotGrpc;
        break;
      case Token::kGrpcTimeout: {
        const auto timeout = grpc::parse_timeout(field.value);
        head.bad_timeout = !timeout;
        if (timeout) head.deadline = time_after(now, *timeout);
        break;
      }
      case Token::kGrpcEncoding:
        head.encoding = grpc::parse_compression(field.value);
        break;
      case Token::kGrpcAcceptEncoding:
        head.accepted = grpc::parse_accept_encoding(field.value);
        break;
      case Token::kOther:
      case Token::kGrpcPreviousRpcAttempts:
        head.has_metadata = true;
        break;
      default:
        break;
    }
  }
  return head;
}

}  // namespace saker::rpc

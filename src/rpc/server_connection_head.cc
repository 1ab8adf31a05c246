// What a request head says to ServerConnection that its method does not: metadata, compression, and why a
// call is refused.
#include "saker/grpc/path.h"
#include "saker/rpc/dispatcher.h"
#include "saker/rpc/request_head.h"
#include "saker/rpc/server_connection.h"
#include "saker/rpc/server_loop.h"

namespace saker::rpc {

using grpc::StatusCode;

void ServerConnection::add_metadata(grpc::Metadata& metadata,
                                    std::span<const hpack::Field> fields) const {
  const size_t limit = loop_.options().connection.max_header_list_bytes;
  for (const hpack::Field& field : fields) {
    if (field.token == hpack::Token::kOther ||
        field.token == hpack::Token::kGrpcPreviousRpcAttempts) {
      // A bad -bin value spoils itself only.
      (void)metadata.add_received(field.name, field.value, limit);
      if (metadata.list_bytes() > limit) return;
    }
  }
}

CallCompression ServerConnection::compression_for(grpc::CompressionSet accepted) const {
  const grpc::Compression wanted = loop_.options().compression;
  CallCompression out;
  out.accepted = accepted;
  if (accepted.contains(wanted)) out.replies = wanted;
  out.packs = out.replies != grpc::Compression::kIdentity;
  return out;
}

// A client accepts the same on all calls of a connection, as a rule: what the first one said holds
// for those whose head is known.
void ServerConnection::note_compression(ServerCall& call, const RequestHead& head) {
  if (!compression_known_) compression_ = compression_for(head.accepted);
  compression_known_ = true;
  const bool usual = head.accepted == compression_.accepted;
  call.context_.compression_ = usual ? compression_ : compression_for(head.accepted);
  call.context_.compression_.requests = head.encoding.value_or(grpc::Compression::kIdentity);
}

// What HTTP and gRPC forbid in a head, most basic first (gRPC PROTOCOL-HTTP2.md, "Requests" and
// "Errors").
void ServerConnection::refuse_head(ServerCall& call, const RequestHead& head,
                                   const h2::HeadersEvent& event) {
  const auto refuse_http = [&](int status) {
    call.http_status_ = status;
    call.refuse(StatusCode::kInternal, "");
  };
  const size_t limit = loop_.options().connection.max_header_list_bytes;
  if (event.truncated || call.context_.metadata_.list_bytes() > limit) {
    return call.refuse(StatusCode::kResourceExhausted, "request metadata is over the limit");
  }
  if (!head.is_post) return refuse_http(405);
  if (!head.is_grpc) return refuse_http(415);
  if (head.bad_timeout) return call.refuse(StatusCode::kInternal, "malformed grpc-timeout");
  if (call.method_ == nullptr) {
    const auto path = grpc::split_path(head.path);
    if (!path) return call.refuse(StatusCode::kUnimplemented, "malformed :path");
    const bool known = loop_.dispatcher().has_service(path->service);
    return call.refuse(StatusCode::kUnimplemented,
                       known ? "unknown method " + std::string(path->method) + " of service " +
                                   std::string(path->service)
                             : "unknown service " + std::string(path->service));
  }
  if (!head.encoding) {
    (void)call.context_.initial_metadata().add_received(
        "grpc-accept-encoding", grpc::encode_accept_encoding(supported_compressions()));
    return call.refuse(StatusCode::kUnimplemented, "unsupported grpc-encoding");
  }
}

}  // namespace saker::rpc

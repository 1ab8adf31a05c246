// What HTTP says, in gRPC's words: status and RST_STREAM codes to StatusCode, and which
// content-types are gRPC (gRPC http-grpc-status-mapping.md, PROTOCOL-HTTP2.md "Errors" and
// "Requests"). Takes plain numbers, so that it need not know the HTTP/2
// layer. Values only: any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "saker/grpc/status.h"

namespace saker::grpc {

// The status of a call whose response carried no grpc-status.
// 1xx responses are to be skipped, not mapped.
StatusCode status_from_http(int http_status);

// The status of a call that ended with RST_STREAM(error_code). A code that is not assigned counts
// as INTERNAL_ERROR (RFC 9113 section 7).
StatusCode status_from_reset(uint32_t error_code);

enum class ContentType : uint8_t {
  kNotGrpc,  // a server answers HTTP 415
  kProto,    // application/grpc, application/grpc+proto
  kJson,     // application/grpc+json
  kOther,    // application/grpc+anything
};

ContentType classify_content_type_slow(std::string_view value);

// Parameters behind ';' are ignored. application/grpc-web is another protocol, hence kNotGrpc.
inline ContentType classify_content_type(std::string_view value) {
  if (value == "application/grpc") [[likely]] {
    return ContentType::kProto;
  }
  return classify_content_type_slow(value);
}

}  // namespace saker::grpc

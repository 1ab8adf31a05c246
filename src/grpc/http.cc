// The mapping tables as switches, and the media type parser behind the fast path.
// Media types compare without regard to case (RFC 9110 section 8.3.1), though every known peer
// writes lower case. gRPC http-grpc-status-mapping.md, PROTOCOL-HTTP2.md.
#include "saker/grpc/http.h"

#include <algorithm>

namespace saker::grpc {
namespace {

constexpr std::string_view kBaseType = "application/grpc";

constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {}, to_lower);
}

// `value` up to its parameters, without white space at the end.
std::string_view media_type(std::string_view value) {
  value = value.substr(0, value.find(';'));
  while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
  return value;
}

}  // namespace

StatusCode status_from_http(int http_status) {
  switch (http_status) {
    case 400:
    case 431:
      return StatusCode::kInternal;
    case 401:
      return StatusCode::kUnauthenticated;
    case 403:
      return StatusCode::kPermissionDenied;
    case 404:
      return StatusCode::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return StatusCode::kUnavailable;
    default:
      return StatusCode::kUnknown;
  }
}

StatusCode status_from_reset(uint32_t error_code) {
  switch (error_code) {
    case 0x7:  // REFUSED_STREAM
      return StatusCode::kUnavailable;
    case 0x8:  // CANCEL
      return StatusCode::kCancelled;
    case 0xb:  // ENHANCE_YOUR_CALM
      return StatusCode::kResourceExhausted;
    case 0xc:  // INADEQUATE_SECURITY
      return StatusCode::kPermissionDenied;
    default:
      return StatusCode::kInternal;
  }
}

ContentType classify_content_type_slow(std::string_view value) {
  const std::string_view type = media_type(value);
  if (!equals_ignoring_case(type.substr(0, kBaseType.size()), kBaseType))
    return ContentType::kNotGrpc;
  const std::string_view rest = type.substr(kBaseType.size());
  if (rest.empty() || equals_ignoring_case(rest, "+proto")) return ContentType::kProto;
  if (rest.front() != '+') return ContentType::kNotGrpc;
  return equals_ignoring_case(rest, "+json") ? ContentType::kJson : ContentType::kOther;
}

}  // namespace saker::grpc

// Header fields as HPACK sees them, and Token: the names that HTTP/2 and gRPC give a meaning to,
// recognised once (when a field enters a table or, for a literal, when it is decoded) so that
// nobody compares strings per call. Knows nothing of streams, gRPC methods or limits.
// RFC 7541, RFC 9113 section 8.2.
#pragma once

#include <cstdint>
#include <string_view>

namespace saker::hpack {

enum class Token : uint8_t {
  kOther,  // no special meaning: custom metadata and everything unknown
  kAuthority,
  kMethod,
  kPath,
  kScheme,
  kStatus,
  kProtocol,
  kUnknownPseudo,  // any other name that starts with ':'
  // One of connection, keep-alive, proxy-connection, transfer-encoding, upgrade (RFC 9113 8.2.2).
  kConnection,
  kContentLength,
  kContentType,
  kTe,
  kHost,
  kUserAgent,
  kCookie,
  kGrpcTimeout,
  kGrpcEncoding,
  kGrpcAcceptEncoding,
  kGrpcStatus,
  kGrpcMessage,
  kGrpcStatusDetailsBin,
  kGrpcPreviousRpcAttempts,
  kGrpcRetryPushbackMs,
  kGrpcReserved,  // any other name that starts with "grpc-"
};

Token token_of(std::string_view name);

// What is wrong with a name or value (RFC 9113 section 8.2.1), found where the bytes first appear.
// A legal name: not empty, no upper case, no controls, no space, no bytes >= 0x7f, ':' only as the
// first byte. A legal value: no NUL, CR, LF; no leading or trailing space or tab.
bool is_legal_name(std::string_view name);
bool is_legal_value(std::string_view value);

inline bool has_blank_edge(std::string_view value) {
  const auto is_blank = [](char byte) { return byte == ' ' || byte == '\t'; };
  return !value.empty() && (is_blank(value.front()) || is_blank(value.back()));
}

// A decoded field. `name` and `value` point into the header block, the decoder's table or its
// scratch space: valid until the call that delivered them returns,
// however the table changes meanwhile.
struct Field {
  std::string_view name;
  std::string_view value;
  Token token = Token::kOther;
  bool legal = true;  // name and value pass is_legal_name / is_legal_value
  // Literal never indexed (RFC 7541 section 6.2.3): proxies must keep it so.
  bool never_index = false;
};

}  // namespace saker::hpack

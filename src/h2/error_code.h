// HTTP/2 error codes (RFC 9113 section 7), and the mistake of a peer's that ends a connection.
#pragma once

#include <cstdint>
#include <string_view>

namespace saker::h2 {

using StreamId = uint32_t;

enum class ErrorCode : uint32_t {
  kNoError = 0x0,
  kProtocolError = 0x1,
  kInternalError = 0x2,
  kFlowControlError = 0x3,
  kSettingsTimeout = 0x4,
  kStreamClosed = 0x5,
  kFrameSizeError = 0x6,
  kRefusedStream = 0x7,
  kCancel = 0x8,
  kCompressionError = 0x9,
  kConnectError = 0xa,
  kEnhanceYourCalm = 0xb,
  kInadequateSecurity = 0xc,
  kHttp11Required = 0xd,
};

// "PROTOCOL_ERROR"; "UNKNOWN" for codes that the RFC does not name.
std::string_view error_code_name(ErrorCode code);

// Ends the connection with GOAWAY(code). `why` is static text, sent as debug data.
struct ConnectionError {
  ErrorCode code = ErrorCode::kNoError;
  const char* why = "";
};

}  // namespace saker::h2

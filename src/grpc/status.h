// Status: how a call ended, and how it is written in grpc-status (gRPC statuscodes.md,
// PROTOCOL-HTTP2.md "Responses"). Knows nothing of HTTP status or RST_STREAM codes (http.h maps
// those) nor of percent-encoding (percent.h). Values only: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace saker::grpc {

enum class StatusCode : uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};
inline constexpr size_t kStatusCodeCount = 17;

struct Status {
  StatusCode code = StatusCode::kOk;
  std::string message;      // UTF-8, as the application wrote it: not percent-encoded
  std::string details_bin;  // raw bytes of grpc-status-details-bin (a google.rpc.Status), or empty

  bool ok() const { return code == StatusCode::kOk; }
};

// "DEADLINE_EXCEEDED"; "UNKNOWN" for a number that is no code.
std::string_view status_code_name(StatusCode code);

// The value of a grpc-status header: "0" … "16".
std::string_view encode_grpc_status(StatusCode code);

StatusCode parse_grpc_status_slow(std::string_view value);

// Reads a grpc-status value. A number that is no code, and anything that is no number, is kUnknown,
// as statuscodes.md asks.
inline StatusCode parse_grpc_status(std::string_view value) {
  if (value.size() == 1 && value[0] == '0') [[likely]] {
    return StatusCode::kOk;
  }
  return parse_grpc_status_slow(value);
}

}  // namespace saker::grpc

// The two tables of status.h, and the rare half of its parser.
// One row a code, in the order of the numbers.
// gRPC statuscodes.md.
#include "saker/grpc/status.h"

#include <array>

namespace saker::grpc {
namespace {

struct CodeText {
  std::string_view name;
  std::string_view number;
};

constexpr std::array<CodeText, kStatusCodeCount> kCodes{{
    {"OK", "0"},
    {"CANCELLED", "1"},
    {"UNKNOWN", "2"},
    {"INVALID_ARGUMENT", "3"},
    {"DEADLINE_EXCEEDED", "4"},
    {"NOT_FOUND", "5"},
    {"ALREADY_EXISTS", "6"},
    {"PERMISSION_DENIED", "7"},
    {"RESOURCE_EXHAUSTED", "8"},
    {"FAILED_PRECONDITION", "9"},
    {"ABORTED", "10"},
    {"OUT_OF_RANGE", "11"},
    {"UNIMPLEMENTED", "12"},
    {"INTERNAL", "13"},
    {"UNAVAILABLE", "14"},
    {"DATA_LOSS", "15"},
    {"UNAUTHENTICATED", "16"},
}};

const CodeText& text_of(StatusCode code) {
  const auto index = static_cast<size_t>(code);
  return kCodes[index < kCodes.size() ? index : static_cast<size_t>(StatusCode::kUnknown)];
}

}  // namespace

std::string_view status_code_name(StatusCode code) {
  return text_of(code).name;
}

std::string_view encode_grpc_status(StatusCode code) {
  return text_of(code).number;
}

StatusCode parse_grpc_status_slow(std::string_view value) {
  if (value.empty() || value.size() > 2) return StatusCode::kUnknown;
  unsigned number = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return StatusCode::kUnknown;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return number < kStatusCodeCount ? static_cast<StatusCode>(number) : StatusCode::kUnknown;
}

}  // namespace saker::grpc

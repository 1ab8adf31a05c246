// Status names and the grpc-status parser: every code both ways, and everything that is no code.
// The names are those of gRPC statuscodes.md.
#include "saker/grpc/status.h"

#include <gtest/gtest.h>

namespace saker::grpc {
namespace {

TEST(Status, DefaultIsOk) {
  EXPECT_TRUE(Status{}.ok());
  EXPECT_FALSE((Status{.code = StatusCode::kInternal, .message = "x", .details_bin = ""}.ok()));
}

TEST(Status, EveryCodeRoundTrips) {
  for (size_t i = 0; i < kStatusCodeCount; ++i) {
    const auto code = static_cast<StatusCode>(i);
    EXPECT_EQ(encode_grpc_status(code), std::to_string(i));
    EXPECT_EQ(parse_grpc_status(std::to_string(i)), code);
  }
}

TEST(Status, Names) {
  EXPECT_EQ(status_code_name(StatusCode::kOk), "OK");
  EXPECT_EQ(status_code_name(StatusCode::kCancelled), "CANCELLED");
  EXPECT_EQ(status_code_name(StatusCode::kDeadlineExceeded), "DEADLINE_EXCEEDED");
  EXPECT_EQ(status_code_name(StatusCode::kUnauthenticated), "UNAUTHENTICATED");
  EXPECT_EQ(status_code_name(static_cast<StatusCode>(17)), "UNKNOWN");
  EXPECT_EQ(encode_grpc_status(static_cast<StatusCode>(255)), "2");
}

TEST(Status, WhatIsNoCodeIsUnknown) {
  for (const char* value :
       {"", "17", "99", "100", "000", "-1", "+1", " 0", "0 ", "1x", "OK", "4294967296"}) {
    EXPECT_EQ(parse_grpc_status(value), StatusCode::kUnknown) << '"' << value << '"';
  }
  EXPECT_EQ(parse_grpc_status("05"), StatusCode::kNotFound);  // 1*DIGIT
}

}  // namespace
}  // namespace saker::grpc

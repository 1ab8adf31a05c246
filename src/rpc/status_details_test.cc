#include "saker/rpc/status_details.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace saker::rpc {
namespace {

using grpc::StatusCode;

TEST(StatusDetails, MadeOnesParseAsGoogleRpcStatus) {
  google::rpc::ErrorInfo info;
  info.set_reason("NO_SUCH_KEY");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(3);
  const grpc::Status status = make_status(StatusCode::kNotFound, "no \xC3\xA4", {&info, &retry});
  EXPECT_EQ(status.code, StatusCode::kNotFound);
  EXPECT_EQ(status.message, "no \xC3\xA4");
  google::rpc::Status parsed;
  ASSERT_TRUE(parse_details(status, parsed));
  EXPECT_EQ(parsed.code(), 5);
  EXPECT_EQ(parsed.message(), "no \xC3\xA4");
  ASSERT_EQ(parsed.details_size(), 2);
  EXPECT_EQ(parsed.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
  google::rpc::RetryInfo second;
  ASSERT_TRUE(parsed.details(1).UnpackTo(&second));
  EXPECT_EQ(second.retry_delay().seconds(), 3);
}

TEST(StatusDetails, FromAGoogleRpcStatus) {
  google::rpc::Status rich;
  rich.set_code(9);
  rich.set_message("not yet");
  rich.add_details()->PackFrom(google::rpc::Help());
  const grpc::Status status = status_from(rich);
  EXPECT_EQ(status.code, StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message, "not yet");
  EXPECT_EQ(status.details_bin, rich.SerializeAsString());
  rich.set_code(17);
  EXPECT_EQ(status_from(rich).code, StatusCode::kUnknown);
  rich.set_code(-1);
  EXPECT_EQ(status_from(rich).code, StatusCode::kUnknown);
}

TEST(StatusDetails, NoneAndBrokenOnes) {
  google::rpc::Status parsed;
  EXPECT_FALSE(parse_details({StatusCode::kInternal, "x", {}}, parsed));
  EXPECT_FALSE(parse_details({StatusCode::kInternal, "x", "\xFF\xFF"}, parsed));
}

}  // namespace
}  // namespace saker::rpc

#include "redaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace saker::app {
namespace {

using ::testing::ElementsAre;

TEST(Redaction, KnowsSecretNames) {
  for (const char* name : {"authorization", "proxy-authorization", "x-api-key", "cookie",
                           "x-auth-token-bin", "client_secret", "db.password", "token"}) {
    EXPECT_TRUE(is_secret_name(name)) << name;
  }
  for (const char* name : {"author", "x-tenant", "monkey", "x-key-id", "", "-bin", "tokens"}) {
    EXPECT_FALSE(is_secret_name(name)) << name;
  }
}

TEST(Redaction, ShowsMetadataAsItIsGiven) {
  grpc::Metadata metadata;
  EXPECT_EQ(metadata.add("x-tenant", "a b"), grpc::AddResult::kOk);
  EXPECT_EQ(metadata.add("authorization", "Bearer abc"), grpc::AddResult::kOk);
  EXPECT_EQ(metadata.add("x-raw-bin", std::string_view("\0\1", 2)), grpc::AddResult::kOk);
  EXPECT_THAT(shown_headers(metadata),
              ElementsAre("x-tenant: a b", "authorization: ...", "x-raw-bin: AAE="));
}

TEST(Redaction, LeavesNoSecretInArguments) {
  std::vector<std::string> arguments = {"saker",
                                        "-H",
                                        "authorization: Bearer a:b",
                                        "--header",
                                        "x-api-key:abc",
                                        "-Hcookie: x",
                                        "--header=token: y",
                                        "-H",
                                        "x-tenant: 7",
                                        "-d",
                                        "token: \"kept\"",
                                        "-H",
                                        "-H",
                                        "authorization"};
  redact_headers(arguments);
  EXPECT_THAT(arguments,
              ElementsAre("saker", "-H", "authorization: ...", "--header", "x-api-key: ...",
                          "-Hcookie: ...", "--header=token: ...", "-H", "x-tenant: 7", "-d",
                          "token: \"kept\"", "-H", "-H", "authorization"));
}

}  // namespace
}  // namespace saker::app

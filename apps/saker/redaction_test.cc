#include "redaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace saker::app {
namespace {

using ::testing::ElementsAre;

TEST(Redaction, KnowsSecretNames) {
  for (const char* name : {"authorization",   "Authorization", "proxy-authorization",
                           "x-api-key",       "x-api-key-v2",  "x-apikey",
                           "cookie",          "cookies",       "x-auth-token-bin",
                           "x-auth",          "client_secret", "x-secretid",
                           "db.password",     "passwd",        "token",
                           "tokens",          "my-tokenized",  "session-id",
                           "aws-credentials", "jwt-bin",       "key",
                           "key-bin"}) {
    EXPECT_TRUE(is_secret_name(name)) << name;
  }
  for (const char* name : {"author", "x-tenant", "monkey", "", "-bin", "-", "traceparent"}) {
    EXPECT_FALSE(is_secret_name(name)) << name;
  }
}

TEST(Redaction, ShowsMetadataAsItIsGiven) {
  grpc::Metadata metadata;
  EXPECT_EQ(metadata.add("x-tenant", "a b"), grpc::AddResult::kOk);
  EXPECT_EQ(metadata.add("authorization", "Bearer abc"), grpc::AddResult::kOk);
  EXPECT_EQ(metadata.add("x-raw-bin", std::string_view("\0\1", 2)), grpc::AddResult::kOk);
  EXPECT_THAT(shown_headers(metadata),
              ElementsAre("x-tenant: a b", "authorization: ...", "x-raw-bin: AAE"));
}

TEST(Redaction, ShowsMistakesWithoutSecrets) {
  EXPECT_EQ(shown_header("no-colon"), "no-colon");
  EXPECT_EQ(shown_header("authorization Bearer abc"), "...");
  EXPECT_EQ(shown_header("Authorization:Bearer abc"), "Authorization: ...");
  EXPECT_EQ(shown_header("x-tenant:7"), "x-tenant:7");
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
                                        "--headers=token: kept",
                                        "-H",
                                        "-H",
                                        "-H",
                                        "authorization: x",
                                        "--header"};
  redact(arguments);
  EXPECT_THAT(arguments,
              ElementsAre("saker", "-H", "authorization: ...", "--header", "x-api-key: ...",
                          "-Hcookie: ...", "--header=token: ...", "-H", "x-tenant: 7", "-d",
                          "token: \"kept\"", "--headers=token: kept", "-H", "-H", "-H",
                          "authorization: ...", "--header"));
}

}  // namespace
}  // namespace saker::app

#include "redaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <sstream>

namespace saker::app {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

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
}

TEST(Redaction, KnowsSecretNamesInOtherForms) {
  for (const std::string& name :
       words("x-api-keys x-apikeys x-apikey2 key1 x-keys-2 apiKey x-accesskey x-signing-key "
             "x-licensekeys monkey x-oauth x-oauth2 x-oauth-x xauth auth2 authz x-authn "
             "x-authenticated-user authorisation authors-auth x-author-authz bearer x-bearers "
             "id.jwt jwts passphrase passcode pass userpwd pin pins pin-2 otp totp connect.sid "
             "phpsessid x-amz-signature signatures-bin sig sigs1 x-hub-hmac-256 x-csrf xsrf "
             "creds")) {
    EXPECT_TRUE(is_secret_name(name)) << name;
  }
  EXPECT_TRUE(is_secret_name("x cred x"));
}

TEST(Redaction, KnowsNamesThatAreNone) {
  for (const std::string& name :
       words("author authors x-coauthor :authority authority-id x-tenant -bin - traceparent "
             "tracestate keyboard-layout x-keyword x-keyed ping x-pinned spin inside sides "
             "x-passenger bypass x-request-id user-agent content-type grpc-timeout x-design "
             "x-b3-traceid x-forwarded-for 42 x-sign-2")) {
    EXPECT_FALSE(is_secret_name(name)) << name;
  }
  EXPECT_FALSE(is_secret_name(""));
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
  EXPECT_EQ(shown_header("x-api-key abc"), "...");
  EXPECT_EQ(shown_header("x-api-key=abc"), "...");
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

#include "names.h"

#include <gtest/gtest.h>

namespace saker::codegen {
namespace {

TEST(SnakeCase, Table) {
  const struct {
    const char* name;
    const char* expected;
  } kCases[] = {
      {"Echo", "echo"},
      {"EchoStream", "echo_stream"},
      {"echo", "echo"},
      {"already_snake", "already_snake"},
      {"Mixed_Case", "mixed_case"},
      {"GetHTTPStatus", "get_http_status"},
      {"HTTPGet", "http_get"},
      {"GetURL", "get_url"},
      {"getUrl", "get_url"},
      {"GetURLs", "get_ur_ls"},
      {"Get2FA", "get2_fa"},
      {"SHA256Sum", "sha256_sum"},
      {"A", "a"},
      {"AB", "ab"},
      {"ABc", "a_bc"},
      {"_Private", "_private"},
      {"", ""},
  };
  for (const auto& [name, expected] : kCases) EXPECT_EQ(snake_case(name), expected);
}

TEST(Reserved, KeywordsAndMacros) {
  for (const char* name : {"alignas", "delete", "co_await", "xor_eq", "while", "requires", "errno",
                           "assert", "stdout", "major", "xor", "not"}) {
    EXPECT_TRUE(is_reserved(name)) << name;
  }
  for (const char* name :
       {"echo", "Delete", "delet", "deletes", "", "zebra", "override", "final"}) {
    EXPECT_FALSE(is_reserved(name)) << name;
  }
}

TEST(Reserved, AMacroIsNoKeyword) {
  EXPECT_TRUE(is_keyword("delete"));
  EXPECT_FALSE(is_keyword("errno"));
}

TEST(Scope, HandsEachNameOutOnce) {
  Scope scope;
  scope.reserve("mine");
  EXPECT_EQ(scope.take("echo"), "echo");
  EXPECT_EQ(scope.take("echo"), "echo_");
  EXPECT_EQ(scope.take("echo"), "echo__");
  EXPECT_EQ(scope.take("delete"), "delete_");
  EXPECT_EQ(scope.take("delete"), "delete__");
  EXPECT_EQ(scope.take("mine"), "mine_");
}

}  // namespace
}  // namespace saker::codegen

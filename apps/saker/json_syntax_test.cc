#include "json_syntax.h"

#include <gtest/gtest.h>

namespace saker::app {
namespace {

TEST(JsonSyntax, GoodDocuments) {
  for (const char* text : {"{}", "[]", "1", "\"x\"", "null", R"({"a":[1,{"b":"\u00e4"}]})"}) {
    EXPECT_FALSE(find_json_error(text)) << text;
  }
}

TEST(JsonSyntax, SaysWhereItStopsBeingJson) {
  const struct {
    const char* text;
    size_t offset;
    const char* what;
  } cases[] = {
      {R"({"a" 1})", 5, "expected ':'"},
      {"{\"a\":\n x}", 7, "invalid literal"},
      {R"({"a":1)", 6, "unexpected end of input"},
      {"}", 0, "unexpected '}'"},
      {R"({"a":1,})", 7, "expected string literal"},
      {"", 0, "unexpected end of input"},
      {R"({"a":1e999})", 9, "number overflow"},
  };
  for (const auto& one : cases) {
    const auto error = find_json_error(one.text);
    ASSERT_TRUE(error) << one.text;
    EXPECT_EQ(error->offset, one.offset) << one.text;
    EXPECT_NE(error->what.find(one.what), std::string::npos) << error->what;
    EXPECT_EQ(error->what.find("json.exception"), std::string::npos) << error->what;
  }
}

}  // namespace
}  // namespace saker::app

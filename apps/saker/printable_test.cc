#include "printable.h"

#include <gtest/gtest.h>

namespace saker::app {
namespace {

TEST(Printable, LeavesTextAlone) {
  for (const char* text :
       {"", "no such key \"a\\b\"", "two\nlines\tand a tab", "Größe, 密钥, 🔑"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, ShowsWhatATerminalWouldDo) {
  EXPECT_EQ(printable("\x1b[2Jgone\a\r"), "\\x1b[2Jgone\\x07\\x0d");
  EXPECT_EQ(printable(std::string_view("a\0b\x7f", 4)), "a\\x00b\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");  // CSI as U+009B
  EXPECT_EQ(printable("\x9b"
                      "31m\xff\xc3"),
            "\\x9b31m\\xff\\xc3");  // as a byte; no UTF-8
}

TEST(Printable, KnowsUtf8) {
  for (const char* text : {"", "a", "/tmp/\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x99\x82\n"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  for (const char* text : {"\x80", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80"}) {
    EXPECT_FALSE(is_utf8(text)) << printable(text);
  }
}

}  // namespace
}  // namespace saker::app

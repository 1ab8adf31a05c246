#include "message_splitter.h"

#include <gtest/gtest.h>

#include <vector>

namespace saker::app {
namespace {

// All messages of an input that arrives in pieces of `piece` bytes.
std::vector<std::string> split(DataFormat format, std::string_view input, size_t piece,
                               bool delimited = true) {
  MessageSplitter splitter(format, delimited);
  std::vector<std::string> messages;
  const auto take = [&] {
    for (;;) {
      auto message = splitter.next();
      if (!message) {
        messages.push_back("error: " + message.error().message);
        return false;
      }
      if (!*message) return true;
      messages.push_back((*message)->text);
    }
  };
  for (size_t at = 0; at < input.size(); at += piece) {
    splitter.feed(input.substr(at, piece));
    if (!take()) return messages;
  }
  splitter.finish();
  take();
  return messages;
}

using Messages = std::vector<std::string>;

void expect_split(DataFormat format, std::string_view input, const Messages& messages) {
  for (size_t piece = 1; piece <= input.size() + 1; ++piece) {
    EXPECT_EQ(split(format, input, piece), messages) << input << " in pieces of " << piece;
  }
}

TEST(MessageSplitter, JsonDocumentsOneAfterTheOther) {
  expect_split(DataFormat::kJson, "", {});
  expect_split(DataFormat::kJson, " \n\t\r ", {});
  expect_split(DataFormat::kJson, "{}", {"{}"});
  expect_split(DataFormat::kJson, "{}{}\n[1,[2]] {\"a\":{\"b\":[]}}",
               {"{}", "{}", "[1,[2]]", "{\"a\":{\"b\":[]}}"});
}

TEST(MessageSplitter, BracketsInStringsCountForNothing) {
  expect_split(DataFormat::kJson, R"({"a":"}{][\"}"}{"\\":"\\"})",
               {R"({"a":"}{][\"}"})", R"({"\\":"\\"})"});
}

TEST(MessageSplitter, ScalarsAreDocumentsToo) {
  expect_split(DataFormat::kJson, "\"a b\" 12 true\nnull\"x\"-1{}",
               {"\"a b\"", "12", "true", "null", "\"x\"", "-1", "{}"});
}

TEST(MessageSplitter, WhatIsLeftAtTheEndIsAMessage) {
  expect_split(DataFormat::kJson, "{} {\"a\": ", {"{}", "{\"a\": "});
  expect_split(DataFormat::kJson, "{}}", {"{}", "}"});
  expect_split(DataFormat::kJson, "\"abc", {"\"abc"});
}

TEST(MessageSplitter, SaysWhereEachBegins) {
  MessageSplitter splitter(DataFormat::kJson);
  splitter.feed("{}\n\n  {\n}  {}");
  EXPECT_EQ((*splitter.next())->position.line, 1u);
  const auto second = *splitter.next();
  EXPECT_EQ(second->position.line, 3u);
  EXPECT_EQ(second->position.column, 3u);
  const auto third = *splitter.next();
  EXPECT_EQ(third->position.line, 4u);
  EXPECT_EQ(third->position.column, 4u);
}

TEST(MessageSplitter, TextIsSeparatedByRs) {
  expect_split(DataFormat::kText,
               "a: 1\x1E"
               "b: 2\n",
               {"a: 1", "b: 2\n"});
  expect_split(DataFormat::kText, "a: 1\x1E\x1E", {"a: 1", ""});
  expect_split(DataFormat::kText, " \n", {});
}

TEST(MessageSplitter, BinaryMessagesFollowTheirLength) {
  expect_split(DataFormat::kBinary,
               std::string_view("\x02"
                                "ab\0\x01"
                                "c",
                                6),
               {"ab", "", "c"});
  const std::string large(300, 'x');
  expect_split(DataFormat::kBinary, "\xAC\x02" + large, {large});
  expect_split(DataFormat::kBinary,
               "\x03"
               "ab",
               {"error: the input ends inside a message"});
  expect_split(DataFormat::kBinary, "\x80", {"error: the input ends inside a message's length"});
}

TEST(MessageSplitter, AMessageMayBeOnlySoLarge) {
  EXPECT_EQ(split(DataFormat::kBinary, "\xFF\xFF\xFF\xFF\x7F", 1),
            Messages{"error: a message is more than 1GiB"});
  EXPECT_EQ(split(DataFormat::kBinary, "\xFF\xFF\xFF\xFF\xFF", 1),
            Messages{"error: a message is more than 1GiB"});
}

TEST(MessageSplitter, WithoutLengthsItIsAllOneMessage) {
  EXPECT_EQ(split(DataFormat::kBinary,
                  "\x05"
                  "ab",
                  1, false),
            Messages{"\x05"
                     "ab"});
  EXPECT_EQ(split(DataFormat::kBinary, "", 1, false), Messages{});
}

}  // namespace
}  // namespace saker::app

#include "log_line.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace saker::app {
namespace {

using Json = nlohmann::json;

std::string whole_line(const LogLine& line, LogFormat format) {
  LogLinePrefix prefix(format);
  std::string text(prefix.at(0, LogLevel::kInfo));
  text += line.members();
  return text += prefix.end();
}

TEST(LogLinePrefix, WritesTimesInUtcWithNanoseconds) {
  struct Case {
    int64_t wall_ns;
    const char* time;
  };
  constexpr Case kCases[] = {
      {0, "1970-01-01T00:00:00.000000000Z"},
      {1, "1970-01-01T00:00:00.000000001Z"},
      {-1, "1969-12-31T23:59:59.999999999Z"},
      {-1'000'000'000, "1969-12-31T23:59:59.000000000Z"},
      {951'782'399'123'456'789, "2000-02-28T23:59:59.123456789Z"},
      {951'782'400'000'000'000, "2000-02-29T00:00:00.000000000Z"},
      {1'735'787'045'000'000'006, "2025-01-02T03:04:05.000000006Z"},
      {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
  };
  LogLinePrefix text(LogFormat::kText);
  LogLinePrefix json(LogFormat::kJson);
  for (const Case& c : kCases) {
    EXPECT_EQ(text.at(c.wall_ns, LogLevel::kWarning), std::string(c.time) + " warning");
    EXPECT_EQ(json.at(c.wall_ns, LogLevel::kError),
              std::string("{\"time\":\"") + c.time + "\",\"level\":\"error\"");
  }
}

TEST(LogLine, WritesText) {
  LogLine line(LogFormat::kText);
  line.start("two words").add("a", "b").add("n", uint64_t{18446744073709551615u});
  line.add_microseconds("t", 1234567).add_microseconds("u", 5).add_microseconds("z", 0);
  EXPECT_EQ(whole_line(line, LogFormat::kText),
            "1970-01-01T00:00:00.000000000Z info two words a=b n=18446744073709551615 t=1234.567 "
            "u=0.005 z=0.000\n");
}

TEST(LogLine, WritesJson) {
  LogLine line(LogFormat::kJson);
  line.start("ready").add("a", "b").add("n", uint64_t{7}).add_microseconds("t", 1234567);
  EXPECT_EQ(whole_line(line, LogFormat::kJson),
            "{\"time\":\"1970-01-01T00:00:00.000000000Z\",\"level\":\"info\",\"message\":\"ready\","
            "\"a\":\"b\",\"n\":7,\"t\":1234.567}\n");
}

TEST(LogLine, StartForgetsTheLineBefore) {
  LogLine line(LogFormat::kText);
  line.start("one").add("a", "b");
  EXPECT_EQ(line.start("two").members(), " two");
}

TEST(LogLine, QuotesTextThatIsNotAWord) {
  struct Case {
    std::string value;
    const char* written;
  };
  const Case kCases[] = {
      {"", "\"\""},
      {"a b", "\"a b\""},
      {"a=b", "\"a=b\""},
      {"a\"b", R"("a\"b")"},
      {"a\\b", R"("a\\b")"},
      {"a\nb\tc", R"("a\nb\tc")"},
      {"\x1b[2J", R"("\u001b[2J")"},
      {"\x7f", R"("\u007f")"},
      {"ü", "\"ü\""},
      {"\xc2\x9b", R"("\ufffd")"},
      {"/path:1", "/path:1"},
  };
  for (const Case& c : kCases) {
    LogLine line(LogFormat::kText);
    EXPECT_EQ(line.start("m").add("v", c.value).members(), std::string(" m v=") + c.written);
  }
}

// What a peer sends must not end the line or the document.
TEST(LogLine, JsonOfAnyTwoBytesIsOneValidLine) {
  LogLine line(LogFormat::kJson);
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string value = {static_cast<char>(first), static_cast<char>(second)};
      const std::string text = whole_line(line.start(value).add("v", value), LogFormat::kJson);
      ASSERT_EQ(text.find('\n'), text.size() - 1) << first << ' ' << second;
      const Json json = Json::parse(text, nullptr, false);
      ASSERT_FALSE(json.is_discarded()) << first << ' ' << second;
      if (first < 0x80 && second < 0x80) {
        ASSERT_EQ(json["v"], value);
      }
      ASSERT_EQ(json["v"], json["message"]);
    }
  }
}

// Plain text is found eight bytes at a time.
TEST(LogLine, FindsAnyByteAtAnyPlace) {
  LogLine line(LogFormat::kJson);
  for (size_t place = 0; place < 20; ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string value(20, '~');
      value[place] = static_cast<char>(byte);
      const std::string text = whole_line(line.start("m").add("v", value), LogFormat::kJson);
      const Json json = Json::parse(text, nullptr, false);
      ASSERT_FALSE(json.is_discarded()) << place << ' ' << byte;
      const bool is_plain = byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
      const bool as_it_is = text.find("\"v\":\"" + value + "\"}") != std::string::npos;
      ASSERT_EQ(as_it_is, is_plain) << place << ' ' << byte;
    }
  }
}

TEST(LogLine, ReplacesWhatIsNotUtf8) {
  struct Case {
    const char* value;
    const char* read;
  };
  constexpr Case kCases[] = {
      {"\xc3\xbc", "\xc3\xbc"},
      {"\xe2\x82\xac", "€"},
      {"\xf0\x9f\x98\x80", "😀"},
      {"a\xc3", "a\xef\xbf\xbd"},
      {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                                  // overlong
      {"\xe0\x9f\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                  // overlong
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                  // surrogate
      {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},  // > U+10FFFF
      {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xff", "\xef\xbf\xbd"},
  };
  for (const Case& c : kCases) {
    LogLine line(LogFormat::kJson);
    const Json json = Json::parse(whole_line(line.start("m").add("v", c.value), LogFormat::kJson));
    EXPECT_EQ(json["v"], c.read);
  }
}

}  // namespace
}  // namespace saker::app

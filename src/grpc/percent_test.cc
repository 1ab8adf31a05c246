// Percent-encoding of grpc-message: the specification's character classes, the decoder's leniency,
// and every byte both ways. gRPC PROTOCOL-HTTP2.md "Responses".
#include "saker/grpc/percent.h"

#include <gtest/gtest.h>

#include <random>

namespace saker::grpc {
namespace {

std::string encoded(std::string_view message) {
  std::string out = "^";
  append_percent_encoded(message, out);
  return out.substr(1);
}
std::string decoded(std::string_view value) {
  std::string out = "^";
  append_percent_decoded(value, out);
  return out.substr(1);
}

TEST(Percent, Encodes) {
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("my favorite character is %"), "my favorite character is %25");
  EXPECT_EQ(encoded("\t\r\n\x7f"), "%09%0D%0A%7F");
  EXPECT_EQ(encoded("☺"), "%E2%98%BA");
  EXPECT_EQ(encoded(std::string_view("a\0b", 3)), "a%00b");
  EXPECT_EQ(encoded("!~$&/=?\""), "!~$&/=?\"");
}

TEST(Percent, EncodesSpacesAtTheEnds) {
  EXPECT_EQ(encoded(" a b "), "%20a b%20");
  EXPECT_EQ(encoded(" "), "%20");
  EXPECT_EQ(encoded("  "), "%20%20");
  EXPECT_EQ(encoded("%  "), "%25 %20");
}

TEST(Percent, CleanSaysWhetherEncodingChangesAnything) {
  for (const char* message : {"", "plain text", "a", " a", "a ", "50%", "☺", "\n"}) {
    EXPECT_EQ(is_percent_clean(message), encoded(message) == message) << message;
  }
}

TEST(Percent, DecodesEitherCase) {
  EXPECT_EQ(decoded("%e2%98%ba%E2%98%BA"), "☺☺");
  EXPECT_EQ(decoded("%25"), "%");
  EXPECT_EQ(decoded("%2525"), "%25");
}

TEST(Percent, BrokenPercentStays) {
  for (const char* value : {"%", "%%", "%a", "%zz", "a%2", "%2g", "%g2", "100% sure", "% 20"}) {
    EXPECT_EQ(decoded(value), value);
  }
  EXPECT_EQ(decoded("%%41"), "%A");
  EXPECT_EQ(decoded("%4%41"), "%4A");
  EXPECT_EQ(decoded("%41%"), "A%");
}

TEST(Percent, AnyBytesRoundTrip) {
  std::mt19937 random(1);
  for (int i = 0; i < 5000; ++i) {
    std::string message(random() % 20, '\0');
    for (char& c : message)
      c = static_cast<char>(random() % 3 == 0 ? " %aA"[random() % 4] : random());
    const std::string value = encoded(message);
    for (const char c : value) ASSERT_TRUE(c >= 0x20 && c <= 0x7e);
    ASSERT_EQ(decoded(value), message);
  }
}

}  // namespace
}  // namespace saker::grpc

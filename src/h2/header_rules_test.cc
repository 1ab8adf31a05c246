#include "saker/h2/header_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace saker::h2 {
namespace {

using hpack::Field;
using Pair = std::pair<std::string_view, std::string_view>;
using Pairs = std::vector<Pair>;

// Fields as the decoder delivers them.
std::vector<Field> fields_of(const Pairs& pairs) {
  std::vector<Field> fields;
  for (const auto& [name, value] : pairs) {
    fields.push_back({.name = name,
                      .value = value,
                      .token = hpack::token_of(name),
                      .legal = hpack::is_legal_name(name) && hpack::is_legal_value(value)});
  }
  return fields;
}

std::string wrong_with(const HeadFacts& facts) {
  return facts.malformed == nullptr ? "" : facts.malformed;
}

const Pairs kHead = {{":method", "POST"}, {":scheme", "https"}, {":path", "/S/M"}};

Pairs with(Pairs head, const Pairs& more) {
  head.insert(head.end(), more.begin(), more.end());
  return head;
}

TEST(HeaderRules, WellFormedRequests) {
  const Pairs kGood[] = {
      kHead,
      {{":path", "/S/M"}, {":authority", "host:1"}, {":scheme", "http"}, {":method", "POST"}},
      with(kHead, {{"te", "trailers"}, {"content-type", "application/grpc"}}),
      with(kHead, {{"te", "Trailers"}}),
      with(kHead, {{"content-length", "0"}}),
      with(kHead, {{"content-length", "7"}, {"content-length", "7"}}),
      with(kHead, {{"cookie", "a=b"}, {"cookie", "c=d"}, {"host", "x"}, {"x-empty", ""}}),
      {{":method", "OPTIONS"}, {":scheme", "http"}, {":path", "*"}},
  };
  for (const Pairs& good : kGood) EXPECT_EQ(wrong_with(check_request(fields_of(good))), "");
}

// One row a rule; the section is RFC 9113's.
TEST(HeaderRules, MalformedRequests) {
  const std::string kIllegal = "illegal character in a header field";
  const std::string kLacks = "a request lacks :method, :scheme or :path";
  const std::string kConnection = "connection-specific header field";
  const std::string kUnexpected = "unexpected pseudo-header field";
  const std::string kTwice = "pseudo-header field twice";
  const std::string kLate = "pseudo-header field after a regular one";
  const std::string kLength = "content-length is not a number";
  using namespace std::string_view_literals;
  struct {
    const char* section;
    Pairs fields;
    std::string why;
  } const kRows[] = {
      {"8.2.1 upper case", with(kHead, {{"X-Custom", "1"}}), kIllegal},
      {"8.2.1 empty name", with(kHead, {{"", "1"}}), kIllegal},
      {"8.2.1 control in a name", with(kHead, {{"x\x01y", "1"}}), kIllegal},
      {"8.2.1 space in a name", with(kHead, {{"x y", "1"}}), kIllegal},
      {"8.2.1 0x7f in a name", with(kHead, {{"x\x7f", "1"}}), kIllegal},
      {"8.2.1 colon in a name", with(kHead, {{"x:y", "1"}}), kIllegal},
      {"8.2.1 NUL in a value", with(kHead, {{"x", "a\0b"sv}}), kIllegal},
      {"8.2.1 LF in a value", with(kHead, {{"x", "a\nb"}}), kIllegal},
      {"8.2.1 CR in a value", with(kHead, {{"x", "a\rb"}}), kIllegal},
      {"8.2.1 leading space", with(kHead, {{"x", " a"}}), kIllegal},
      {"8.2.1 trailing tab", with(kHead, {{"x", "a\t"}}), kIllegal},
      {"8.2.2", with(kHead, {{"connection", "close"}}), kConnection},
      {"8.2.2", with(kHead, {{"keep-alive", "1"}}), kConnection},
      {"8.2.2", with(kHead, {{"proxy-connection", "close"}}), kConnection},
      {"8.2.2", with(kHead, {{"transfer-encoding", "chunked"}}), kConnection},
      {"8.2.2", with(kHead, {{"upgrade", "h2c"}}), kConnection},
      {"8.2.2 te", with(kHead, {{"te", "gzip"}}), "te is not \"trailers\""},
      {"8.2.2 te", with(kHead, {{"te", "trailer"}}), "te is not \"trailers\""},
      {"8.2.2 te", with(kHead, {{"te", "trailers, gzip"}}), "te is not \"trailers\""},
      {"8.2.2 te", with(kHead, {{"te", ""}}), "te is not \"trailers\""},
      {"8.3 unknown", with(kHead, {{":custom", "1"}}), kUnexpected},
      {"8.3 of responses", with(kHead, {{":status", "200"}}), kUnexpected},
      {"8.3 RFC 8441, not offered", with(kHead, {{":protocol", "websocket"}}), kUnexpected},
      {"8.3 after regular", with({{"te", "trailers"}}, kHead), kLate},
      {"8.3 after regular", with({{"x", "1"}}, kHead), kLate},
      {"8.3 twice", with(kHead, {{":path", "/S/M"}}), kTwice},
      {"8.3 twice", with(kHead, {{":method", "POST"}}), kTwice},
      {"8.3 twice", with(kHead, {{":scheme", "https"}}), kTwice},
      {"8.3 twice", with(kHead, {{":authority", "a"}, {":authority", "a"}}), kTwice},
      {"8.3.1", {}, kLacks},
      {"8.3.1", {{":scheme", "http"}, {":path", "/"}}, kLacks},
      {"8.3.1", {{":method", "POST"}, {":path", "/"}}, kLacks},
      {"8.3.1", {{":method", "POST"}, {":scheme", "http"}}, kLacks},
      {"8.3.1", {{":method", "POST"}, {":scheme", "http"}, {":path", ""}}, ":path is empty"},
      {"8.5 CONNECT, not offered", {{":method", "CONNECT"}, {":authority", "a"}}, kLacks},
      {"8.1.1", with(kHead, {{"content-length", ""}}), kLength},
      {"8.1.1", with(kHead, {{"content-length", "-1"}}), kLength},
      {"8.1.1", with(kHead, {{"content-length", "+1"}}), kLength},
      {"8.1.1", with(kHead, {{"content-length", "1x"}}), kLength},
      {"8.1.1", with(kHead, {{"content-length", "0x10"}}), kLength},
      {"8.1.1", with(kHead, {{"content-length", "1, 1"}}), kLength},
      {"8.1.1 too long", with(kHead, {{"content-length", "1000000000000000000"}}), kLength},
      {"8.1.1", with(kHead, {{"content-length", "1"}, {"content-length", "2"}}),
       "content-length fields contradict each other"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(wrong_with(check_request(fields_of(row.fields))), row.why) << row.section;
  }
}

TEST(HeaderRules, ContentLengthIsReported) {
  EXPECT_EQ(check_request(fields_of(kHead)).content_length, -1);
  const auto fields = fields_of(with(kHead, {{"content-length", "999999999999999999"}}));
  EXPECT_EQ(check_request(fields).content_length, 999999999999999999);
}

TEST(HeaderRules, Responses) {
  struct {
    Pairs fields;
    int status;
    std::string why;
  } const kRows[] = {
      {{{":status", "200"}}, 200, ""},
      {{{":status", "100"}}, 100, ""},
      {{{":status", "999"}, {"content-type", "application/grpc"}}, 999, ""},
      {{}, 0, "a response lacks :status"},
      {{{"content-type", "application/grpc"}}, 0, "a response lacks :status"},
      {{{":status", "099"}}, 0, ":status is not a three-digit number"},
      {{{":status", "20"}}, 0, ":status is not a three-digit number"},
      {{{":status", "2000"}}, 0, ":status is not a three-digit number"},
      {{{":status", "2x0"}}, 0, ":status is not a three-digit number"},
      {{{":status", "+20"}}, 0, ":status is not a three-digit number"},
      {{{":status", ""}}, 0, ":status is not a three-digit number"},
      {{{":status", "101"}}, 0, ":status is not a three-digit number"},
      {{{":status", "200"}, {":status", "200"}}, 200, "pseudo-header field twice"},
      {{{":status", "200"}, {":path", "/"}}, 200, "unexpected pseudo-header field"},
      {{{"x", "1"}, {":status", "200"}}, 200, "pseudo-header field after a regular one"},
      {{{":status", "200"}, {"connection", "close"}}, 200, "connection-specific header field"},
  };
  for (const auto& row : kRows) {
    const HeadFacts facts = check_response(fields_of(row.fields));
    EXPECT_EQ(wrong_with(facts), row.why);
    EXPECT_EQ(facts.status, row.status);
  }
}

TEST(HeaderRules, Trailers) {
  EXPECT_EQ(wrong_with(check_trailers({})), "");
  EXPECT_EQ(wrong_with(check_trailers(fields_of({{"grpc-status", "0"}, {"x-bin", "AA"}}))), "");
  EXPECT_EQ(wrong_with(check_trailers(fields_of({{":status", "200"}}))),
            "unexpected pseudo-header field");
  EXPECT_EQ(wrong_with(check_trailers(fields_of({{"grpc-status", "0"}, {":path", "/"}}))),
            "pseudo-header field after a regular one");
  EXPECT_EQ(wrong_with(check_trailers(fields_of({{"Grpc-Status", "0"}}))),
            "illegal character in a header field");
  EXPECT_EQ(wrong_with(check_trailers(fields_of({{"upgrade", "x"}}))),
            "connection-specific header field");
}

// Whatever else they are, no status message is worth a call's status.
TEST(HeaderRules, StatusMessagesMayBeginAndEndWithSpaces) {
  for (const char* message : {" a", "a ", "  a b  ", " ", "   "}) {
    EXPECT_EQ(wrong_with(check_trailers(fields_of({{"grpc-message", message}}))), "") << message;
    EXPECT_EQ(wrong_with(check_trailers(fields_of({{"x", message}}))),
              "illegal character in a header field");
  }
  for (const char* message : {"\ta", "a\n", " \r ", "a\t "}) {
    EXPECT_EQ(wrong_with(check_trailers(fields_of({{"grpc-message", message}}))),
              "illegal character in a header field");
  }
}

}  // namespace
}  // namespace saker::h2

#include "http_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace saker::app {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\n";

struct Outcome {
  bool done = false;
  std::string body;
  std::string error;
};

// What comes of `bytes` in pieces of that size, and then the end.
Outcome read(std::string_view bytes, size_t piece) {
  HttpAnswer answer;
  Result<void> went;
  for (size_t at = 0; at < bytes.size() && went; at += piece)
    went = answer.add(bytes.substr(at, piece));
  if (went) went = answer.end();
  if (!went) return {.done = answer.done(), .body = {}, .error = went.error().message};
  return {.done = answer.done(), .body = answer.body(), .error = {}};
}

void expect_body(const std::string& bytes, std::string_view body) {
  for (const size_t piece : {size_t{1}, size_t{3}, bytes.size()}) {
    const Outcome outcome = read(bytes, piece);
    EXPECT_EQ(outcome.error, "") << bytes;
    EXPECT_TRUE(outcome.done);
    EXPECT_EQ(outcome.body, body);
  }
}

void expect_error(const std::string& bytes, const std::string& error) {
  for (const size_t piece : {size_t{1}, bytes.size() + 1}) {
    const Outcome outcome = read(bytes, piece);
    EXPECT_FALSE(outcome.done) << bytes.substr(0, 100);
    EXPECT_THAT(outcome.error, HasSubstr(error)) << bytes.substr(0, 100);
  }
}

std::string ok(std::string_view rest) {
  return std::string(kOk).append(rest);
}

TEST(HttpAnswer, TakesContentOfAnyLength) {
  expect_body(ok("Content-Length: 5\r\n\r\nhello"), "hello");
  expect_body(ok("content-length:0\r\n\r\n"), "");
  expect_body(ok("Content-Length: 5 \r\nX: y:z\r\n\r\nhello and more"), "hello");
  expect_body(ok("\r\nuntil the end"), "until the end");
  expect_body(ok("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"),
              "hello world");
  expect_body(ok("Transfer-Encoding: Chunked\r\nContent-Length: 3\r\n\r\nA\r\n0123456789\r\n0\r\n"),
              "0123456789");
  expect_body("HTTP/1.0 200\r\n\r\nx", "x");
  expect_body("HTTP/1.1 100 Continue\r\n\r\n" + ok("Content-Length: 1\r\n\r\nx"), "x");
}

TEST(HttpAnswer, RefusesOtherStatusesAndCodings) {
  expect_error("HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx", "HTTP status 404");
  expect_error("HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n", "HTTP status 301");
  expect_error("HTTP/1.1 101 Switching\r\n\r\n", "HTTP status 101");
  expect_error(ok("Content-Encoding: gzip\r\n\r\nx"), "compressed");
  expect_error(ok("Transfer-Encoding: gzip, chunked\r\n\r\nx"), "transfer coding");
}

TEST(HttpAnswer, RefusesWhatIsNone) {
  expect_error("\x16\x03\x01", "no HTTP/1.1");
  expect_error(std::string(20, '\0'), "no HTTP/1.1");
  expect_error("HTTP/2 200\r\n\r\n", "no HTTP/1.1");
  for (const char* line :
       {"HTTP/1.1 OK", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 -20 x", "HTTP/1."}) {
    expect_error(std::string(line) + "\r\n\r\n", "no HTTP/1.1");
  }
  expect_error(ok("no colon\r\n\r\n"), "without a colon");
  for (const char* length : {"", "-1", "0x5", "1 2", "99999999999999999999999"}) {
    expect_error(ok("Content-Length: " + std::string(length) + "\r\n\r\n"), "Content-Length");
  }
  expect_error(ok("Content-Length: 1\r\nContent-Length: 2\r\n\r\nx"), "Content-Length");
  for (const char* chunk : {"\r\n", "x\r\n", "-1\r\n", "11111111111111111\r\n"}) {
    expect_error(ok("Transfer-Encoding: chunked\r\n\r\n" + std::string(chunk)), "a chunk without");
  }
  expect_error(ok("Transfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n"), "longer than its size");
}

TEST(HttpAnswer, RefusesHalfOfIt) {
  expect_error("", "closed without an answer");
  expect_error("HTTP/1.1 200", "in the middle");
  expect_error(ok("Content-Length: 5\r\n\r\nhell"), "in the middle");
  expect_error(ok("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), "in the middle");
}

// Until it is refused, and never more than the limits.
size_t taken_of(std::string_view begin, const std::string& more) {
  HttpAnswer answer;
  size_t bytes = begin.size();
  auto went = answer.add(begin);
  for (; went && bytes < 3 * HttpAnswer::kMaxBodyBytes; bytes += more.size())
    went = answer.add(more);
  return bytes;
}

TEST(HttpAnswer, EndsWhatDoesNotEnd) {
  constexpr size_t kHead = HttpAnswer::kMaxHeadBytes + 8192;
  constexpr size_t kBody = HttpAnswer::kMaxBodyBytes + 8192 + 1024;
  EXPECT_LT(taken_of(kOk, std::string(4096, 'x')), kHead);
  EXPECT_LT(taken_of(kOk, "X: y\r\n"), kHead);
  EXPECT_LT(taken_of("", "HTTP/1.1 100 Continue\r\n\r\n"), kHead);
  EXPECT_LT(taken_of(ok("\r\n"), std::string(4096, 'x')), kBody);
  const std::string chunk = "1000\r\n" + std::string(4096, 'x') + "\r\n";
  EXPECT_LT(taken_of(ok("Transfer-Encoding: chunked\r\n\r\n"), chunk), kBody + (kBody >> 8));
  EXPECT_LT(taken_of(ok("Transfer-Encoding: chunked\r\n\r\n1;"), std::string(100, 'x')), 4096u);
  const std::string most = std::to_string(HttpAnswer::kMaxBodyBytes);
  EXPECT_EQ(read(ok("Content-Length: " + most + "\r\n\r\n"), 100).error,
            "closed in the middle of its answer");
  const std::string over = std::to_string(HttpAnswer::kMaxBodyBytes + 1);
  expect_error(ok("Content-Length: " + over + "\r\n\r\n"), "more than 16 MiB");
  expect_error(ok("Transfer-Encoding: chunked\r\n\r\n1000001\r\n"), "more than 16 MiB");
}

TEST(HttpAnswer, TakesAsMuchAsItMay) {
  HttpAnswer answer;
  ASSERT_TRUE(answer.add(ok("\r\n")));
  ASSERT_TRUE(answer.add(std::string(HttpAnswer::kMaxBodyBytes, 'x')));
  EXPECT_FALSE(HttpAnswer(answer).add("x"));
  ASSERT_TRUE(answer.end());
  EXPECT_EQ(answer.body().size(), HttpAnswer::kMaxBodyBytes);
}

}  // namespace
}  // namespace saker::app

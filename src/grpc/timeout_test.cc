// grpc-timeout: the grammar at its edges, saturation, and the three promises of encode_timeout over
// many magnitudes: short, never early, at most 0.1 % late. gRPC PROTOCOL-HTTP2.md "Requests".
#include "saker/grpc/timeout.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>

namespace saker::grpc {
namespace {

using namespace std::chrono_literals;

std::string encoded(Duration timeout) {
  char buffer[kMaxTimeoutBytes];
  return {buffer, encode_timeout(timeout, buffer)};
}

TEST(Timeout, ParsesEveryUnit) {
  EXPECT_EQ(parse_timeout("1n"), 1ns);
  EXPECT_EQ(parse_timeout("2u"), 2us);
  EXPECT_EQ(parse_timeout("250m"), 250ms);
  EXPECT_EQ(parse_timeout("10S"), 10s);
  EXPECT_EQ(parse_timeout("5M"), 5min);
  EXPECT_EQ(parse_timeout("7H"), 7h);
  EXPECT_EQ(parse_timeout("0n"), 0ns);
  EXPECT_EQ(parse_timeout("0H"), 0ns);
  EXPECT_EQ(parse_timeout("00000001S"), 1s);
  EXPECT_EQ(parse_timeout("99999999n"), 99999999ns);
  EXPECT_EQ(parse_timeout("99999999M"), Duration(int64_t{99999999} * 60'000'000'000));
}

TEST(Timeout, HoursSaturate) {
  EXPECT_EQ(parse_timeout("99999999H"), Duration::max());
  EXPECT_EQ(parse_timeout("2562047H"), 2562047h);
  EXPECT_EQ(parse_timeout("2562048H"), Duration::max());
}

TEST(Timeout, RefusesEverythingElse) {
  for (const char* value : {"",    "1",   "n",   "S",         "123456789n", "000000001S", "1s",
                            "1h",  "1x",  "-1S", "+1S",       "1.5S",       " 1S",        "1S ",
                            "1 S", "1SS", "1nS", "\xff\x31S", "1/S",        "1:S"}) {
    EXPECT_EQ(parse_timeout(value), std::nullopt) << '"' << value << '"';
  }
  EXPECT_EQ(parse_timeout(std::string_view("1\0", 2)), std::nullopt);
}

TEST(Timeout, EncodesInTheCoarsestPreciseUnit) {
  EXPECT_EQ(encoded(1ns), "1n");
  EXPECT_EQ(encoded(999ns), "999n");
  EXPECT_EQ(encoded(1000ns), "1u");
  EXPECT_EQ(encoded(1001ns), "1001n");
  EXPECT_EQ(encoded(250ms), "250m");
  EXPECT_EQ(encoded(1500ms), "1500m");
  EXPECT_EQ(encoded(10s), "10S");
  EXPECT_EQ(encoded(90s), "90S");
  EXPECT_EQ(encoded(60min), "1H");
  EXPECT_EQ(encoded(999'870'123ns), "999871u");
  EXPECT_EQ(encoded(10s - 1ns), "10000m");
  EXPECT_EQ(encoded(Duration::max()), "2562048H");
}

TEST(Timeout, ZeroAndLessIsExpired) {
  EXPECT_EQ(encoded(0ns), "0n");
  EXPECT_EQ(encoded(-1ns), "0n");
  EXPECT_EQ(encoded(Duration::min()), "0n");
}

TEST(Timeout, EncodedIsShortNeverEarlyAndPrecise) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const auto ns = static_cast<int64_t>(random() >> (1 + random() % 62));
    const std::string text = encoded(Duration(ns));
    ASSERT_LE(text.size(), 8u) << ns;
    const auto parsed = parse_timeout(text);
    ASSERT_TRUE(parsed) << text;
    ASSERT_GE(parsed->count(), ns) << text;
    ASSERT_LE(static_cast<double>(parsed->count() - ns), static_cast<double>(ns) * 0.001) << text;
    ASSERT_EQ(parsed->count() == 0, ns == 0) << text;
  }
}

}  // namespace
}  // namespace saker::grpc

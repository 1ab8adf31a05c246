// Quantities: the grammar at its edges, the words of each refusal, and rounding at every change of
// unit. What format_duration() shows of a flag's value parses back to it.
// The tables are the specification.
#include "saker/base/quantity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <utility>

namespace saker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Quantity, ParsesDurations) {
  const std::pair<const char*, Duration> rows[] = {
      {"0", 0ns},
      {"0s", 0ns},
      {"1ns", 1ns},
      {"7us", 7us},
      {"250ms", 250ms},
      {"10s", 10s},
      {"5m", 5min},
      {"2h", 2h},
      {"1.5s", 1500ms},
      {"0.001ms", 1us},
      {"1.0000000019s", 1s + 1ns},
      {"0.1ns", 0ns},
      {"1m30s", 90s},
      {"2h5m0.5s", 2h + 5min + 500ms},
      {"007s", 7s},
      {"9223372036854775807ns", Duration::max()},
      {"1s1ms1us1ns", 1s + 1ms + 1us + 1ns},
  };
  for (const auto& [text, duration] : rows) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
    EXPECT_EQ(*parsed, duration) << text;
  }
}

TEST(Quantity, RefusesDurationsPrecisely) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "a duration is"},
      {"s", "a duration is"},
      {"-1s", "a duration is"},
      {"+1s", "a duration is"},
      {" 1s", "a duration is"},
      {".5s", "a duration is"},
      {"1.s", "a duration is"},
      {"10", "unit is missing"},
      {"1.5", "unit is missing"},
      {"1m30", "unit is missing"},
      {"1x", "unknown unit 'x'"},
      {"1S", "unknown unit 'S'"},
      {"1 s", "unknown unit ' s'"},
      {"1s ", "unknown unit 's '"},
      {"1s,", "unknown unit 's,'"},
      {"1d", "unknown unit 'd'"},
      {"1e3s", "unknown unit 'e'"},
      {"30s1m", "large to small"},
      {"1s1s", "large to small"},
      {"9223372036854775808ns", "too long"},
      {"2562048h", "too long"},
      {"18446744073709551616s", "too long"},
      {"99999999999999999999h", "too long"},
      {"100000000000000000000ns", "too many digits"},
      {"1.0000000000000000000s", "too many digits"},
      {"1.2.3s", "unit is missing"},
  };
  for (const auto& [text, why] : rows) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr(why));
    EXPECT_THAT(parsed.error().message, HasSubstr("'" + std::string(text) + "'"));
  }
}

TEST(Quantity, RefusesInOneLine) {
  EXPECT_THAT(parse_duration("1\n2\x1b").error().message, HasSubstr("'1?2?': unknown unit"));
  EXPECT_THAT(parse_size("4\tKiB\r").error().message, HasSubstr("'4?KiB?': unknown unit"));
}

TEST(Quantity, ParsesSizes) {
  const std::pair<const char*, uint64_t> rows[] = {
      {"0", 0},
      {"16", 16},
      {"16B", 16},
      {"4KiB", 4096},
      {"1MiB", 1 << 20},
      {"3GiB", 3ull << 30},
      {"1TiB", 1ull << 40},
      {"1KB", 1000},
      {"1kB", 1000},
      {"2MB", 2'000'000},
      {"1GB", 1'000'000'000},
      {"1TB", 1'000'000'000'000},
      {"1.5KiB", 1536},
      {"0.5MB", 500'000},
      {"1.0", 1},
      {"18446744073709551615", UINT64_MAX},
      {"16777215TiB", 16777215ull << 40},
  };
  for (const auto& [text, bytes] : rows) {
    const auto parsed = parse_size(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
    EXPECT_EQ(*parsed, bytes) << text;
  }
}

TEST(Quantity, RefusesSizesPrecisely) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "a size is"},
      {"KiB", "a size is"},
      {"-1", "a size is"},
      {"64k", "unknown unit 'k'"},
      {"1K", "unknown unit"},
      {"1Kib", "unknown unit"},
      {"1mb", "unknown unit"},
      {"1 KiB", "unknown unit"},
      {"1KiB ", "unknown unit"},
      {"1KiB1", "unknown unit"},
      {"0x10", "unknown unit"},
      {"1.5", "not a whole number"},
      {"1.0001KiB", "not a whole number"},
      {"18446744073709551616", "too large"},
      {"16777216TiB", "too large"},
      {"99999999999999999999TB", "too large"},
      {"100000000000000000000", "too many digits"},
      {"1.", "a size is"},
  };
  for (const auto& [text, why] : rows) {
    const auto parsed = parse_size(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr(why)) << text;
  }
}

TEST(Quantity, FormatsDurations) {
  const std::pair<Duration, const char*> rows[] = {
      {0ns, "0ns"},
      {999ns, "999ns"},
      {1000ns, "1us"},
      {1004ns, "1us"},
      {1005ns, "1.01us"},
      {12'345ns, "12.3us"},
      {999'499ns, "999us"},
      {999'500ns, "1ms"},
      {1'320'000ns, "1.32ms"},
      {250ms, "250ms"},
      {1500ms, "1.5s"},
      {10s, "10s"},
      {59'940ms, "59.9s"},
      {59'960ms, "1m"},
      {90s, "1m30s"},
      {90'600ms, "1m31s"},
      {1h, "1h"},
      {2h + 5min, "2h5m"},
      {1h + 1s, "1h1s"},
      {-1500us, "-1.5ms"},
      {Duration::max(), "2562047h47m17s"},
      {Duration::min(), "-2562047h47m17s"},
  };
  for (const auto& [duration, text] : rows)
    EXPECT_EQ(format_duration(duration), text) << duration.count();
}

TEST(Quantity, FormattedDurationsParseBackWithinHalfAPercent) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto ns = static_cast<int64_t>(random() >> (1 + random() % 60));
    const auto parsed = parse_duration(format_duration(Duration(ns)));
    ASSERT_TRUE(parsed) << ns;
    ASSERT_NEAR(static_cast<double>(parsed->count()), static_cast<double>(ns),
                static_cast<double>(ns) * 0.01)
        << ns;
  }
  for (const char* text : {"10s", "250ms", "5m", "1.5s", "1m30s", "100us", "2h"}) {
    EXPECT_EQ(format_duration(*parse_duration(text)), text);
  }
}

TEST(Quantity, FormatsSizes) {
  const std::pair<uint64_t, const char*> rows[] = {
      {0, "0B"},
      {16, "16B"},
      {1023, "1023B"},
      {1024, "1KiB"},
      {1536, "1.5KiB"},
      {1029, "1KiB"},
      {1030, "1.01KiB"},
      {10'496, "10.3KiB"},
      {1'048'000, "1023KiB"},
      {1'048'575, "1MiB"},
      {1 << 20, "1MiB"},
      {1ull << 40, "1TiB"},
      {UINT64_MAX, "16EiB"},
  };
  for (const auto& [bytes, text] : rows) EXPECT_EQ(format_size(bytes), text) << bytes;
}

TEST(Quantity, FormatsCounts) {
  const std::pair<uint64_t, const char*> rows[] = {
      {0, "0"},
      {999, "999"},
      {1000, "1,000"},
      {12'345, "12,345"},
      {1'234'567, "1,234,567"},
      {UINT64_MAX, "18,446,744,073,709,551,615"},
  };
  for (const auto& [count, text] : rows) EXPECT_EQ(format_count(count), text);
}

}  // namespace
}  // namespace saker

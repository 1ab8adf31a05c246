#include "command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace saker::app {
namespace {

using testing::HasSubstr;

TEST(ParseCount, TakesWholeNumbersWithinBounds) {
  const struct {
    const char* text;
    bool good;
  } kCases[] = {{"1", true},
                {"10", true},
                {"0", false},
                {"11", false},
                {"", false},
                {"-1", false},
                {"+1", false},
                {"1.5", false},
                {"1x", false},
                {" 1", false},
                {"18446744073709551616", false}};
  for (const auto& test : kCases) {
    EXPECT_EQ(parse_count(test.text, 1, 10).has_value(), test.good) << test.text;
  }
  EXPECT_EQ(parse_count("18446744073709551615", 0, UINT64_MAX), UINT64_MAX);
  EXPECT_THAT(parse_count("99", 1, 10).error().message, HasSubstr("from 1 to 10"));
  EXPECT_THAT(parse_count("0", 1, UINT64_MAX).error().message, HasSubstr("at least 1"));
}

TEST(ParseHeader, SplitsAtTheFirstColon) {
  grpc::Metadata metadata;
  EXPECT_TRUE(parse_header("x-one: 1", metadata));
  EXPECT_TRUE(parse_header("x-two:http://a:1/ ", metadata));
  EXPECT_TRUE(parse_header("x-three-bin: AQID", metadata));
  EXPECT_EQ(metadata.find("x-one"), "1");
  EXPECT_EQ(metadata.find("x-two"), "http://a:1/");
  EXPECT_EQ(metadata.find("x-three-bin"), "\x01\x02\x03");
}

TEST(ParseHeader, RefusesWhatMayNotBeSent) {
  const struct {
    const char* text;
    const char* why;
  } kCases[] = {{"x-one", "name: value"},
                {"X-One: 1", "a-z"},
                {"grpc-timeout: 1S", "gRPC"},
                {":path: /", "a-z"},
                {"te: trailers", "gRPC"},
                {"x-one: a\x01", "printable"},
                {"x-one-bin: not!base64", "base64"},
                {": 1", "a-z"}};
  for (const auto& test : kCases) {
    grpc::Metadata metadata;
    const auto parsed = parse_header(test.text, metadata);
    ASSERT_FALSE(parsed) << test.text;
    EXPECT_THAT(parsed.error().message, HasSubstr(test.why)) << test.text;
    EXPECT_TRUE(metadata.empty());
  }
}

TEST(ExitCodeOf, IsTheStatusBehind64) {
  EXPECT_EQ(exit_code_of({}), 0);
  EXPECT_EQ(exit_code_of({grpc::StatusCode::kUnavailable, "", {}}), 78);
}

// A command with one option of each kind, to see what is made of command lines.
class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() : app_("test", "saker") {
    app_.require_subcommand(1);
    CLI::App& echo = *app_.add_subcommand("echo", "");
    add_duration(echo, "--deadline", deadline_, "");
    add_size(echo, "--size", size_, "");
    add_target(echo, target_);
    add_target(*app_.add_subcommand("relay", ""), relay_target_);
    add_metadata(echo, metadata_);
    add_target(*app_.add_subcommand("other", ""), other_target_);
    add_target(*app_.add_subcommand("many", ""), targets_);
  }
  // What goes to stderr, or nothing when all is well.
  std::string parse(const std::string& line) {
    try {
      app_.parse(line);
    } catch (const CLI::ParseError& error) {
      testing::internal::CaptureStderr();
      EXPECT_EQ(report_parse_error(app_, error), kExitUsage);
      return testing::internal::GetCapturedStderr();
    }
    return {};
  }

  CLI::App app_;
  Duration deadline_{};
  uint64_t size_ = 0;
  net::Target target_;
  net::Target other_target_;
  net::Address relay_target_;
  net::Target targets_;
  grpc::Metadata metadata_;
};

TEST_F(CommandLineTest, TakesQuantitiesAndAddresses) {
  unsetenv(kTargetVariable);
  EXPECT_EQ(parse("echo unix:/s --deadline 250ms --size 4KiB -H 'a: b' -H 'c: d'"), "");
  EXPECT_EQ(deadline_, std::chrono::milliseconds(250));
  EXPECT_EQ(size_, 4096u);
  EXPECT_EQ(net::to_string(target_), "unix:/s");
  EXPECT_EQ(metadata_.size(), 2u);
}

TEST_F(CommandLineTest, TheTargetMayComeFromTheEnvironmentOrNowhere) {
  unsetenv(kTargetVariable);
  EXPECT_EQ(parse("echo"), "");
  EXPECT_EQ(net::to_string(target_), kDefaultTarget);
  setenv(kTargetVariable, "vsock:3:1", 1);
  EXPECT_EQ(parse("echo"), "");
  EXPECT_EQ(net::to_string(target_), "vsock:3:1");
  setenv(kTargetVariable, "nonsense", 1);
  EXPECT_THAT(parse("echo"), HasSubstr("nonsense"));
  EXPECT_EQ(parse("echo 127.0.0.1:1"), "");
  unsetenv(kTargetVariable);
}

TEST_F(CommandLineTest, OneAddressMayComeFromTheEnvironmentButNotFromNowhere) {
  unsetenv(kTargetVariable);
  EXPECT_THAT(parse("relay"), HasSubstr("TARGET is required"));
  EXPECT_EQ(parse("relay unix:/s"), "");
  EXPECT_EQ(net::to_string(relay_target_), "unix:/s");
  EXPECT_THAT(parse("relay a:1 b:2"), HasSubstr("unexpected argument b:2"));
  setenv(kTargetVariable, "vsock:3:1", 1);
  EXPECT_EQ(parse("relay"), "");
  EXPECT_EQ(net::to_string(relay_target_), "vsock:3:1");
  unsetenv(kTargetVariable);
}

TEST_F(CommandLineTest, TakesSeveralTargets) {
  unsetenv(kTargetVariable);
  EXPECT_EQ(parse("many"), "");
  EXPECT_EQ(net::to_string(targets_), kDefaultTarget);
  EXPECT_EQ(parse("many a:1 b:2,unix:/c a:1"), "");
  EXPECT_EQ(net::to_string(targets_), "a:1,b:2,unix:/c");
  EXPECT_THAT(parse("many a:1,b"), HasSubstr("the port is missing"));
  setenv(kTargetVariable, "d:1,e:1", 1);
  EXPECT_EQ(parse("many"), "");
  EXPECT_EQ(net::to_string(targets_), "d:1,e:1");
  unsetenv(kTargetVariable);
}

TEST_F(CommandLineTest, SaysWhatIsWrongAndWhatIsNear) {
  unsetenv(kTargetVariable);
  const struct {
    const char* line;
    const char* message;
  } kCases[] = {
      {"", "subcommand is required"},
      {"ehco", "unknown command ehco; did you mean echo?"},
      {"echo --dedline 1s", "unknown flag --dedline; did you mean --deadline?"},
      {"echo --nothing-like-it", "unknown flag --nothing-like-it\n"},
      {"echo --deadline 10", "a unit is missing"},
      {"echo --size -5", "--size"},
      {"echo localhost", "the port is missing"},
      {"echo -H nothing", "name: value"},
      {"echo --dedline 1s", "See saker echo --help"},
  };
  for (const auto& test : kCases)
    EXPECT_THAT(parse(test.line), HasSubstr(test.message)) << test.line;
}

}  // namespace
}  // namespace saker::app

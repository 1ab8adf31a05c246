#include "empty_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace saker::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EmptyValuesTest : public testing::Test {
 protected:
  EmptyValuesTest() : app_("test", "saker") {
    CLI::App& sign = *app_.add_subcommand("sign", "");
    sign.add_option_group("key")->add_option("--key", key_);
    sign.add_flag("--json", json_);
    sign.add_option("--payload", payload_);
    sign.add_option("TARGET", target_);
    app_.add_subcommand("keys", "")->add_subcommand("get", "")->add_option("--out", out_);
    refuse_empty_values(app_);
  }
  std::vector<std::string> separate(const std::vector<std::string>& arguments) {
    return separate_empty_values(app_, arguments);
  }
  // What is wrong with the command line, or nothing.
  std::string parse(const std::vector<std::string>& arguments) {
    auto separated = separate(arguments);
    std::ranges::reverse(separated);
    try {
      app_.parse(std::move(separated));
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
    return {};
  }

  CLI::App app_;
  std::string key_ = "none";
  std::string payload_ = "none";
  std::string target_;
  std::string out_;
  bool json_ = false;
};

TEST_F(EmptyValuesTest, AnEmptyValueIsAnArgumentOfItsOwn) {
  EXPECT_THAT(separate({"sign", "--key=", "a:1"}), ElementsAre("sign", "--key", "", "a:1"));
  EXPECT_THAT(separate({"keys", "get", "--out="}), ElementsAre("keys", "get", "--out", ""));
}

TEST_F(EmptyValuesTest, AllElseStaysAsItIs) {
  const std::vector<std::string> kLines[] = {
      {},
      {"sign"},
      {"sign", "--key=a", "--key", "b="},
      {"sign", "--payload=a="},
      {"sign", "--json="},
      {"sign", "--unknown="},
      {"sign", "--", "--key="},
      {"keys", "--out="},
      {"--version="},
      {"sign", "--="},
      {"sign", "="},
  };
  for (const auto& line : kLines) EXPECT_EQ(separate(line), line);
}

TEST_F(EmptyValuesTest, OnlyFreeTextMayBeEmpty) {
  EXPECT_THAT(parse({"sign", "--key=", "a:1"}), HasSubstr("--key: the value is empty"));
  EXPECT_THAT(parse({"sign", "--key", "", "a:1"}), HasSubstr("--key: the value is empty"));
  EXPECT_THAT(parse({"keys", "get", "--out="}), HasSubstr("--out: the value is empty"));
  EXPECT_EQ(parse({"sign", "--payload=", "a:1", "--json="}), "");
  EXPECT_EQ(payload_, "");
  EXPECT_EQ(target_, "a:1");
  EXPECT_TRUE(json_);
}

}  // namespace
}  // namespace saker::app

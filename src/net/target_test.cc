#include "saker/net/target.h"

#include <gtest/gtest.h>

namespace saker::net {
namespace {

std::vector<std::string> parts(std::string_view text) {
  const auto target = parse_target(text);
  if (!target) return {"error: " + target.error().message};
  std::vector<std::string> out;
  for (const Address& address : target->addresses) out.push_back(to_string(address));
  EXPECT_EQ(parse_target(to_string(*target)), *target);
  return out;
}

using List = std::vector<std::string>;

TEST(Target, OneAddressIsATarget) {
  EXPECT_EQ(parts("[::1]:50051"), List{"[::1]:50051"});
  EXPECT_EQ(parts("dns:///example.org:1"), List{"example.org:1"});
}

TEST(Target, CommasSeparate) {
  EXPECT_EQ(parts("a:1,b:2,tcp://c:3"), (List{"a:1", "b:2", "c:3"}));
  EXPECT_EQ(parts("unix:/a,unix:/b"), (List{"unix:/a", "unix:/b"}));
  EXPECT_EQ(parts("unix:/a,vsock:2:1,h:1"), (List{"unix:/a", "vsock:2:1", "h:1"}));
}

TEST(Target, ACommaOfAPathStays) {
  EXPECT_EQ(parts("unix:/run/a,b"), List{"unix:/run/a,b"});
  EXPECT_EQ(parts("unix:/run/a,b,unix:/c"), (List{"unix:/run/a,b", "unix:/c"}));
}

TEST(Target, WhatIsWrongIsSaid) {
  for (const char* text : {"", "a:1,", ",a:1", "a:1,b", "a:1,a:1", "a:1,,b:1"}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
  std::string many = "h:1";
  for (size_t i = 2; i <= kMaxTargetAddresses; ++i) many += ",h:" + std::to_string(i);
  EXPECT_TRUE(parse_target(many));
  EXPECT_FALSE(parse_target(many + ",h:9999"));
}

}  // namespace
}  // namespace saker::net

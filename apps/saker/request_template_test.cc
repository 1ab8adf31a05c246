// Templates of requests: what stands in each place, that it is the same for the same call and
// another for another, and where every mistake is.
#include "request_template.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "saker/grpc/base64.h"

namespace saker::app {
namespace {

RequestTemplate template_of(std::string_view text) {
  auto parsed = RequestTemplate::parse(text);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed ? *parsed : RequestTemplate();
}

std::string expand(std::string_view text, uint64_t call, uint64_t seed = 1) {
  std::string out = "what was there before";
  template_of(text).expand(seed, call, out);
  return out;
}

TEST(RequestTemplate, TextWithoutPlacesIsConstant) {
  for (const char* text : {"", "{}", R"({"a": {"b": {}}})", "{ {seq} }", "}}"}) {
    EXPECT_TRUE(template_of(text).is_constant()) << text;
    EXPECT_EQ(expand(text, 5), text);
  }
}

TEST(RequestTemplate, Sequence) {
  EXPECT_EQ(expand(R"({"id": {{seq}}, "name": "n-{{ seq }}"})", 42),
            R"({"id": 42, "name": "n-42"})");
  EXPECT_EQ(expand("{{seq}}{{seq}}", UINT64_MAX), "1844674407370955161518446744073709551615");
  EXPECT_EQ(expand("{{{seq}}}", 7), "{7}");
}

TEST(RequestTemplate, NumbersStayWithinTheirBounds) {
  std::set<int> seen;
  for (uint64_t call = 0; call < 1000; ++call)
    seen.insert(std::stoi(expand("{{random -2 3}}", call)));
  EXPECT_EQ(seen, (std::set<int>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(expand("{{random 5 5}}", 1), "5");
  const std::string all = "{{random -9223372036854775808 9223372036854775807}}";
  EXPECT_NE(expand(all, 1), expand(all, 2));
}

TEST(RequestTemplate, UuidsAreOfVersionFour) {
  std::set<std::string> seen;
  for (uint64_t call = 0; call < 1000; ++call) {
    const std::string uuid = expand("{{uuid}}", call);
    ASSERT_EQ(uuid.size(), 36u);
    for (size_t i = 0; i < uuid.size(); ++i) {
      const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
      ASSERT_EQ(uuid[i] == '-', dash) << uuid;
    }
    ASSERT_EQ(uuid[14], '4');
    ASSERT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
    seen.insert(uuid);
  }
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(RequestTemplate, BytesAreBase64OfTheirSize) {
  std::set<size_t> sizes;
  for (uint64_t call = 0; call < 500; ++call) {
    const std::string text = expand("{{randbytes 3 6}}", call);
    uint8_t bytes[16];
    const auto size = grpc::base64_decode(text, bytes);
    ASSERT_TRUE(size) << text;
    sizes.insert(*size);
  }
  EXPECT_EQ(sizes, (std::set<size_t>{3, 4, 5, 6}));
  EXPECT_EQ(expand("{{randbytes 0}}", 1), "");
  EXPECT_EQ(expand("{{randbytes 1048576}}", 1).size(), grpc::base64_encoded_size(1 << 20));
}

TEST(RequestTemplate, IsAFunctionOfSeedCallAndPlace) {
  const char* text = "{{uuid}} {{uuid}} {{random 1 1000000}} {{randbytes 8}}";
  EXPECT_EQ(expand(text, 1), expand(text, 1));
  EXPECT_NE(expand(text, 1), expand(text, 2));
  EXPECT_NE(expand(text, 1, 1), expand(text, 1, 2));
  const std::string one = expand(text, 1);
  EXPECT_NE(one.substr(0, 36), one.substr(37, 36));
}

TEST(RequestTemplate, Extremes) {
  const RequestTemplate some = template_of("{{random -5 70}} {{randbytes 3 6}} {{seq}}");
  EXPECT_TRUE(some.lowest().starts_with("-5 "));
  EXPECT_TRUE(some.highest().starts_with("70 "));
  EXPECT_EQ(some.lowest().size() + 4, some.highest().size());
}

TEST(RequestTemplate, EveryMistakeHasItsPlace) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"{{", "at character 1, '{{': no }} behind it"},
      {"ab{{seq}", "at character 3, '{{': no }} behind it"},
      {"{{}}", "at character 1, '{{}}': known: seq"},
      {"{\"a\": \"{{name}}\"}", "at character 8, '{{name}}': known: seq"},
      {"{{seq 1}}", "at character 1, '{{seq 1}}': seq takes nothing"},
      {"{{random}}", "at character 1, '{{random}}': random takes two"},
      {"{{random 1}}", "at character 1, '{{random 1}}': random takes two"},
      {"{{random 1 x}}", "at character 1, '{{random 1 x}}': random takes two"},
      {"{{random 1 2 3}}", "at character 1, '{{random 1 2 3}}': random takes two"},
      {"{{random 1.5 2}}", "at character 1, '{{random 1.5 2}}': random takes two"},
      {"{{random 1 9223372036854775808}}", "at character 1, "},
      {"{{random 2 1}}", "at character 1, '{{random 2 1}}': the first number is above"},
      {"{{randbytes}}", "at character 1, '{{randbytes}}': randbytes takes"},
      {"{{randbytes -1 5}}", "at character 1, '{{randbytes -1 5}}': randbytes makes 0 to"},
      {"{{randbytes 1048577}}", "at character 1, '{{randbytes 1048577}}': randbytes makes"},
  };
  for (const auto& [text, message] : mistakes) {
    const auto parsed = RequestTemplate::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_TRUE(parsed.error().message.starts_with(message)) << parsed.error().message;
  }
}

std::vector<size_t> sizes_of(const std::string& text) {
  std::vector<size_t> sizes;
  for (uint64_t call = 0; call < 20'000; ++call) {
    const std::string base64 = expand(text, call);
    const auto digits = base64.size() - static_cast<size_t>(std::ranges::count(base64, '='));
    sizes.push_back(digits * 3 / 4);
  }
  std::ranges::sort(sizes);
  return sizes;
}

// Quantiles of an exponential distribution: -ln(1 - q) times the mean.
TEST(RequestTemplate, SizesOfAnExponentialDistribution) {
  const auto sizes = sizes_of("{{randbytes exponential 1000 4000}}");
  EXPECT_NEAR(static_cast<double>(sizes[10'000]), 693, 25);
  EXPECT_NEAR(static_cast<double>(sizes[18'000]), 2303, 80);
  EXPECT_EQ(sizes.back(), 4000u);  // 1.8 % of them
  EXPECT_NEAR(static_cast<double>(std::ranges::count(sizes, 4000u)), 366, 60);
}

TEST(RequestTemplate, SizesOfALognormalDistribution) {
  const auto sizes = sizes_of("{{randbytes lognormal 200 1 60000}}");
  EXPECT_NEAR(static_cast<double>(sizes[10'000]), 200, 8);
  EXPECT_NEAR(static_cast<double>(sizes[16'826]), 200 * 2.718, 25);  // one sigma above
  EXPECT_NEAR(static_cast<double>(sizes[3'173]), 200 / 2.718, 4);    // and below
  EXPECT_EQ(sizes_of("{{randbytes lognormal 64 0 100}}").front(), 64u);
  const RequestTemplate some = template_of("{{randbytes lognormal 64 1 100}}");
  EXPECT_EQ(some.lowest(), "");
  EXPECT_EQ(some.highest().size(), grpc::base64_encoded_size(100));
}

TEST(RequestTemplate, MistakesInDistributions) {
  const auto error_of = [](std::string_view text) {
    const auto parsed = RequestTemplate::parse(text);
    return parsed ? "" : parsed.error().message;
  };
  EXPECT_EQ(error_of("{{randbytes exponential 10}}"),
            "at character 1, '{{randbytes exponential 10}}': exponential takes MEAN MAX, like "
            "exponential 1000 65536");
  for (const char* text : {"lognormal 10 100", "lognormal 10 x 100", "exponential 10 1 100"}) {
    EXPECT_TRUE(error_of("{{randbytes " + std::string(text) + "}}").contains(" takes ")) << text;
  }
  for (const char* text : {"exponential 0 10", "exponential nan 10", "exponential 5 1048577",
                           "exponential -1 10", "exponential 5 0", "lognormal inf 1 10"}) {
    EXPECT_TRUE(error_of("{{randbytes " + std::string(text) + "}}").contains("0 to 1048576"))
        << text;
  }
  EXPECT_TRUE(error_of("{{randbytes lognormal 5 11 10}}").contains("SIGMA is 0 to 10"));
}

}  // namespace
}  // namespace saker::app

#include "nearest_word.h"

#include <gtest/gtest.h>

namespace saker::app {
namespace {

TEST(NearestWord, FindsMisspeltWords) {
  const std::string words[] = {"listen", "threads", "max_streams", "keepalive_time", "n"};
  const struct {
    const char* word;
    const char* nearest;  // null: none
  } kCases[] = {
      {"listne", "listen"},
      {"thread", "threads"},
      {"max_stream", "max_streams"},
      {"maxstreams", "max_streams"},
      {"keepalive", "keepalive_time"},
      {"m", "n"},
      {"metrics", nullptr},
      {"", "n"},
      {"colour", nullptr},
      {"listen", "listen"},
  };
  for (const auto& test : kCases) {
    const auto found = nearest_word(test.word, words);
    EXPECT_EQ(found,
              test.nearest == nullptr ? std::nullopt : std::optional<std::string>(test.nearest))
        << test.word;
  }
}

TEST(NearestWord, NothingIsNearToNothing) {
  EXPECT_EQ(nearest_word("listen", {}), std::nullopt);
}

}  // namespace
}  // namespace saker::app

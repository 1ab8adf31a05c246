#include "serve_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_settings.h"

namespace saker::app {
namespace {

using testing::HasSubstr;

Result<void> parse(std::string_view text, ServeOptions& options,
                   const std::set<std::string_view>& given = {}) {
  return parse_config(text, "test.toml", given, options);
}

TEST(ServeConfig, TakesEveryKindOfSetting) {
  ServeOptions options;
  const auto parsed = parse(R"(
listen = ["127.0.0.1:0", "unix:/s"]
threads = 3
max_receive_size = "1MiB"
initial_window = 70000
adaptive_window = false
no_vsock = true
keepalive_time = "off"
drain_timeout = "1500ms"
allow_cid = [42, "host"]
log_level = "error"
key = "ec-p256"
)",
                            options);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(options.listen.size(), 2u);
  EXPECT_EQ(options.server.threads, 3u);
  EXPECT_EQ(options.server.max_receive_message_bytes, 1u << 20);
  EXPECT_EQ(options.server.connection.initial_stream_window_bytes, 70000u);
  EXPECT_FALSE(options.server.connection.adaptive_window);
  EXPECT_TRUE(options.no_vsock);
  EXPECT_EQ(options.server.keepalive.time, Duration::max());
  EXPECT_EQ(options.server.drain_timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(options.allowed_cids, (std::vector<uint32_t>{42, net::kVsockCidHost}));
  EXPECT_EQ(options.log.level, LogLevel::kError);
  EXPECT_EQ(options.crypto.keys, std::vector<std::string>{"ec-p256"});
}

TEST(ServeConfig, NamesFileLineAndKeyOfWhatIsWrong) {
  const struct {
    const char* text;
    const char* message;
  } kCases[] = {
      {"\nthread = 1", "test.toml:2: unknown key thread; did you mean threads?"},
      {"\n\nxyzzy = 1", "test.toml:3: unknown key xyzzy"},
      {"[server]\nthreads = 1", "test.toml:1: unknown key server"},
      {"threads = \"1\"", "test.toml:1: threads: must be a whole number"},
      {"threads = 1.5", "threads: must be a whole number"},
      {"threads = -1", "threads: '-1'"},
      {"threads = [1]", "threads: must be a whole number"},
      {"threads = 1\nthreads = 2", "test.toml:2: "},
      {"threads = ", "test.toml:1: "},
      {"adaptive_window = \"on\"", "adaptive_window: must be true or false"},
      {"force = 1", "force: must be true or false"},
      {"listen = [\"nowhere\"]", "listen: address \"nowhere\""},
      {"listen = [true]", "listen: must be an array of strings"},
      {"listen = [\"memory://x\"]", "for tests only"},
      {"drain_timeout = 10", "drain_timeout: '10': a unit is missing"},
      {"max_frame_size = \"1KiB\"", "max_frame_size: '1KiB' is not between 16KiB and"},
      {"log_level = \"loud\"", "log_level: 'loud' is none of error, warn, info, debug"},
      {"keepalive_time = \"0\"", "must be more than 0, or off"},
      {"allow_cid = [\"everyone\"]", "'everyone' is not a CID"},
      {"allow_cid = [\"\"]", "allow_cid: a CID is missing"},
      {"drain_timeout = \"9223372036854775807ns\"",
       "drain_timeout: '9223372036854775807ns' is too"},
      {"\"a\\nb\" = 1", "test.toml:1: unknown key a?b"},
      {"log_level = \"a\\tb\"", "log_level: 'a?b' is none of"},
      {"log_file = \"a\\u0000b\"", "log_file: has a NUL in it"},
      {"log_sample = 0", "log_sample"},
      {"key = [\"dsa-512\"]", "key: "},
      {"key = [\"a=ec-p256\", \"a=ec-p384\"]", "key: "},
  };
  for (const auto& test : kCases) {
    ServeOptions options;
    const auto parsed = parse(test.text, options);
    ASSERT_FALSE(parsed) << test.text;
    EXPECT_THAT(parsed.error().message, HasSubstr(test.message)) << test.text;
  }
}

TEST(ServeConfig, TheCommandLineBeatsTheFileWhichIsCheckedAllTheSame) {
  ServeOptions options;
  options.server.threads = 7;
  ASSERT_TRUE(parse("threads = 3\nlog_sample = 5", options, {"threads"}));
  EXPECT_EQ(options.server.threads, 7u);
  EXPECT_EQ(options.log.sample, 5u);
  EXPECT_FALSE(parse("threads = -3", options, {"threads"}));
}

TEST(ServeConfig, AMissingFileIsNamed) {
  ServeOptions options;
  const auto loaded = load_config("/nonexistent/saker.toml", {}, options);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr("/nonexistent/saker.toml"));
  EXPECT_THAT(loaded.error().message, HasSubstr("No such file"));
  EXPECT_TRUE(load_config("/dev/null", {}, options));
  EXPECT_FALSE(load_config("/", {}, options));
}

// What is printed is read back to the same, for the defaults and for odd values.
TEST(ServeConfig, FormatsWhatItParses) {
  ServeOptions odd;
  ASSERT_TRUE(parse(R"(
listen = ["[::1]:1", "unix:/a\"b", "vsock:any:5"]
no_vsock = true
key = ["a=rsa-2048", "ec-p384"]
metrics = "127.0.0.1:9"
busy_poll = "1234567ns"
keepalive_time = "off"
max_receive_size = 4194305
allow_cid = ["any", 7]
log_format = "json"
force = true
)",
                    odd));
  for (const ServeOptions& options : {ServeOptions(), odd}) {
    const std::string text = format_config(options);
    ServeOptions again;
    const auto parsed = parse(text, again);
    ASSERT_TRUE(parsed) << parsed.error().message << "\n" << text;
    EXPECT_EQ(format_config(again), text);
  }
}

TEST(ServeSettings, AreFoundByNameAndNamedOnce) {
  std::set<std::string_view> names;
  for (const Setting& setting : serve_settings()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_EQ(find_setting(setting.name), &setting);
    EXPECT_EQ(key_of(setting).find('-'), std::string::npos);
  }
  EXPECT_EQ(find_setting("nothing"), nullptr);
}

}  // namespace
}  // namespace saker::app

#include "server_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/details/log_msg.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>

#include "log_sink.h"

namespace saker::app {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// A file name of this test's own; the file is removed at the end.
class TemporaryPath {
 public:
  TemporaryPath() : path_(::testing::TempDir() + "saker_log_" + std::to_string(getpid()) + ".log") {
    std::remove(path_.c_str());
  }
  ~TemporaryPath() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }
  std::string content() const {
    std::ifstream file(path_);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  const std::string path_;
};

TEST(ServerLog, WritesWhatItsLevelLetsThrough) {
  TemporaryPath file;
  auto log = ServerLog::open({.level = LogLevel::kWarning, .file = file.path()});
  ASSERT_TRUE(log) << log.error().message;
  (*log)->debug("d");
  (*log)->info("i");
  (*log)->warning("w");
  (*log)->error("e");
  // [0-9] rather than \d: POSIX expressions.
  EXPECT_THAT(file.content(),
              MatchesRegex("[-0-9]+T[:0-9]+[.][0-9]{9}Z warning w\n[-0-9]+T[:.0-9]+Z error e\n"));
  EXPECT_EQ((*log)->sink()->lines_written(), 2u);
}

TEST(ServerLog, WritesOneJsonObjectALine) {
  TemporaryPath file;
  auto log = ServerLog::open({.format = LogFormat::kJson, .file = file.path()});
  ASSERT_TRUE(log);
  (*log)->info("say \"hi\"\nthere");
  const auto json = nlohmann::json::parse(file.content());
  EXPECT_EQ(json["message"], "say \"hi\"\nthere");
  EXPECT_EQ(json["level"], "info");
  EXPECT_THAT(json["time"].get<std::string>(), EndsWith("Z"));
  EXPECT_EQ(json.size(), 3u);
}

TEST(ServerLog, AppendsToItsFile) {
  TemporaryPath file;
  for (const char* message : {"one", "two"}) {
    auto log = ServerLog::open({.file = file.path()});
    ASSERT_TRUE(log);
    (*log)->info(message);
  }
  EXPECT_THAT(file.content(), HasSubstr("info one\n"));
  EXPECT_THAT(file.content(), EndsWith("info two\n"));
}

TEST(ServerLog, SaysWhichFileCannotBeOpened) {
  const auto log = ServerLog::open({.file = "/no/such/folder/x.log"});
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().message,
            "cannot write the log to /no/such/folder/x.log: No such file or directory");
}

TEST(ServerLog, FullDiskIsSaidOnceAndCounted) {
  ::testing::internal::CaptureStderr();
  auto log = ServerLog::open({.file = "/dev/full"});
  ASSERT_TRUE(log);
  (*log)->info("one");
  (*log)->info("two");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "saker: cannot write the log to /dev/full: No space left on device; going on, lost "
            "lines are counted\n");
  EXPECT_EQ((*log)->sink()->lines_lost(), 2u);
  EXPECT_EQ((*log)->sink()->lines_written(), 0u);
}

// A disk that fills up in the middle of a line, and is given room again: RLIMIT_FSIZE.
TEST(ServerLog, LineCutByAFullDiskDoesNotSpoilTheNext) {
  TemporaryPath file;
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
  auto log = ServerLog::open({.format = LogFormat::kJson, .file = file.path()});
  ASSERT_TRUE(log);
  (*log)->info("first");
  const rlimit tight = {file.content().size() + 10, unlimited.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  ::testing::internal::CaptureStderr();
  (*log)->info("cut");
  (*log)->info("lost");
  ::testing::internal::GetCapturedStderr();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
  (*log)->info("last");
  std::signal(SIGXFSZ, before);

  std::istringstream lines(file.content());
  std::string first, cut, last, more;
  std::getline(lines, first);
  std::getline(lines, cut);
  std::getline(lines, last);
  EXPECT_FALSE(std::getline(lines, more));
  EXPECT_EQ(nlohmann::json::parse(first)["message"], "first");
  EXPECT_EQ(cut.size(), 10u);
  EXPECT_EQ(nlohmann::json::parse(last)["message"], "last");
  EXPECT_EQ((*log)->sink()->lines_written(), 2u);
  EXPECT_EQ((*log)->sink()->lines_lost(), 2u);
}

TEST(LogSink, GathersLinesUntilFlush) {
  TemporaryPath file;
  auto sink = LogSink::open({.file = file.path()});
  ASSERT_TRUE(sink);
  const spdlog::log_clock::time_point time{};
  (*sink)->log(spdlog::details::log_msg(time, {}, "calls", spdlog::level::debug, " x"));
  EXPECT_EQ(file.content(), "");
  (*sink)->flush();
  EXPECT_EQ(file.content(), "1970-01-01T00:00:00.000000000Z debug x\n");
}

TEST(LogSink, WritesBatchesThatGrowLarge) {
  TemporaryPath file;
  auto sink = LogSink::open({.file = file.path()});
  ASSERT_TRUE(sink);
  const std::string payload(1000, 'x');
  for (int line = 0; line < 100; ++line) {
    (*sink)->log(spdlog::details::log_msg({}, "calls", spdlog::level::debug, payload));
  }
  EXPECT_GT((*sink)->lines_written(), 50u);
  EXPECT_LT((*sink)->lines_written(), 100u);
  sink->reset();
  EXPECT_GT(file.content().size(), 100'000u);
}

// A non-blocking pipe, as some supervisors give for stderr: nothing is lost while it is being read.
TEST(LogSink, WaitsForASlowReader) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  net::Descriptor reader(fds[0]);
  ASSERT_EQ(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
  constexpr int kLines = 5000;
  std::thread writer([fd = fds[1]] {
    LogSink sink(net::Descriptor(fd), "pipe", LogFormat::kText);
    const std::string payload(100, 'x');
    for (int line = 0; line < kLines; ++line) {
      sink.log(spdlog::details::log_msg({}, "calls", spdlog::level::debug, payload));
    }
  });
  uint64_t lines = 0;
  char buffer[4096];
  for (ssize_t size; (size = read(reader.get(), buffer, sizeof buffer)) > 0;) {
    lines += static_cast<uint64_t>(std::count(buffer, buffer + size, '\n'));
  }
  writer.join();
  EXPECT_EQ(lines, uint64_t{kLines});
}

TEST(CallLogOptions, RecordsAreForDebugOnly) {
  EXPECT_EQ(call_log_options({.level = LogLevel::kInfo, .sample = 7}).sample, 0u);
  EXPECT_EQ(call_log_options({.level = LogLevel::kDebug, .sample = 7}).sample, 7u);
  EXPECT_EQ(call_log_options({.level = LogLevel::kDebug, .sample = 0}).sample, 0u);
}

}  // namespace
}  // namespace saker::app

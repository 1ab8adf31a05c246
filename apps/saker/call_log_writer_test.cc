#include "call_log_writer.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "log_sink.h"

namespace saker::app {
namespace {

using Json = nlohmann::json;

class CallLogWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::remove(path_.c_str());
    open(path_);
  }
  void TearDown() override { std::remove(path_.c_str()); }

  void open(const std::string& path) {
    auto sink = LogSink::open({.format = LogFormat::kJson, .file = path});
    ASSERT_TRUE(sink);
    sink_ = *sink;
  }
  std::unique_ptr<CallLogWriter> writer(std::vector<rpc::CallRing*> rings,
                                        LogFormat format = LogFormat::kJson) {
    return std::make_unique<CallLogWriter>(
        CallLogSource{std::move(rings), MethodLabels(dispatcher_)}, sink_, format);
  }
  std::vector<Json> lines() const {
    std::vector<Json> out;
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) out.push_back(Json::parse(line));
    return out;
  }
  static bool put(rpc::CallRing& ring, uint64_t number) {
    rpc::CallRecord* record = ring.try_begin();
    if (record == nullptr) return false;
    record->request_bytes = number;
    record->peer.assign("unix:");
    record->traceparent.assign("");
    ring.publish();
    return true;
  }

  const std::string path_ =
      ::testing::TempDir() + "saker_calls_" + std::to_string(getpid()) + ".log";
  rpc::Dispatcher dispatcher_;
  std::shared_ptr<LogSink> sink_;
};

TEST_F(CallLogWriterTest, WritesEveryFieldOfARecord) {
  rpc::CallRing ring(4);
  rpc::CallRecord* record = ring.try_begin();
  record->received_wall_ns = 1'735'787'045'000'000'006;
  record->duration_ns = 12'345;
  record->request_bytes = 21;
  record->reply_bytes = 66;
  record->method = UINT32_MAX;
  record->code = grpc::StatusCode::kUnimplemented;
  record->transport = net::Transport::kVsock;
  record->peer.assign("vsock:42:1157");
  record->traceparent.assign("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  ring.publish();
  auto log = writer({&ring});
  log->start();
  log->stop();
  ASSERT_EQ(lines().size(), 1u);
  const Json expected = {
      {"time", "2025-01-02T03:04:05.000000006Z"},
      {"level", "debug"},
      {"message", "call"},
      {"method", "other"},
      {"peer", "vsock:42:1157"},
      {"transport", "vsock"},
      {"status", "UNIMPLEMENTED"},
      {"duration_us", 12.345},
      {"request_bytes", 21},
      {"reply_bytes", 66},
      {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}};
  EXPECT_EQ(lines()[0], expected);
  EXPECT_EQ(log->records(), 1u);
}

TEST_F(CallLogWriterTest, LeavesOutAnAbsentTraceparent) {
  rpc::CallRing ring(4);
  ASSERT_TRUE(put(ring, 1));
  auto log = writer({&ring});
  log->start();
  log->stop();
  ASSERT_EQ(lines().size(), 1u);
  EXPECT_FALSE(lines()[0].contains("traceparent"));
}

// Text out of a peer's hands.
TEST_F(CallLogWriterTest, HostileTraceparentStaysWithinItsString) {
  rpc::CallRing ring(4);
  rpc::CallRecord* record = ring.try_begin();
  record->peer.assign("unix:");
  record->traceparent.assign("\",\"status\":\"OK\"}\n{\xff");
  ring.publish();
  auto log = writer({&ring});
  log->start();
  log->stop();
  ASSERT_EQ(lines().size(), 1u);
  EXPECT_EQ(lines()[0]["traceparent"], "\",\"status\":\"OK\"}\n{\xef\xbf\xbd");
}

// Two loops that never wait: every record is either written, in the order of its loop, or dropped.
TEST_F(CallLogWriterTest, WrittenAndDroppedAreAll) {
  constexpr uint64_t kRecords = 200'000;
  rpc::CallRing rings[] = {rpc::CallRing(1024), rpc::CallRing(1024)};
  uint64_t dropped[2] = {};
  auto log = writer({&rings[0], &rings[1]});
  log->start();
  {
    std::vector<std::jthread> loops;
    for (size_t loop = 0; loop < 2; ++loop) {
      loops.emplace_back([&, loop] {
        for (uint64_t number = 0; number < kRecords; ++number) {
          if (!put(rings[loop], loop * kRecords + number)) ++dropped[loop];
        }
      });
    }
  }
  log->stop();
  uint64_t next[2] = {0, kRecords};
  const std::vector<Json> written = lines();
  for (const Json& line : written) {
    const uint64_t number = line["request_bytes"];
    uint64_t& least = next[number / kRecords];
    ASSERT_GE(number, least);
    least = number + 1;
  }
  EXPECT_EQ(written.size() + dropped[0] + dropped[1], 2 * kRecords);
  EXPECT_EQ(log->records(), written.size());
  EXPECT_EQ(sink_->lines_written(), written.size());
}

TEST_F(CallLogWriterTest, WritesWhileItRuns) {
  rpc::CallRing ring(4);
  auto log = writer({&ring});
  log->start();
  ASSERT_TRUE(put(ring, 1));
  for (int wait = 0; wait < 1000 && sink_->lines_written() == 0; ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(lines().size(), 1u);
}

TEST_F(CallLogWriterTest, GoesOnWithAFullDisk) {
  open("/dev/full");
  rpc::CallRing ring(1024);
  auto log = writer({&ring});
  ::testing::internal::CaptureStderr();
  log->start();
  for (uint64_t number = 0; number < 1000; ++number) {
    ASSERT_TRUE(put(ring, number));
    if (number % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(6));
  }
  log->stop();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "saker: cannot write the log to /dev/full: No space left on device; going on, lost "
            "lines are counted\n");
  EXPECT_EQ(log->records(), 1000u);
  EXPECT_EQ(sink_->lines_lost(), 1000u);
}

TEST_F(CallLogWriterTest, StopsWithoutStart) {
  rpc::CallRing ring(4);
  writer({&ring})->stop();
}

}  // namespace
}  // namespace saker::app

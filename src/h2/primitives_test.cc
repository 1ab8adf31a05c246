// The small parts: frame headers and fixed frames, SETTINGS, TokenBucket, StreamMap. Windows:
// window_test.cc; rules of header blocks: header_rules_test.cc.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "saker/h2/bdp.h"
#include "saker/h2/frame.h"
#include "saker/h2/settings.h"
#include "saker/h2/stream_map.h"
#include "saker/h2/token_bucket.h"
#include "saker/h2/window.h"

namespace saker::h2 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time kStart = Time{seconds(1000)};

// ---- frames

TEST(FrameHeader, GoesOutAndComesBack) {
  for (const uint32_t length : {0u, 1u, 255u, 256u, 16384u, 65536u, kMaxMaxFrameBytes}) {
    for (const StreamId id : {0u, 1u, 0x01020304u, kMaxStreamId}) {
      uint8_t bytes[kFrameHeaderBytes];
      EXPECT_EQ(encode_frame_header(bytes, {length, FrameType::kGoaway, 0xA5, id}), bytes + 9);
      const FrameHeader back = parse_frame_header(bytes);
      EXPECT_EQ(back.length, length);
      EXPECT_EQ(back.type, FrameType::kGoaway);
      EXPECT_EQ(back.flags, 0xA5);
      EXPECT_EQ(back.stream_id, id);
    }
  }
}

TEST(FrameHeader, ReadsTheWireFormat) {
  const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x08, 0x05, 0xFF, 0x00, 0x00, 0x07};
  const FrameHeader header = parse_frame_header(bytes);
  EXPECT_EQ(header.length, 0x010203u);
  EXPECT_EQ(header.type, FrameType::kWindowUpdate);
  EXPECT_TRUE(header.has(kFlagEndHeaders));
  EXPECT_FALSE(header.has(kFlagPadded));
  EXPECT_EQ(header.stream_id, 0x7F000007u);  // without the reserved bit
}

TEST(Frames, OfFixedSizeAreEncodedWhole) {
  uint8_t bytes[kPingFrameBytes];
  const auto written = [&](uint8_t* end) { return std::vector<uint8_t>(&bytes[0], end); };
  EXPECT_EQ(written(encode_rst_stream(bytes, 3, ErrorCode::kCancel)),
            (std::vector<uint8_t>{0, 0, 4, 3, 0, 0, 0, 0, 3, 0, 0, 0, 8}));
  EXPECT_EQ(written(encode_window_update(bytes, 5, 0x01020304)),
            (std::vector<uint8_t>{0, 0, 4, 8, 0, 0, 0, 0, 5, 1, 2, 3, 4}));
  EXPECT_EQ(written(encode_ping(bytes, 0x0102030405060708, true)),
            (std::vector<uint8_t>{0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(written(encode_ping(bytes, 1, false))[4], 0);
  EXPECT_EQ(written(encode_settings_ack(bytes)), (std::vector<uint8_t>{0, 0, 0, 4, 1, 0, 0, 0, 0}));
}

TEST(ErrorCodes, HaveTheRfcsNames) {
  EXPECT_EQ(error_code_name(ErrorCode::kNoError), "NO_ERROR");
  EXPECT_EQ(error_code_name(ErrorCode::kHttp11Required), "HTTP_1_1_REQUIRED");
  EXPECT_EQ(error_code_name(static_cast<ErrorCode>(14)), "UNKNOWN");
  EXPECT_EQ(error_code_name(static_cast<ErrorCode>(0xFFFFFFFF)), "UNKNOWN");
}

// ---- SETTINGS

std::vector<uint8_t> entry(uint16_t id, uint32_t value) {
  std::vector<uint8_t> bytes(kSettingBytes);
  store_be16(bytes.data(), id);
  store_be32(bytes.data() + 2, value);
  return bytes;
}

TEST(Settings, RangesOfEachParameter) {
  constexpr auto kOk = ErrorCode::kNoError;
  constexpr auto kProtocol = ErrorCode::kProtocolError;
  constexpr auto kFlow = ErrorCode::kFlowControlError;
  struct {
    uint16_t id;
    uint32_t value;
    ErrorCode expected;
    uint32_t Settings::* field;
  } const kRows[] = {
      {1, 0, kOk, &Settings::header_table_size},
      {1, 0xFFFFFFFF, kOk, &Settings::header_table_size},
      {2, 0, kOk, &Settings::enable_push},
      {2, 1, kOk, &Settings::enable_push},
      {2, 2, kProtocol, &Settings::enable_push},
      {2, 0xFFFFFFFF, kProtocol, &Settings::enable_push},
      {3, 0, kOk, &Settings::max_concurrent_streams},
      {3, 0xFFFFFFFF, kOk, &Settings::max_concurrent_streams},
      {4, 0, kOk, &Settings::initial_window_size},
      {4, 0x7FFFFFFF, kOk, &Settings::initial_window_size},
      {4, 0x80000000, kFlow, &Settings::initial_window_size},
      {5, 0, kProtocol, &Settings::max_frame_size},
      {5, 16383, kProtocol, &Settings::max_frame_size},
      {5, 16384, kOk, &Settings::max_frame_size},
      {5, 16777215, kOk, &Settings::max_frame_size},
      {5, 16777216, kProtocol, &Settings::max_frame_size},
      {6, 0, kOk, &Settings::max_header_list_size},
      {6, 0xFFFFFFFF, kOk, &Settings::max_header_list_size},
  };
  for (const auto& row : kRows) {
    Settings settings;
    const Settings initial;
    const auto error = apply_settings(entry(row.id, row.value), 32, settings);
    EXPECT_EQ(error ? error->code : kOk, row.expected) << row.id << " " << row.value;
    EXPECT_EQ(settings.*row.field, error ? initial.*row.field : row.value) << row.id;
  }
}

TEST(Settings, UnknownParametersAreIgnoredAndTheLastValueCounts) {
  Settings settings;
  std::vector<uint8_t> payload = entry(4, 1);
  for (const auto& more : {entry(0, 9), entry(7, 9), entry(0xFFFF, 0xFFFFFFFF), entry(4, 2)}) {
    payload.insert(payload.end(), more.begin(), more.end());
  }
  EXPECT_FALSE(apply_settings(payload, 5, settings));
  EXPECT_EQ(settings.initial_window_size, 2u);
  EXPECT_EQ(apply_settings(payload, 4, settings)->code, ErrorCode::kEnhanceYourCalm);
  EXPECT_FALSE(apply_settings({}, 0, settings));
}

TEST(Settings, AppliesAllOrNothing) {
  Settings settings;
  std::vector<uint8_t> payload = entry(4, 1);
  const auto bad = entry(5, 0);
  payload.insert(payload.end(), bad.begin(), bad.end());
  EXPECT_TRUE(apply_settings(payload, 32, settings));
  EXPECT_EQ(settings.initial_window_size, kDefaultWindowBytes);
}

TEST(Settings, LengthIsAMultipleOfSix) {
  const std::vector<uint8_t> payload(13);
  for (const size_t size : {1u, 5u, 7u, 11u, 13u}) {
    Settings settings;
    const auto error = apply_settings(Bytes(payload).first(size), 32, settings);
    ASSERT_TRUE(error) << size;
    EXPECT_EQ(error->code, ErrorCode::kFrameSizeError) << size;
  }
}

TEST(Settings, EncodesWhatDiffersFromTheInitialValues) {
  uint8_t bytes[kMaxSettingsFrameBytes];
  EXPECT_EQ(encode_settings(bytes, {}), bytes + kFrameHeaderBytes);
  const Settings all = {1, 0, 3, 4, 20000, 6};
  const uint8_t* end = encode_settings(bytes, all);
  EXPECT_EQ(end, bytes + kMaxSettingsFrameBytes);
  Settings back;
  ASSERT_FALSE(apply_settings(Bytes(bytes, end).subspan(kFrameHeaderBytes), 6, back));
  EXPECT_EQ(back.header_table_size, 1u);
  EXPECT_EQ(back.enable_push, 0u);
  EXPECT_EQ(back.max_concurrent_streams, 3u);
  EXPECT_EQ(back.initial_window_size, 4u);
  EXPECT_EQ(back.max_frame_size, 20000u);
  EXPECT_EQ(back.max_header_list_size, 6u);
}

// ---- TokenBucket

TEST(TokenBucket, GivesItsBurstThenItsRate) {
  TokenBucket bucket(3, 10, kStart);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.try_take(kStart));
  EXPECT_FALSE(bucket.try_take(kStart));
  EXPECT_FALSE(bucket.try_take(kStart + milliseconds(99)));
  EXPECT_TRUE(bucket.try_take(kStart + milliseconds(100)));
  EXPECT_FALSE(bucket.try_take(kStart + milliseconds(100)));
  EXPECT_TRUE(bucket.try_take(kStart + milliseconds(300)));
  EXPECT_TRUE(bucket.try_take(kStart + milliseconds(300)));
  EXPECT_FALSE(bucket.try_take(kStart + milliseconds(300)));
}

TEST(TokenBucket, NeverHoldsMoreThanItsBurst) {
  TokenBucket bucket(3, 10, kStart);
  const Time later = kStart + std::chrono::hours(24 * 365);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.try_take(kStart));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.try_take(later));
  EXPECT_FALSE(bucket.try_take(later));
}

// What was earned before the first was taken is no second burst.
TEST(TokenBucket, AnOldBucketHoldsNoMoreThanItsBurst) {
  TokenBucket bucket(1000, 33, kStart);
  const Time later = kStart + seconds(60);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(bucket.try_take(later)) << i;
  EXPECT_FALSE(bucket.try_take(later));
}

TEST(TokenBucket, FractionsOfATokenAreNotLost) {
  TokenBucket bucket(10, 33, kStart);
  int taken = 0;
  for (int ms = 0; ms <= 10'000; ++ms) taken += bucket.try_take(kStart + milliseconds(ms)) ? 1 : 0;
  EXPECT_NEAR(taken, 10 + 330, 1);
}

// Once a second, for longer than the burst lasts, is well under 33 a second.
TEST(TokenBucket, WhoStaysUnderTheRateIsNeverRefused) {
  TokenBucket bucket(1000, 33, kStart);
  for (int i = 0; i < 100000; ++i) ASSERT_TRUE(bucket.try_take(kStart + seconds(i))) << i;
}

TEST(TokenBucket, OfNothingGivesNothing) {
  TokenBucket bucket(0, 0, kStart);
  EXPECT_FALSE(bucket.try_take(kStart + seconds(1000)));
}

// ---- StreamMap

TEST(StreamMap, AgreesWithAMap) {
  ChunkPool pool;
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    const StreamId range = seed % 3 == 0 ? 64 : 4096;  // small ranges collide and wrap
    std::map<StreamId, std::unique_ptr<Stream>> model;
    StreamMap map;
    for (int step = 0; step < 4000; ++step) {
      const auto id = static_cast<StreamId>(random() % range + 1);
      const auto found = model.find(id);
      ASSERT_EQ(map.find(id), found == model.end() ? nullptr : found->second.get()) << seed;
      if (random() % 3 == 0) {
        map.erase(id);
        model.erase(id);
      } else if (found == model.end()) {
        auto stream = std::make_unique<Stream>(pool);
        stream->id = id;
        map.insert(*stream);
        model.emplace(id, std::move(stream));
      }
      ASSERT_EQ(map.size(), model.size()) << seed;
    }
    size_t visited = 0;
    map.for_each([&](Stream& stream) { visited += model.at(stream.id).get() == &stream; });
    EXPECT_EQ(visited, model.size()) << seed;
  }
}

TEST(StreamMap, GivesItsMemoryBackWhenItIsEmpty) {
  ChunkPool pool;
  std::vector<std::unique_ptr<Stream>> streams;
  StreamMap map;
  EXPECT_EQ(map.find(1), nullptr);
  map.erase(1);
  for (StreamId id = 1; id < 2000; id += 2) {
    streams.push_back(std::make_unique<Stream>(pool));
    streams.back()->id = id;
    map.insert(*streams.back());
  }
  const size_t full = map.memory_bytes();
  map.shrink();
  EXPECT_EQ(map.memory_bytes(), full);
  for (const auto& stream : streams) map.erase(stream->id);
  EXPECT_TRUE(map.empty());
  map.shrink();
  EXPECT_EQ(map.memory_bytes(), 0u);
  EXPECT_EQ(map.find(1), nullptr);
}

}  // namespace
}  // namespace saker::h2

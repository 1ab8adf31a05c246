// MessageReader against an oracle: streams of several messages, cut at every place, byte by byte
// and at random; sizes around every threshold; refusals by flag, by limit and by budget, each of
// which must give back all it held. gRPC PROTOCOL-HTTP2.md "Length-Prefixed-Message".
#include "saker/grpc/message.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace saker::grpc {
namespace {

struct Message {
  bool compressed = false;
  std::string body;
  bool operator==(const Message&) const = default;
};

std::string patterned(size_t size, uint32_t seed) {
  std::string body(size, '\0');
  for (size_t i = 0; i < size; ++i) body[i] = static_cast<char>((i * 131 + seed * 17) >> 3 ^ i);
  return body;
}

std::string encoded(const std::vector<Message>& messages) {
  std::string stream;
  for (const Message& message : messages) {
    uint8_t prefix[kMessagePrefixBytes];
    write_message_prefix(prefix, message.compressed, static_cast<uint32_t>(message.body.size()));
    stream.append(as_text(prefix)).append(message.body);
  }
  return stream;
}

std::string prefix_of(uint8_t flag, uint32_t size) {
  uint8_t prefix[kMessagePrefixBytes];
  write_message_prefix(prefix, false, size);
  prefix[0] = flag;
  return std::string(as_text(prefix));
}

class MessageTest : public testing::Test {
 protected:
  // What arrives is copied to memory of its own, gone after the call:
  // a view kept too long is a sanitizer report.
  ReadResult feed(std::string_view part) {
    const std::vector<uint8_t> arrived(part.begin(), part.end());
    Bytes data = arrived;
    for (;;) {
      ReceivedMessage out;
      const ReadResult result = reader_.next(data, out);
      if (result != ReadResult::kMessage) {
        EXPECT_TRUE(data.empty());
        last_size_ = out.size;
        return result;
      }
      keep(out);
    }
  }

  void keep(const ReceivedMessage& out) {
    Message message{out.compressed, std::string(out.size, '\0')};
    EXPECT_TRUE(out.chunks == nullptr || out.size > kMaxContiguousBytes);
    if (out.chunks != nullptr) {
      ASSERT_EQ(out.chunks->size(), out.size);
      out.chunks->copy_to({reinterpret_cast<uint8_t*>(message.body.data()), out.size});
    } else {
      ASSERT_EQ(out.contiguous.size(), out.size);
      message.body = as_text(out.contiguous);
    }
    messages_.push_back(std::move(message));
  }

  void expect_nothing_held() {
    EXPECT_EQ(pool_.outstanding(), 0u);
    EXPECT_EQ(budget_.used(), 0u);
    EXPECT_EQ(reader_.charged_bytes(), 0u);
  }

  // Runs `stream` cut into pieces of `piece` bytes and expects exactly `messages`.
  void expect_messages(const std::string& stream, const std::vector<Message>& messages,
                       size_t piece) {
    messages_.clear();
    for (size_t at = 0; at < stream.size(); at += piece) {
      ASSERT_EQ(feed(std::string_view(stream).substr(at, piece)), ReadResult::kNeedMore);
    }
    EXPECT_TRUE(messages_ == messages) << "pieces of " << piece;
    EXPECT_TRUE(reader_.at_boundary());
    expect_nothing_held();  // feed() has asked once more after the last message
  }

  ChunkPool pool_;
  MemoryBudget budget_{16 << 20};
  MessageContext context_{.pool = &pool_, .budget = &budget_, .max_bytes = 4 << 20};
  MessageReader reader_{context_};
  std::vector<Message> messages_;
  size_t last_size_ = 0;
};

TEST_F(MessageTest, EverySplitOfSeveralMessages) {
  const std::vector<Message> messages = {
      {false, "hello"}, {true, ""}, {false, ""}, {true, patterned(37, 1)}, {false, "x"}};
  const std::string stream = encoded(messages);
  for (size_t first = 0; first <= stream.size(); ++first) {
    for (size_t second = first; second <= stream.size(); ++second) {
      messages_.clear();
      ASSERT_EQ(feed(std::string_view(stream).substr(0, first)), ReadResult::kNeedMore);
      ASSERT_EQ(feed(std::string_view(stream).substr(first, second - first)),
                ReadResult::kNeedMore);
      ASSERT_EQ(feed(std::string_view(stream).substr(second)), ReadResult::kNeedMore);
      ASSERT_TRUE(messages_ == messages) << first << ' ' << second;
      ASSERT_TRUE(reader_.at_boundary());
    }
  }
  expect_nothing_held();
}

TEST_F(MessageTest, SizesAroundEveryThresholdInPieces) {
  std::vector<size_t> sizes = {1};
  for (const size_t edge : {ChunkPool::kSmallBytes, 2 * ChunkPool::kSmallBytes, size_t{8192},
                            size_t{16384}, kMaxContiguousBytes, ChunkPool::kLargeBytes,
                            ChunkPool::kLargeBytes + ChunkPool::kSmallBytes, size_t{300'000}}) {
    for (const size_t size : {edge - 1, edge, edge + 1}) sizes.push_back(size);
  }
  for (const size_t size : sizes) {
    const std::vector<Message> messages = {{false, patterned(size, 1)}, {true, patterned(size, 2)}};
    const std::string stream = encoded(messages);
    for (const size_t piece : {size_t{997}, size_t{16384}, size_t{65536}, stream.size()}) {
      expect_messages(stream, messages, piece);
    }
  }
}

TEST_F(MessageTest, OneByteAtATime) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{5000}, kMaxContiguousBytes,
                            kMaxContiguousBytes + 1, size_t{200'000}}) {
    const std::vector<Message> messages = {{true, patterned(size, 3)}, {false, "after"}};
    expect_messages(encoded(messages), messages, 1);
  }
}

TEST_F(MessageTest, RandomStreamsInRandomPieces) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Message> messages;
    for (int i = 0; i < 6; ++i) {
      messages.push_back({random() % 2 == 0, patterned(random() % (size_t{1} << (random() % 19)),
                                                       static_cast<uint32_t>(round))});
    }
    const std::string stream = encoded(messages);
    messages_.clear();
    for (size_t at = 0; at < stream.size();) {
      const size_t piece =
          std::min<size_t>(stream.size() - at, random() % (size_t{1} << (random() % 18 + 1)));
      ASSERT_EQ(feed(std::string_view(stream).substr(at, piece)), ReadResult::kNeedMore);
      at += piece;
    }
    ASSERT_TRUE(messages_ == messages);
    expect_nothing_held();
  }
}

TEST_F(MessageTest, WholeMessageIsAViewAndHoldsNothing) {
  const std::string stream = encoded({{false, patterned(100'000, 1)}, {true, "b"}});
  Bytes data = as_bytes(stream);
  ReceivedMessage out;
  ASSERT_EQ(reader_.next(data, out), ReadResult::kMessage);
  EXPECT_EQ(out.contiguous.data(), as_bytes(stream).data() + kMessagePrefixBytes);
  EXPECT_EQ(out.chunks, nullptr);
  expect_nothing_held();
  ASSERT_EQ(reader_.next(data, out), ReadResult::kMessage);
  EXPECT_TRUE(out.compressed);
  EXPECT_EQ(out.contiguous.data(), as_bytes(stream).data() + stream.size() - 1);
  EXPECT_EQ(reader_.next(data, out), ReadResult::kNeedMore);
}

TEST_F(MessageTest, BodyWholeAfterACutPrefixIsAViewToo) {
  const std::string stream = encoded({{false, patterned(100'000, 1)}});
  ASSERT_EQ(feed(std::string_view(stream).substr(0, 5)), ReadResult::kNeedMore);
  Bytes data = as_bytes(stream).subspan(5);
  ReceivedMessage out;
  ASSERT_EQ(reader_.next(data, out), ReadResult::kMessage);
  EXPECT_EQ(out.contiguous.data(), as_bytes(stream).data() + 5);
  expect_nothing_held();
}

TEST_F(MessageTest, AssembledViewLivesUntilTheNextCall) {
  const std::string body = patterned(1000, 1);
  const std::string stream = encoded({{false, body}});
  ASSERT_EQ(feed(std::string_view(stream).substr(0, 500)), ReadResult::kNeedMore);
  Bytes data = as_bytes(stream).subspan(500);
  ReceivedMessage out;
  ASSERT_EQ(reader_.next(data, out), ReadResult::kMessage);
  EXPECT_TRUE(data.empty());
  EXPECT_TRUE(reader_.at_boundary());
  EXPECT_EQ(as_text(out.contiguous), body);
  EXPECT_GT(budget_.used(), 0u);
  reader_.reset();
  expect_nothing_held();
}

TEST_F(MessageTest, ChunksMayBeMovedOut) {
  const std::string body = patterned(200'000, 1);
  const std::string stream = encoded({{false, body}});
  ASSERT_EQ(feed(std::string_view(stream).substr(0, 100)), ReadResult::kNeedMore);
  Bytes data = as_bytes(stream).subspan(100);
  ReceivedMessage out;
  ASSERT_EQ(reader_.next(data, out), ReadResult::kMessage);
  ASSERT_NE(out.chunks, nullptr);
  {
    ChunkQueue taken(std::move(*out.chunks));
    reader_.reset();
    EXPECT_EQ(budget_.used(), 0u);
    std::string copy(taken.size(), '\0');
    taken.copy_to({reinterpret_cast<uint8_t*>(copy.data()), copy.size()});
    EXPECT_TRUE(copy == body);
    EXPECT_GT(pool_.outstanding(), 0u);
  }
  expect_nothing_held();
}

TEST_F(MessageTest, BoundaryIsBetweenMessagesOnly) {
  const std::string stream = encoded({{false, "abc"}});
  EXPECT_TRUE(reader_.at_boundary());
  for (size_t i = 0; i < stream.size(); ++i) {
    ASSERT_EQ(feed(stream.substr(i, 1)), ReadResult::kNeedMore);
    EXPECT_EQ(reader_.at_boundary(), i + 1 == stream.size()) << i;
  }
}

TEST_F(MessageTest, TooLargeIsKnownAtTheFifthByte) {
  for (const uint32_t size : {context_.max_bytes + 1, uint32_t{0xffffffff}}) {
    const std::string prefix = prefix_of(0, size);
    ASSERT_EQ(feed(prefix.substr(0, 4)), ReadResult::kNeedMore);
    ASSERT_EQ(feed(prefix.substr(4)), ReadResult::kTooLarge);
    EXPECT_EQ(last_size_, size);
    EXPECT_FALSE(reader_.budget_refused());
    EXPECT_FALSE(reader_.at_boundary());
    expect_nothing_held();
    EXPECT_EQ(feed("more of it"), ReadResult::kTooLarge);
    reader_.reset();
    ASSERT_EQ(feed(prefix), ReadResult::kTooLarge);
    reader_.reset();
  }
}

TEST_F(MessageTest, LimitItselfIsAllowed) {
  context_.max_bytes = 1000;
  expect_messages(encoded({{false, patterned(1000, 1)}}), {{false, patterned(1000, 1)}}, 2000);
  expect_messages(encoded({{false, patterned(1000, 1)}}), {{false, patterned(1000, 1)}}, 400);
  EXPECT_EQ(feed(encoded({{false, patterned(1001, 1)}})), ReadResult::kTooLarge);
}

TEST_F(MessageTest, OtherFlagsAreRefused) {
  for (const int flag : {2, 3, 0x80, 0xff}) {
    const std::string stream = prefix_of(static_cast<uint8_t>(flag), 3) + "abc";
    for (size_t piece = 1; piece <= stream.size(); ++piece) {
      ReadResult result = ReadResult::kNeedMore;
      for (size_t at = 0; at < stream.size(); at += piece)
        result = feed(std::string_view(stream).substr(at, piece));
      EXPECT_EQ(result, ReadResult::kBadFlag) << flag << ' ' << piece;
      expect_nothing_held();
      reader_.reset();
    }
  }
}

TEST_F(MessageTest, ReservesAtMostTwiceWhatArrived) {
  for (const uint32_t size : {uint32_t{60'000}, uint32_t{3 << 20}}) {
    ASSERT_EQ(feed(prefix_of(0, size)), ReadResult::kNeedMore);
    expect_nothing_held();
    for (size_t arrived = 500; arrived < size; arrived += 500) {
      ASSERT_EQ(feed(std::string(500, 'x')), ReadResult::kNeedMore);
      const size_t floor_bytes = 2 * (ChunkPool::kSmallBytes + sizeof(Chunk));
      // arrived / 32: chunk headers.
      ASSERT_LE(budget_.used(), std::max(2 * arrived, floor_bytes) + arrived / 32);
    }
    reader_.reset();
    expect_nothing_held();
  }
}

TEST_F(MessageTest, BudgetRefusalReleasesEverything) {
  for (const size_t size : {size_t{3000}, size_t{50'000}, size_t{1'000'000}}) {
    const std::string stream = encoded({{false, patterned(size, 1)}});
    const size_t others = 1 << 10;
    for (size_t limit = 0; limit < size + 200'000; limit += size / 7 + 100) {
      MemoryBudget parent(limit + others);
      ASSERT_TRUE(parent.try_charge(others));
      MemoryBudget budget(16 << 20, &parent);
      const MessageContext context{.pool = &pool_, .budget = &budget, .max_bytes = 4 << 20};
      reader_.bind(context);
      messages_.clear();
      ReadResult result = ReadResult::kNeedMore;
      for (size_t at = 0; at < stream.size() && result == ReadResult::kNeedMore; at += 1000) {
        result = feed(std::string_view(stream).substr(at, 1000));
      }
      EXPECT_EQ(messages_.size(), result == ReadResult::kNeedMore ? 1u : 0u);
      EXPECT_EQ(reader_.budget_refused(), result == ReadResult::kTooLarge);
      EXPECT_TRUE(last_size_ == size || result != ReadResult::kTooLarge);
      EXPECT_TRUE(limit > 0 || result == ReadResult::kTooLarge);
      EXPECT_EQ(budget.used(), 0u);
      EXPECT_EQ(parent.used(), others);
      reader_.bind(context_);
      expect_nothing_held();
      EXPECT_FALSE(reader_.budget_refused());
    }
  }
}

TEST_F(MessageTest, ResetInEveryStateGivesAllBack) {
  for (const size_t size : {size_t{20}, size_t{50'000}, size_t{100'000}}) {
    const std::string stream = encoded({{false, patterned(size, 1)}});
    for (size_t cut : {size_t{0}, size_t{1}, size_t{5}, size_t{6}, size_t{20}, stream.size() - 1,
                       stream.size()}) {
      ASSERT_EQ(feed(std::string_view(stream).substr(0, cut)), ReadResult::kNeedMore);
      reader_.reset();
      EXPECT_TRUE(reader_.at_boundary());
      expect_nothing_held();
      expect_messages(stream, {{false, patterned(size, 1)}}, 777);
    }
  }
}

}  // namespace
}  // namespace saker::grpc

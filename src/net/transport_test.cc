// What every transport promises about bytes and their order, on every transport.
#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>

#include "saker/net/transport_fixture.h"

namespace saker::net::test {
namespace {

using testing::AnyOf;

constexpr size_t kMiB = 1 << 20;

class TransportTest : public TransportFixture {};

TEST_P(TransportTest, EchoesBytesOfManySizes) {
  events_->setup = [](TestStream& stream) {
    stream.echo();
    stream.start();
  };
  make_pair();
  for (const size_t size : {size_t{1}, size_t{2}, size_t{100}, size_t{4095}, size_t{4096},
                            size_t{65535}, size_t{65537}, kMiB, 8 * kMiB}) {
    const std::string bytes = pattern(size, size);
    client_->received.clear();
    const int sent = client_->sent_count;
    ASSERT_TRUE(client_->send(bytes));
    ASSERT_TRUE(world_->run_until([&] { return client_->received.size() >= size; })) << size;
    EXPECT_TRUE(client_->received == bytes) << size;
    ASSERT_TRUE(world_->run_until([&] { return client_->sent_count > sent; })) << size;
    EXPECT_EQ(client_->sent_count, sent + 1);
  }
  EXPECT_EQ(client_->end_count, 0);
}

TEST_P(TransportTest, WritesStayInOrder) {
  make_pair();
  std::string expected;
  int next = 0;
  client_->sent_hook = [&] {
    if (next == 100) return;
    const std::string part =
        pattern(static_cast<size_t>(1 + next * 37), static_cast<uint64_t>(next));
    ++next;
    expected += part;
    EXPECT_TRUE(client_->send(part));
  };
  client_->sent_hook();
  ASSERT_TRUE(world_->run_until(
      [&] { return client_->sent_count == 100 && server().received.size() == expected.size(); }));
  EXPECT_TRUE(server().received == expected);
}

TEST_P(TransportTest, AWriteOfManySmallChunksArrives) {
  make_pair();
  Loop& loop = world_->client();
  const std::string bytes = pattern(1000);
  ChunkQueue chunks(loop.chunks());
  for (size_t i = 0; i < bytes.size(); ++i) {
    Chunk* chunk = loop.chunks().get(1);
    chunk->storage[0] = static_cast<uint8_t>(bytes[i]);
    chunk->end = i % 7 == 0 ? 0 : 1;  // some are empty
    chunks.append(chunk);
  }
  const size_t size = chunks.size();
  client_->stream().submit(std::move(chunks));
  ASSERT_TRUE(world_->run_until(
      [&] { return client_->sent_count == 1 && server().received.size() == size; }));
  EXPECT_EQ(loop.chunks().outstanding(), 0u);
}

TEST_P(TransportTest, APausedReaderHoldsTheWriterBack) {
  make_pair();
  server().stream().pause_reading(true);
  const std::string bytes = pattern(24 * kMiB);
  ASSERT_TRUE(client_->send(bytes));
  world_->settle();
  EXPECT_TRUE(client_->stream().write_in_flight());
  EXPECT_EQ(client_->sent_count, 0);
  EXPECT_EQ(server().received.size(), 0u);
  EXPECT_GT(client_->stream().memory_bytes(), kMiB);
  server().stream().pause_reading(false);
  ASSERT_TRUE(world_->run_until([&] { return server().received.size() >= bytes.size(); }));
  EXPECT_TRUE(server().received == bytes);
  ASSERT_TRUE(world_->run_until([&] { return client_->sent_count == 1; }));
  EXPECT_LT(client_->stream().memory_bytes(), 4096u + world_->engine_bytes());
  EXPECT_EQ(world_->client().chunks().outstanding(), 0u);
}

TEST_P(TransportTest, BytesInFrontOfACloseAreDeliveredBeforeItsEnd) {
  make_pair();
  const std::string bytes = pattern(100'000);
  ASSERT_TRUE(client_->send(bytes));
  ASSERT_TRUE(world_->run_until([&] { return client_->sent_count == 1; }));
  client_->stream().close();
  ASSERT_TRUE(world_->run_until([&] { return server().end_count == 1; }));
  EXPECT_TRUE(server().received == bytes);
  EXPECT_EQ(server().error.system_error, 0) << server().error.message;
  EXPECT_FALSE(server().error.message.empty());
  EXPECT_EQ(client_->end_count, 0);
}

TEST_P(TransportTest, PauseHidesBytesAndEnd) {
  make_pair();
  server().stream().pause_reading(true);
  ASSERT_TRUE(client_->send("hello"));
  ASSERT_TRUE(world_->run_until([&] { return client_->sent_count == 1; }));
  client_->stream().close();
  world_->settle();
  EXPECT_EQ(server().received, "");
  EXPECT_EQ(server().end_count, 0);
  server().stream().pause_reading(false);
  ASSERT_TRUE(world_->run_until([&] { return server().end_count == 1; }));
  EXPECT_EQ(server().received, "hello");
  EXPECT_EQ(server().error.system_error, 0);
}

TEST_P(TransportTest, PauseWithinOnDataStopsAtOnce) {
  make_pair();
  server().data_hook = [&] { server().stream().pause_reading(true); };
  ASSERT_TRUE(client_->send("one"));
  ASSERT_TRUE(
      world_->run_until([&] { return !server().received.empty() && client_->sent_count == 1; }));
  const size_t seen = server().received.size();
  ASSERT_TRUE(client_->send("two"));
  world_->settle();
  EXPECT_EQ(server().received.size(), seen);
  server().data_hook = nullptr;
  server().stream().pause_reading(false);
  ASSERT_TRUE(world_->run_until([&] { return server().received == "onetwo"; }));
}

TEST_P(TransportTest, AStreamMayWriteBeforeItStartsAndMissesNothing) {
  events_->setup = [](TestStream& stream) { stream.send("greeting"); };
  TestConnect& attempt = connect();
  ASSERT_TRUE(world_->run_until([&] { return attempt.count > 0 && !events_->streams.empty(); }));
  client_ = std::move(attempt.stream);
  ASSERT_TRUE(client_->send("request"));
  world_->settle();
  EXPECT_EQ(client_->received, "");
  EXPECT_EQ(client_->sent_count, 0);
  client_->start();
  server().start();
  ASSERT_TRUE(world_->run_until([&] {
    return client_->received == "greeting" && server().received == "request" &&
           client_->sent_count == 1 && server().sent_count == 1;
  }));
}

TEST_P(TransportTest, AStreamMayDieInEachOfItsEvents) {
  for (int which = 0; which < 3; ++which) {
    events_->streams.clear();
    make_pair();
    auto destroy = [&] { client_.reset(); };
    (which == 0   ? client_->data_hook
     : which == 1 ? client_->sent_hook
                  : client_->end_hook) = destroy;
    if (which == 0) server().send("x");
    if (which == 1) client_->send("x");
    if (which == 2) server().stream().close();
    ASSERT_TRUE(world_->run_until([&] { return client_ == nullptr; })) << which;
  }
}

TEST_P(TransportTest, AStreamMayBeClosedInEachOfItsEvents) {
  for (int which = 0; which < 3; ++which) {
    events_->streams.clear();
    make_pair();
    bool closed = false;
    auto close = [&] {
      EXPECT_FALSE(closed);
      client_->stream().close();
      closed = true;
    };
    (which == 0 ? client_->data_hook : which == 1 ? client_->sent_hook : client_->end_hook) = close;
    if (which == 0) server().send("x");
    if (which == 1) client_->send("x");
    if (which == 2) server().stream().close();
    ASSERT_TRUE(world_->run_until([&] { return closed; })) << which;
    world_->settle();
    EXPECT_EQ(client_->end_count, which == 2 ? 1 : 0);
    client_.reset();
  }
}

// Several streams are ready in one batch of events; whichever comes first takes the others with it.
TEST_P(TransportTest, AStreamMayDestroyOthersOfTheSameBatch) {
  constexpr size_t kStreams = 16;
  for (size_t i = 0; i < kStreams; ++i) connect();
  ASSERT_TRUE(world_->run_until([&] { return events_->streams.size() == kStreams; }));
  ASSERT_TRUE(world_->run_until([&] {
    return std::ranges::all_of(connects_, [](const auto& one) { return one->count == 1; });
  }));
  for (auto& stream : events_->streams) {
    stream->data_hook = [&] {
      ASSERT_FALSE(events_->streams.empty());
      events_->streams.clear();
    };
  }
  world_->settle();
  for (auto& one : connects_) {
    one->stream->start();
    one->stream->send("x");
  }
  ASSERT_TRUE(world_->run_until([&] { return events_->streams.empty(); }));
  ASSERT_TRUE(world_->run_until([&] {
    return std::ranges::all_of(connects_,
                               [](const auto& one) { return one->stream->end_count == 1; });
  }));
}

TEST_P(TransportTest, ClosingDropsAWriteInFlightAndReturnsItsChunks) {
  make_pair();
  server().stream().pause_reading(true);
  ASSERT_TRUE(client_->send(pattern(24 * kMiB)));
  world_->settle();
  EXPECT_TRUE(client_->stream().write_in_flight());
  client_->stream().close();
  EXPECT_FALSE(client_->stream().write_in_flight());
  EXPECT_EQ(world_->client().chunks().outstanding(), 0u);
  server().stream().pause_reading(false);
  ASSERT_TRUE(world_->run_until([&] { return server().end_count == 1; }));
  EXPECT_EQ(client_->sent_count, 0);
  client_->stream().close();
}

TEST_P(TransportTest, WritingToAPeerThatIsGoneEndsTheStream) {
  make_pair();
  client_->stream().pause_reading(true);
  world_->settle();
  server().stream().close();
  world_->settle();
  EXPECT_EQ(client_->end_count, 0);
  client_->sent_hook = [&] { client_->send("more"); };
  client_->send("some");
  ASSERT_TRUE(world_->run_until([&] { return client_->end_count == 1; }));
  EXPECT_THAT(client_->error.system_error, AnyOf(EPIPE, ECONNRESET)) << client_->error.message;
  EXPECT_FALSE(client_->send("late"));
  ChunkQueue late(world_->client().chunks());
  late.append(as_bytes("late"));
  client_->stream().submit(std::move(late));
  EXPECT_FALSE(client_->stream().write_in_flight());
}

INSTANTIATE_TEST_SUITE_P(All, TransportTest, testing::ValuesIn(all_worlds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace saker::net::test

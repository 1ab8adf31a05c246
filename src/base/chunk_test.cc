// Chunks, their pool and their queue: what goes in comes out in order, lent bytes are released
// exactly once and not before the last byte left, and nothing stays outstanding. A seeded random
// walk compares the queue with a plain string.
#include "saker/base/chunk.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace saker {
namespace {

std::string contents(const ChunkQueue& queue) {
  std::string text(queue.size(), '\0');
  queue.copy_to({reinterpret_cast<uint8_t*>(text.data()), text.size()});
  return text;
}

std::string patterned(size_t size, size_t seed) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + seed) % 26);
  return text;
}

void count_release(void* counter) {
  ++*static_cast<int*>(counter);
}

TEST(ChunkPool, GivesRoomForWhatIsWanted) {
  ChunkPool pool;
  for (const size_t wanted :
       {size_t{0}, size_t{1}, ChunkPool::kSmallBytes, ChunkPool::kSmallBytes + 1,
        ChunkPool::kLargeBytes, ChunkPool::kLargeBytes + 1}) {
    Chunk* chunk = pool.get(wanted);
    EXPECT_GE(chunk->capacity, std::min(wanted, ChunkPool::kLargeBytes));
    EXPECT_EQ(chunk->size(), 0u);
    EXPECT_EQ(chunk->next, nullptr);
    std::memset(chunk->storage, 1, chunk->capacity);
    pool.put(chunk);
  }
  EXPECT_EQ(pool.outstanding(), 0u);
}

TEST(ChunkPool, RecyclesAndResets) {
  ChunkPool pool;
  Chunk* first = pool.get(10);
  first->begin = 3;
  first->end = 9;
  pool.put(first);
  Chunk* second = pool.get(10);
  EXPECT_EQ(second, first);
  EXPECT_EQ(second->begin, 0u);
  EXPECT_EQ(second->end, 0u);
  Chunk* large = pool.get(ChunkPool::kLargeBytes);
  EXPECT_NE(large, second);
  EXPECT_EQ(pool.outstanding(), 2u);
  pool.put(second);
  pool.put(large);
  EXPECT_EQ(pool.outstanding(), 0u);
}

TEST(ChunkPool, KeepsNoMoreThanItMay) {
  ChunkPool pool(0);
  Chunk* chunk = pool.get(10);
  pool.put(chunk);  // freed: a sanitizer would see a leak or a second use
  EXPECT_EQ(pool.outstanding(), 0u);
}

TEST(ChunkPool, LentBytesAreReleasedByPut) {
  ChunkPool pool;
  int released = 0;
  const std::string text = "lent";
  for (int round = 1; round <= 3; ++round) {
    Chunk* chunk = pool.lend(as_bytes(text), count_release, &released);
    EXPECT_EQ(as_text(chunk->bytes()), "lent");
    EXPECT_EQ(released, round - 1);
    pool.put(chunk);
    EXPECT_EQ(released, round);
  }
  pool.put(pool.lend(as_bytes(text), nullptr, nullptr));
  EXPECT_EQ(released, 3);
}

TEST(ChunkQueue, AppendsAndConsumesAcrossChunks) {
  ChunkPool pool;
  {
    ChunkQueue queue(pool);
    EXPECT_TRUE(queue.empty());
    const std::string text = patterned(300'000, 1);
    queue.append(as_bytes(text));
    EXPECT_EQ(queue.size(), text.size());
    EXPECT_TRUE(contents(queue) == text);
    size_t gone = 0;
    for (const size_t size :
         {size_t{0}, size_t{1}, size_t{100'000}, size_t{65'536}, size_t{134'463}}) {
      queue.consume(size);
      gone += size;
      ASSERT_TRUE(contents(queue) == text.substr(gone)) << gone;
    }
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(pool.outstanding(), 0u);
  }
}

TEST(ChunkQueue, PreparedBytesCountOnlyOnceCommitted) {
  ChunkPool pool;
  ChunkQueue queue(pool);
  uint8_t* room = queue.prepare(100);
  EXPECT_TRUE(queue.empty());
  std::memcpy(room, "abc", 3);
  queue.commit(3);
  EXPECT_EQ(contents(queue), "abc");
  EXPECT_EQ(queue.prepare(100), room + 3);
  EXPECT_EQ(queue.size(), 3u);
  uint8_t* largest = queue.prepare(ChunkPool::kLargeBytes);
  std::memset(largest, 'x', ChunkPool::kLargeBytes);
  queue.commit(ChunkPool::kLargeBytes);
  EXPECT_TRUE(contents(queue) == "abc" + std::string(ChunkPool::kLargeBytes, 'x'));
}

TEST(ChunkQueue, AppendAfterPrepareAndAfterLentBytes) {
  ChunkPool pool;
  int released = 0;
  const std::string lent = "lent";
  ChunkQueue queue(pool);
  queue.prepare(10);
  queue.append(as_bytes("a"));
  queue.append(pool.lend(as_bytes(lent), count_release, &released));
  queue.append(as_bytes("b"));
  EXPECT_EQ(contents(queue), "alentb");
  EXPECT_EQ(lent, "lent");  // never written to
  queue.consume(4);
  EXPECT_EQ(released, 0);
  queue.consume(1);
  EXPECT_EQ(released, 1);
  EXPECT_EQ(contents(queue), "b");
}

TEST(ChunkQueue, MovesWholeQueues) {
  ChunkPool pool;
  ChunkQueue a(pool), b(pool);
  a.append(as_bytes("one "));
  b.append(as_bytes("two"));
  a.append(std::move(b));
  EXPECT_EQ(contents(a), "one two");
  b.append(as_bytes("again"));  // NOLINT(bugprone-use-after-move): an emptied queue stays usable
  EXPECT_EQ(contents(b), "again");
  b = std::move(a);
  EXPECT_EQ(contents(b), "one two");
  ChunkQueue c(std::move(b));
  EXPECT_EQ(contents(c), "one two");
  c.append(ChunkQueue(pool));
  EXPECT_EQ(contents(c), "one two");
  c.clear();
  EXPECT_EQ(pool.outstanding(), 0u);
}

TEST(ChunkQueue, MoveFromMovesWholeChunksWithoutCopying) {
  ChunkPool pool;
  ChunkQueue from(pool), to(pool);
  from.append(as_bytes(patterned(10'000, 1)));
  const Chunk* front = from.front();
  const size_t front_size = front->size();
  to.move_from(from, front_size);
  EXPECT_EQ(to.front(), front);
  EXPECT_EQ(from.size(), 10'000 - front_size);
  to.move_from(from, from.size());
  EXPECT_TRUE(contents(to) == patterned(10'000, 1));
  EXPECT_TRUE(from.empty());
}

TEST(ChunkQueue, MoveFromSplitsLentBytesWithoutCopying) {
  ChunkPool pool;
  int released = 0;
  const std::string lent = patterned(100, 1);
  ChunkQueue from(pool), to(pool);
  from.append(pool.lend(as_bytes(lent), count_release, &released));
  to.move_from(from, 40);
  EXPECT_EQ(to.front()->storage, as_bytes(lent).data());
  to.move_from(from, 60);
  EXPECT_EQ(contents(to), lent);
  to.consume(99);
  EXPECT_EQ(released, 0);
  to.consume(1);
  EXPECT_EQ(released, 1);
}

TEST(ChunkQueue, APartOfLentBytesHoldsTheRelease) {
  ChunkPool pool;
  int released = 0;
  const std::string lent = patterned(100, 3);
  ChunkQueue from(pool);
  ChunkQueue first(pool);
  ChunkQueue second(pool);
  from.append(pool.lend(as_bytes(lent), count_release, &released));
  first.move_from(from, 40);
  second.move_from(first, 10);  // a part of a part
  from.clear();
  EXPECT_EQ(released, 0) << "40 bytes are still queued";
  first.clear();
  EXPECT_EQ(released, 0) << "10 bytes are still queued";
  EXPECT_EQ(as_text(second.front()->bytes()), lent.substr(0, 10));
  second.clear();
  EXPECT_EQ(released, 1);
  EXPECT_EQ(pool.outstanding(), 0u);
}

TEST(ChunkQueue, ClearReleasesLentBytesOnce) {
  ChunkPool pool;
  int released = 0;
  const std::string lent = "lent";
  {
    ChunkQueue queue(pool);
    queue.append(pool.lend(as_bytes(lent), count_release, &released));
    queue.consume(1);
    queue.clear();
    EXPECT_EQ(released, 1);
    EXPECT_EQ(queue.size(), 0u);
  }
  EXPECT_EQ(released, 1);
  EXPECT_EQ(pool.outstanding(), 0u);
}

// Two queues and two strings under the same random commands.
TEST(ChunkQueue, RandomWalkAgreesWithAString) {
  ChunkPool pool;
  std::mt19937 random(1);
  int lent = 0, released = 0;
  std::vector<std::string> lenders;
  lenders.reserve(3000);
  {
    ChunkQueue a(pool), b(pool);
    std::string text_a, text_b;
    for (int step = 0; step < 3000; ++step) {
      const size_t size = random() % (size_t{1} << (random() % 18));
      switch (random() % 5) {
        case 0:
          a.append(as_bytes(patterned(size, step)));
          text_a += patterned(size, step);
          break;
        case 1:
          lenders.push_back(patterned(size % 5000 + 1, step));
          a.append(pool.lend(as_bytes(lenders.back()), count_release, &released));
          text_a += lenders.back();
          ++lent;
          break;
        case 2: {
          const size_t part = std::min(size, text_a.size());
          b.move_from(a, part);
          text_b += text_a.substr(0, part);
          text_a.erase(0, part);
          break;
        }
        case 3: {
          const size_t part = std::min(size, text_b.size());
          b.consume(part);
          text_b.erase(0, part);
          break;
        }
        default: {
          const size_t fits = std::min(size, ChunkPool::kLargeBytes);
          std::memset(a.prepare(fits), 'p', fits);
          a.commit(fits / 2);
          text_a += std::string(fits / 2, 'p');
        }
      }
      ASSERT_EQ(a.size(), text_a.size());
      ASSERT_EQ(b.size(), text_b.size());
      if (step % 50 == 0) {
        ASSERT_TRUE(contents(a) == text_a) << step;
        ASSERT_TRUE(contents(b) == text_b) << step;
      }
    }
    EXPECT_TRUE(contents(a) == text_a);
    EXPECT_TRUE(contents(b) == text_b);
  }
  EXPECT_EQ(released, lent);
  EXPECT_EQ(pool.outstanding(), 0u);
}

}  // namespace
}  // namespace saker
